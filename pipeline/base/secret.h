// Secret: a password or a key, read from a file that a setting names. It is never printed.
//
// Threads: any; nothing is kept between calls.
#pragma once

#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

// Returns the contents of the file without a final line feed. An empty path gives an empty secret.
// Fails with unreadable_file; the explanation is the path.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

}  // namespace rollcall
