#include "sinks/text/tsv.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "sinks/text/utc_text.h"

namespace rollcall {

namespace {

constexpr size_t number_bytes_max = 26;

// For each byte, the character after the backslash in its escape; 0 if the byte needs no escape.
constexpr auto escapes = [] {
    std::array<char, 256> characters{};
    characters['\t'] = 't';
    characters['\n'] = 'n';
    characters['\r'] = 'r';
    characters['\\'] = '\\';
    return characters;
}();

constexpr uint64_t in_every_byte(uint8_t byte) { return 0x0101010101010101U * byte; }

// Returns true if a byte of the word is below space or is a backslash. These bytes include all that
// need an escape, and control characters that need none.
// Source: "Determine if a word has a byte less than n", Sean Anderson, Bit Twiddling Hacks.
constexpr bool suspicious(uint64_t word) {
    const auto below = [](uint64_t bytes, uint8_t limit) {
        return (bytes - in_every_byte(limit)) & ~bytes & in_every_byte(0x80);
    };
    return (below(word, ' ') | below(word ^ in_every_byte('\\'), 1)) != 0;
}

template <class T>
uint64_t load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// Returns a text of 1 to 7 bytes as a word, whose remaining high bytes are spaces. Loads the text
// in at most two parts, which may overlap.
uint64_t load_short(const char* from, size_t size) {
    constexpr uint64_t spaces = in_every_byte(' ');
    const uint64_t above = spaces << (8 * size);
    if (size >= 4)
        return load<uint32_t>(from) | load<uint32_t>(from + size - 4) << (8 * (size - 4)) | above;
    if (size >= 2)
        return load<uint16_t>(from) | load<uint16_t>(from + size - 2) << (8 * (size - 2)) | above;
    return load<uint8_t>(from) | above;
}

// Writes the first `size` bytes of a word, with escapes where they are necessary. May overwrite 8
// bytes at `to` even if `size` is smaller. Returns nullptr if one of the `size` bytes is NUL.
char* write_word(uint64_t word, size_t size, char* to) {
    if (!suspicious(word)) {
        std::memcpy(to, &word, sizeof word);
        return to + size;
    }
    for (; size > 0; --size, word >>= 8) {
        const auto byte = static_cast<uint8_t>(word);
        if (byte == 0) return nullptr;
        if (escapes[byte] != 0) *to++ = '\\';
        *to++ = escapes[byte] != 0 ? escapes[byte] : static_cast<char>(byte);
    }
    return to;
}

// Returns nullptr if the text contains a NUL.
char* write_text(std::string_view text, char* to) {
    const char* from = text.data();
    size_t left = text.size();
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), from += sizeof(uint64_t)) {
        to = write_word(load<uint64_t>(from), sizeof(uint64_t), to);
        if (to == nullptr) return nullptr;
    }
    return left == 0 ? to : write_word(load_short(from, left), left, to);
}

char* write_integer(int64_t value, char* to) {
    return std::to_chars(to, to + number_bytes_max, value).ptr;
}

// Writes the shortest decimal text that reads back as the same double. Routers send numbers with
// few decimals, so most values are a whole number of thousandths. Writing the digits of that number
// is faster than to_chars().
char* write_real(double value, char* to) {
    constexpr double most = 1e9;
    const double positive = std::abs(value);
    const auto thousandths =
        positive < most ? static_cast<uint64_t>(positive * 1000 + 0.5) : uint64_t{0};
    if (thousandths == 0 || static_cast<double>(thousandths) / 1000 != positive)
        return std::to_chars(to, to + number_bytes_max, value).ptr;
    if (value < 0) *to++ = '-';
    to = std::to_chars(to, to + number_bytes_max, thousandths / 1000).ptr;
    auto decimals = static_cast<unsigned>(thousandths % 1000);
    if (decimals == 0) return to;
    *to++ = '.';
    for (unsigned place = 100; decimals != 0; decimals %= place, place /= 10)
        *to++ = static_cast<char>('0' + decimals / place);
    return to;
}

// The column whose value cannot be written in a line, and the reason.
struct Refused {
    Column column{};
    std::string_view why;
};

// Writes a value and returns the end. If that is impossible, sets `refused` and returns nullptr.
template <Column column>
char* write_value(const Columns& rows, size_t row, char* to, Refused& refused) {
    constexpr Kind kind = info(column).kind;
    const auto refuse = [&](std::string_view why) {
        refused = {column, why};
        return nullptr;
    };
    if constexpr (kind == Kind::text) {
        const std::string_view text = rows.text(row, column);
        if (text.size() > static_cast<size_t>(info(column).high))
            return refuse("is longer than its column");
        to = write_text(text, to);
        return to != nullptr ? to : refuse("holds a NUL");
    } else if constexpr (kind == Kind::real) {
        const double value = rows.real(row, column);
        return std::isfinite(value) ? write_real(value, to) : refuse("is not a finite number");
    } else if constexpr (kind == Kind::time) {
        const int64_t us = rows.integer(row, column);
        return has_utc_text(us) ? write_utc(us, to) : refuse("is outside the years 1000 to 9999");
    } else {
        return write_integer(rows.integer(row, column), to);
    }
}

template <Column column>
bool write_field(const Columns& rows, size_t row, uint64_t present, char*& to, Refused& refused) {
    if ((present & bit(column)) == 0) {
        std::memcpy(to, "\\N\t", 3);
        to += 3;
        return true;
    }
    to = write_value<column>(rows, row, to, refused);
    if (to == nullptr) return false;
    *to++ = '\t';
    return true;
}

}  // namespace

Result<char*> append_tsv(const Columns& rows, size_t row, char* to) {
    const uint64_t present = rows.mask(row);
    Refused refused;
    // write_field() has an instance for each column, so that the kind of the column is known at
    // compile time.
    const bool written = [&]<size_t... number>(std::index_sequence<number...>) {
        return (write_field<Column{number}>(rows, row, present, to, refused) && ...);
    }(std::make_index_sequence<columns_count>());
    if (!written)
        return fail(Code::row_not_representable,
                    fmt::format("{} {}", info(refused.column).name, refused.why));
    to[-1] = '\n';
    return to;
}

}  // namespace rollcall
