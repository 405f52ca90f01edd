// Secret file: a text file with one credential per line, as words separated by blanks.
//
// Empty lines and lines that begin with # are skipped. One wrong line rejects the whole file,
// because using only the valid lines would lock out the clients of the wrong lines.
//
// Threads: any; nothing is kept between calls. Units: lines are counted from 1.
// Errors: unreadable_file and bad_file; the explanation names the file, the line and the reason.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

// Receives the words of one line. The explanation of a failure is a clause about the line, such as
// "has too many words".
using TakeWords =
    std::function<Result<void>(std::span<const std::string_view> words, uint32_t line)>;

// Calls take() for each line with words, until a call fails.
[[nodiscard]] Result<void> read_secret_file(const std::string& path, const TakeWords& take);

// Returns the error with "path:line: " before its explanation.
[[nodiscard]] Error at_line(const std::string& path, uint32_t line, const Error& error);

// Returns a warning if users other than owner and group can read the file; otherwise an empty text.
[[nodiscard]] std::string permission_warning(const std::string& path);

}  // namespace rollcall
