// Ascii: functions for digits, letters, sets of bytes, case-insensitive words, blanks and
// percent-encoding in protocols and scripts.
//
// The functions do not depend on the locale. Threads: pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) { return is_lower(c) || is_upper(c); }

// Returns the value of a hexadecimal digit, or -1.
constexpr int hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    const char letter = static_cast<char>(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }
constexpr char upper(char c) { return static_cast<char>(c - (is_lower(c) ? 0x20 : 0)); }

// A set of bytes, stored as a table with an entry for each byte. It searches a text faster than
// string_view::find_first_of(), which compares each byte of the text with a list.
class ByteSet {
public:
    constexpr explicit ByteSet(std::string_view bytes) {
        for (const char byte : bytes) has_[static_cast<uint8_t>(byte)] = true;
    }
    [[nodiscard]] constexpr bool has(char byte) const { return has_[static_cast<uint8_t>(byte)]; }
    // Returns the offset, at or after `from`, of the first byte that is in the set; the size of the
    // text if there is none.
    [[nodiscard]] constexpr size_t find_in(std::string_view text, size_t from = 0) const {
        while (from < text.size() && !has(text[from])) ++from;
        return from;
    }

private:
    std::array<bool, 256> has_{};
};

// Compares two words, ignoring the case of letters.
constexpr bool same_word(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

// Returns the text without the spaces and tabs at its beginning.
constexpr std::string_view without_blanks_before(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}
// Returns the text without the spaces and tabs at its beginning and at its end.
constexpr std::string_view without_blanks(std::string_view text) {
    text = without_blanks_before(text);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Appends the percent-decoded text (RFC 3986, section 2.1). A `%` that is not followed by two
// hexadecimal digits is appended unchanged: "cpu=7%".
inline void append_decoded(std::string_view text, bool plus_is_space, std::string& out) {
    for (size_t at = 0; at < text.size(); ++at) {
        char c = text[at];
        if (c == '+' && plus_is_space) c = ' ';
        if (c == '%' && at + 2 < text.size()) {
            const int high = hex_digit(text[at + 1]);
            const int low = hex_digit(text[at + 2]);
            if (high >= 0 && low >= 0) {
                c = static_cast<char>(high * 16 + low);
                at += 2;
            }
        }
        out += c;
    }
}

}  // namespace rollcall
