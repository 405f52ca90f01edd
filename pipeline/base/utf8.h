// Utf8: is a text UTF-8, and what to make of one that is not.
//
// Routers pass on the bytes that some PC's code page put into a name. Here valid UTF-8 stays as it
// is and every other byte is read as Windows-1252; the five bytes that mean nothing there become
// U+FFFD.
//
// Threads: pure functions. Units: offsets and sizes in bytes.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rollcall {

// One character, which is at most U+10FFFF.
struct Utf8 {
    std::array<char, 4> bytes;
    size_t length;
    [[nodiscard]] std::string_view view() const { return {bytes.data(), length}; }
};
[[nodiscard]] Utf8 utf8_of(char32_t c);

[[nodiscard]] bool utf8_valid(std::string_view text);

// Bytes that one byte of Windows-1252 needs at most.
inline constexpr size_t utf8_growth_max = 3;

// Appends `text` to `out` as valid UTF-8.
void append_as_utf8(std::string_view text, std::string& out);

// The offset in `text` of what stands at `offset` of its form by append_as_utf8().
[[nodiscard]] size_t offset_before_utf8(std::string_view text, size_t offset);

// The longest beginning of a valid text that has at most bytes_max bytes and ends with a character.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, size_t bytes_max);

}  // namespace rollcall
