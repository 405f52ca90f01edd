// Secret: a password or a key from a file. A setting names the file. The secret is never printed.
//
// Threads: any thread may call the function, which keeps nothing between calls.
#pragma once

#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

// Returns the contents of the file without a final line feed. For an empty path, returns an empty
// secret. Fails with unreadable_file and the path as the explanation.
[[nodiscard]] Result<std::string> read_secret(const std::string& path);

}  // namespace rollcall
