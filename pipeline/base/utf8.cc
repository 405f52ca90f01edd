#include "pipeline/base/utf8.h"

#include <simdjson.h>

#include <array>
#include <cstdint>

namespace rollcall {

namespace {

constexpr bool continues(char byte) { return (byte & 0xC0) == 0x80; }

// Returns the length of the character at the beginning of `text`, or 0 if the character is not
// valid UTF-8. `text` must not be empty.
size_t character_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4) return 0;
    const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (text.size() < length) return 0;
    for (size_t i = 1; i < length; ++i)
        if (!continues(text[i])) return 0;
    // The second byte rules out overlong forms, surrogates, and code points above U+10FFFF.
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return length;
}

// The bytes 0x80 to 0x9F, in which Windows-1252 differs from Latin-1.
constexpr std::array<char16_t, 32> cp1252_upper = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD, 0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

char32_t cp1252(char byte) {
    const auto code = static_cast<uint8_t>(byte);
    return code >= 0x80 && code < 0xA0 ? cp1252_upper[code - 0x80u] : code;
}

// Calls visit(sent, utf8) for each character of `text`. `sent` are the bytes of the character in
// `text`, and `utf8` is its UTF-8 form.
template <class Visit>
void each_character(std::string_view text, Visit visit) {
    while (!text.empty()) {
        const size_t length = character_length(text);
        if (length > 0) {
            visit(text.substr(0, length), text.substr(0, length));
            text.remove_prefix(length);
        } else {
            visit(text.substr(0, 1), utf8_of(cp1252(text[0])).view());
            text.remove_prefix(1);
        }
    }
}

}  // namespace

Utf8 utf8_of(char32_t c) {
    const auto tail = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
    const auto lead = [](char32_t bits) { return static_cast<char>(bits); };
    if (c < 0x80) return {{lead(c)}, 1};
    if (c < 0x800) return {{lead(0xC0 | c >> 6), tail(c)}, 2};
    if (c < 0x10000) return {{lead(0xE0 | c >> 12), tail(c >> 6), tail(c)}, 3};
    return {{lead(0xF0 | c >> 18), tail(c >> 12), tail(c >> 6), tail(c)}, 4};
}

bool utf8_valid(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

void append_as_utf8(std::string_view text, std::string& out) {
    each_character(text, [&](std::string_view, std::string_view utf8) { out += utf8; });
}

size_t offset_before_utf8(std::string_view text, size_t offset) {
    size_t before = 0;
    size_t after = 0;
    each_character(text, [&](std::string_view sent, std::string_view utf8) {
        after += utf8.size();
        if (after <= offset) before += sent.size();
    });
    return before;
}

std::string_view utf8_prefix(std::string_view text, size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    size_t size = bytes_max;
    while (size > 0 && continues(text[size])) --size;
    return text.substr(0, size);
}

}  // namespace rollcall
