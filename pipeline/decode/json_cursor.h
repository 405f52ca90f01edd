// JsonCursor: a JSON text, walked once from its first byte on, held to RFC 8259.
//
// Each step takes one token and returns false at the first byte that cannot be; whoever stop()s
// there learns its code and offset from fault(). Nothing is copied: strings and numbers are given
// as they stand in the text. A number may be larger than any type and a surrogate may stand alone,
// as the RFC allows.
//
// Why not simdjson alone: it says that a text is bad but not where, has no characters of a number
// once it is read, and refuses what the RFC allows (1e400, half a surrogate pair), so a second walk
// was needed beside it. One walk that does all of it takes about the time of its parse alone
// (bench/decode_bench.cc).
//
// Units: offsets in bytes. Threads: pure, but for the position.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "pipeline/base/ascii.h"
#include "pipeline/base/error.h"

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
    bool decimal = false;  // It has a fraction or an exponent.
    bool exact = false;    // It has not, and integer holds it.
    int64_t integer = 0;
};

// Appends the text that a string stands for; half a surrogate pair is U+FFFD.
void json_unescape(std::string_view raw, std::string& out);

// Of the json_step bytes from `at` on, how many stand before the first that cannot stand in a
// string as it is: a quote, a backslash, or one below a space.
inline constexpr size_t json_step = 16;
inline size_t json_plain(const char* at) {
    using Vector [[gnu::vector_size(json_step)]] = uint8_t;
    Vector bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    const auto stops = (bytes == '"') | (bytes == '\\') | (bytes < ' ');
    const auto halves = std::bit_cast<std::array<uint64_t, 2>>(stops);
    if (halves[0] != 0) return static_cast<size_t>(std::countr_zero(halves[0])) / 8;
    return 8 + static_cast<size_t>(std::countr_zero(halves[1])) / 8;
}

// Whoever walks it in a loop holds it by value, so that it stays in registers.
class JsonCursor {
public:
    // `text` is valid UTF-8, and readable for body_padding bytes beyond its end.
    explicit JsonCursor(std::string_view text)
        : end_(text.data() + text.size()), at_(text.data()) {}

    // False from stop() on.
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] JsonCursor stop() {
        good_ = false;
        return *this;
    }
    // What is wrong with the text, which begins at `begin`: once it is stopped, or if finish()
    // returned false.
    [[nodiscard]] Error fault(const char* begin) const {
        const Code code = good_                     ? Code::trailing_data
                          : depth_ > json_depth_max ? Code::too_deep
                                                    : Code::malformed_json;
        const bool truncated = at_ >= end_ && code == Code::malformed_json;
        return {code, 0, std::min(at_, end_) - begin, truncated};
    }
    [[nodiscard]] const char* place() const { return at_; }
    // For who knows what comes next: the text from a place on, and to go on from there.
    [[nodiscard]] std::string_view rest_from(const char* place) const {
        return {place, static_cast<size_t>(end_ - place)};
    }
    void go_on(const char* place) { at_ = place; }

    // The next byte, behind white space; NUL, which begins nothing, at the end.
    char peek() {
        if (at_ < end_ && *at_ > ' ') return *at_;
        while (at_ < end_ && is_space(*at_)) ++at_;
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
        if (++depth_ > json_depth_max) return false;
        ++at_;
        return true;
    }
    void close() { --depth_; }
    [[nodiscard]] JsonCursor closed() {
        close();
        return *this;
    }

    bool string(JsonString& out);
    bool number(JsonNumber& out);
    bool word(std::string_view text) {
        for (const char c : text) {
            if (at_ >= end_ || *at_ != c) return false;
            ++at_;
        }
        return true;
    }

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
    bool finish() { return peek() == '\0' && at_ >= end_; }

private:
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
    // What seldom comes: by value, as a cursor whose address is known stays in memory.
    [[nodiscard]] static JsonCursor escape(JsonCursor at);
    [[nodiscard]] static JsonCursor fraction(JsonCursor at);
    bool digits();

    const char* end_;
    const char* at_;
    size_t depth_ = 0;
    bool good_ = true;
};

inline bool JsonCursor::string(JsonString& out) {
    const char* const first = ++at_;
    out.escaped = false;
    for (;;) {
        const size_t plain = json_plain(at_);
        at_ += plain;
        if (at_ >= end_) return false;
        if (plain == json_step) continue;
        if (*at_ == '"') {
            out.raw = {first, static_cast<size_t>(at_ - first)};
            ++at_;
            return true;
        }
        if (*at_ != '\\') return false;
        *this = escape(*this);
        if (!good_) return false;
        out.escaped = true;
    }
}

inline bool JsonCursor::number(JsonNumber& out) {
    constexpr ptrdiff_t digits_exact = 18;  // Of which any fit in 63 bits.
    const char* const first = at_;
    const bool negative = *first == '-';
    const char* const first_digit = first + negative;
    const char* at = first_digit;
    uint64_t value = 0;
    for (; at < end_ && is_digit(*at); ++at) value = value * 10 + static_cast<uint64_t>(*at - '0');
    const bool padded = at - first_digit > 1 && *first_digit == '0';
    at_ = padded ? first_digit + 1 : at;
    if (padded || at == first_digit) return false;
    out.integer = static_cast<int64_t>(negative ? 0 - value : value);
    out.exact = at - first_digit <= digits_exact;
    out.decimal = false;
    if (at < end_ && (*at == '.' || (*at | 0x20) == 'e')) {
        out.exact = false;
        out.decimal = true;
        *this = fraction(*this);
        if (!good_) return false;
    }
    out.lexeme = {first, static_cast<size_t>(at_ - first)};
    return true;
}

}  // namespace rollcall
