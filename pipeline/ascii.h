// Ascii: what protocols and scripts mean by a digit, and by the same word.
//
// Independent of the locale. Threads: pure functions.
#pragma once

#include <algorithm>
#include <string_view>

namespace rollcall {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 0 to 15, or -1.
constexpr int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char letter = static_cast<char>(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// But for the case of letters.
constexpr bool same_word(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace rollcall
