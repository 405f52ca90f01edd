// Secret file: a file of lines of words, which says who may come in.
//
// A line is split at blanks; one that begins with # is none, nor is one without words. All of the
// file is right or nothing of it counts: half of it would shut out whoever stands in the rest.
//
// Threads: nothing is kept between calls. Units: lines from 1.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace rollcall {

// Gives each line's words to `take`, which says why they are wrong; empty if they are not. The
// sentence that is returned names the file, the line, and the reason.
using TakeWords =
    std::function<std::string(std::span<const std::string_view> words, uint32_t line)>;
[[nodiscard]] std::expected<void, std::string> read_secret_file(const std::string& path,
                                                                const TakeWords& take);

// "tokens:7: is wrong", as above.
[[nodiscard]] std::string at_line(const std::string& path, uint32_t line, std::string_view reason);

// A sentence if others than owner and group may read the file, else empty.
[[nodiscard]] std::string warning_of(const std::string& path);

}  // namespace rollcall
