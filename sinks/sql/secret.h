// Secret: a password or key, from the file that the settings name. It is never printed.
//
// Threads: nothing is kept between calls.
#pragma once

#include <expected>
#include <string>

namespace rollcall {

// What the file holds, without a line feed at its end; or why it cannot be read. An empty path is
// an empty secret.
[[nodiscard]] std::expected<std::string, std::string> read_secret(const std::string& path);

}  // namespace rollcall
