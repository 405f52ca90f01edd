// JsonCursor: a JSON text, walked once from its first byte on, held to RFC 8259.
//
// Each step takes one token and returns false at the first byte that cannot be: fault() has its
// code and its offset. Nothing is copied: strings and numbers are given as they stand in the text.
// A number may be larger than any type and a surrogate may stand alone, as the RFC allows.
//
// Why not simdjson alone: it says that a text is bad but not where, has no characters of a number
// once it is read, and refuses what the RFC allows (1e400, half a surrogate pair), so a second walk
// was needed beside it. One walk that does all of it takes about the time of its parse alone
// (bench/decode_bench.cc).
//
// Units: offsets in bytes. Threads: pure, but for the position.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pipeline/error.h"

namespace rollcall {

// Bytes that must be readable, whatever they hold, behind a text: whole words are looked at.
inline constexpr size_t body_padding = 64;

// Arrays and objects within each other.
inline constexpr size_t json_depth_max = 32;

struct JsonString {
    std::string_view raw;  // Between the quotes.
    bool escaped = false;  // It has a backslash: see json_unescape().
};

struct JsonNumber {
    std::string_view lexeme;
    bool whole = false;  // No fraction and no exponent, and integer holds it.
    int64_t integer = 0;

    // NaN if it is past what a double holds.
    [[nodiscard]] double real() const;
};

// Appends the text that a string stands for; half a surrogate pair is U+FFFD.
void json_unescape(std::string_view raw, std::string& out);

// Of eight bytes of a string, the highest bit of each that cannot stand in it as it is: a quote, a
// backslash, or one below a space. Exact up to the first of them; behind it, others may be marked.
inline uint64_t json_stops(uint64_t word) {
    constexpr uint64_t ones = 0x0101010101010101;
    constexpr uint64_t highs = 0x8080808080808080;
    const uint64_t quote = word ^ ones * '"';
    const uint64_t slash = word ^ ones * '\\';
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * ' ') & ~word)) &
           highs;
}

class JsonCursor {
public:
    // `text` is valid UTF-8, and readable for body_padding bytes beyond its end.
    explicit JsonCursor(std::string_view text)
        : begin_(text.data()), end_(text.data() + text.size()), at_(begin_) {}

    [[nodiscard]] Error fault() const { return {fault_, 0, std::min(at_, end_) - begin_}; }
    [[nodiscard]] bool at_end() const { return at_ >= end_; }
    [[nodiscard]] const char* place() const { return at_; }

    // The next byte, behind white space; NUL, which begins nothing, at the end.
    char peek() {
        while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
        return at_ < end_ ? *at_ : '\0';
    }
    // The byte c, behind white space.
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    // A bracket that opens, and one that closes; open() counts the depth.
    bool open() {
        if (depth_ == json_depth_max) {
            fault_ = Code::too_deep;
            return false;
        }
        ++depth_;
        ++at_;
        return true;
    }
    void close() { --depth_; }

    bool string(JsonString& out);
    bool number(JsonNumber& out);
    bool word(std::string_view text);

    // A member's name and its colon.
    bool name(JsonString& out) { return peek() == '"' && string(out) && take(':'); }

    // Calls visit() at the beginning of each member's name or each element.
    template <class Visit>
    bool each(char closer, Visit visit) {
        if (!open()) return false;
        if (!take(closer)) {
            do {
                peek();
                if (!visit()) return false;
            } while (take(','));
            if (!take(closer)) return false;
        }
        close();
        return true;
    }

    // A value with all that is in it.
    bool skip();

    // Nothing but white space is left.
    bool finish() {
        if (peek() == '\0' && at_ >= end_) return true;
        fault_ = Code::trailing_data;
        return false;
    }

private:
    bool escape();
    bool digits();

    const char* begin_;
    const char* end_;
    const char* at_;
    size_t depth_ = 0;
    Code fault_ = Code::malformed_json;
};

inline bool JsonCursor::string(JsonString& out) {
    const char* const first = ++at_;
    out.escaped = false;
    for (;;) {
        uint64_t word = 0;
        std::memcpy(&word, at_, sizeof word);
        const uint64_t stops = json_stops(word);
        if (stops == 0) {
            at_ += sizeof word;
            if (at_ >= end_) return false;
            continue;
        }
        at_ += std::countr_zero(stops) / 8;
        if (at_ >= end_) return false;
        if (*at_ == '"') {
            out.raw = {first, static_cast<size_t>(at_ - first)};
            ++at_;
            return true;
        }
        if (*at_ != '\\' || !escape()) return false;
        out.escaped = true;
    }
}

inline bool JsonCursor::number(JsonNumber& out) {
    constexpr size_t digits_exact = 18;  // Of which any fit in 63 bits.
    const char* const first = at_;
    const bool negative = *at_ == '-';
    at_ += negative;
    const char* const first_digit = at_;
    uint64_t value = 0;
    while (at_ < end_ && static_cast<unsigned char>(*at_ - '0') < 10)
        value = value * 10 + static_cast<uint64_t>(*at_++ - '0');
    const auto count = static_cast<size_t>(at_ - first_digit);
    if (count == 0) return false;
    if (*first_digit == '0' && count > 1) {
        at_ = first_digit + 1;
        return false;
    }
    out.whole = count <= digits_exact;
    out.integer = static_cast<int64_t>(negative ? 0 - value : value);  // If it is whole.
    if (at_ < end_ && *at_ == '.') {
        ++at_;
        out.whole = false;
        if (!digits()) return false;
    }
    if (at_ < end_ && (*at_ | 0x20) == 'e') {
        ++at_;
        out.whole = false;
        if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
        if (!digits()) return false;
    }
    out.lexeme = {first, static_cast<size_t>(at_ - first)};
    return true;
}

}  // namespace rollcall
