// Utf8: validates UTF-8, and converts text that is not UTF-8.
//
// A name that was set on a PC can be in the code page of that PC. Routers send such a name
// unchanged. The conversion keeps valid UTF-8 and reads every other byte as Windows-1252. The five
// bytes that Windows-1252 does not define become U+FFFD.
//
// Threads: pure functions. Units: offsets and sizes in bytes.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rollcall {

// The UTF-8 form of one code point up to U+10FFFF.
struct Utf8 {
    std::array<char, 4> bytes;
    size_t length;
    [[nodiscard]] std::string_view view() const { return {bytes.data(), length}; }
};
[[nodiscard]] Utf8 utf8_of(char32_t c);

[[nodiscard]] bool utf8_valid(std::string_view text);

// The largest number of UTF-8 bytes for one byte of Windows-1252.
inline constexpr size_t utf8_growth_max = 3;

// Appends `text` to `out`, converted to valid UTF-8.
void append_as_utf8(std::string_view text, std::string& out);

// Returns the offset in `text` that corresponds to `offset` in the result of append_as_utf8().
[[nodiscard]] size_t offset_before_utf8(std::string_view text, size_t offset);

// Returns the longest prefix of valid UTF-8 text with at most bytes_max bytes. Never splits a
// character.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, size_t bytes_max);

}  // namespace rollcall
