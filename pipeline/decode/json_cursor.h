// JsonCursor: reads the tokens of a JSON text (RFC 8259) in one pass.
//
// Each step takes one token, and returns false at the first malformed byte. After stop(), fault()
// returns the code and the offset. Nothing is copied: strings and numbers are views of the text. As
// the RFC allows, a number can be too large for any type, and half a surrogate pair can occur
// alone.
//
// simdjson alone would not be enough. It does not report where a text is malformed and does not
// keep the characters of a number. It also refuses some texts that the RFC allows (1e400, half a
// surrogate pair). So a second pass over the text would be needed. The single pass of this class
// takes about as long as simdjson's parse alone (bench/decode_bench.cc).
//
// Units: offsets in bytes. Threads: no shared state; each cursor has its own position.
#pragma once

#include <algorithm>
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

// Number of bytes after a text that must be readable, because the cursor reads whole words. The
// values of these bytes do not matter.
inline constexpr size_t body_padding = 64;

// The largest depth of nested arrays and objects.
inline constexpr size_t json_depth_max = 32;

struct JsonString {
    std::string_view raw;  // The bytes between the quotes.
    bool escaped = false;  // The string has a backslash: see json_unescape().
};

struct JsonNumber {
    std::string_view lexeme;
    bool decimal = false;  // The number has a fraction or an exponent.
    bool exact = false;    // The number is an integer, and `integer` contains it.
    int64_t integer = 0;
};

// Appends the text of a string with its escapes replaced. Half a surrogate pair becomes U+FFFD.
void json_unescape(std::string_view raw, std::string& out);

// Returns how many of the json_step bytes from `at` on come before the first quote, backslash or
// control character.
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

// Reads the digits at the beginning of the text [at, end). Appends them to the number `value`,
// which may overflow. Returns the place after the digits. At least eight bytes after `end` must be
// readable.
//
// Eight digits take one step. With one step for each digit, the processor would mispredict the
// number of steps for most numbers.
inline const char* json_digits(const char* at, const char* end, uint64_t& value) {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::array<uint64_t, 9> powers = {1,       10,        100,        1'000,      10'000,
                                                100'000, 1'000'000, 10'000'000, 100'000'000};
    size_t count = 8;
    while (count == 8 && at < end) {
        uint64_t bytes;
        std::memcpy(&bytes, at, sizeof bytes);
        bytes ^= 0x3030303030303030;  // Digits become 0 to 9. Other bytes become larger.
        const uint64_t others = (bytes | (bytes + 0x7676767676767676)) & 0x8080808080808080;
        count = std::min<size_t>(static_cast<size_t>(std::countr_zero(others)) / 8,
                                 static_cast<size_t>(end - at));
        if (count == 0) break;
        // Moves the digits to the last bytes and fills the first bytes with zeros. Then joins
        // neighbors into numbers of two, four and eight digits.
        uint64_t joined = bytes << (64 - 8 * count);
        joined = joined * 10 + (joined >> 8);
        joined = ((joined & 0x000000FF000000FF) * (100 + (uint64_t{1'000'000} << 32)) +
                  ((joined >> 16) & 0x000000FF000000FF) * (1 + (uint64_t{10'000} << 32))) >>
                 32;
        value = value * powers[count] + joined;
        at += count;
    }
    return at;
}

// Reads the tokens. A function that uses a cursor in a loop should hold it by value, so that the
// cursor stays in registers.
class JsonCursor {
public:
    // `text` is valid UTF-8, and the body_padding bytes after its end are readable.
    explicit JsonCursor(std::string_view text)
        : end_(text.data() + text.size()), at_(text.data()) {}

    // Returns false after stop().
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] JsonCursor stop() {
        good_ = false;
        return *this;
    }
    // Returns what is wrong with the text, whose first byte is `begin`. Call it after stop(), or
    // after finish() has returned false.
    [[nodiscard]] Error fault(const char* begin) const {
        const Code code = good_                     ? Code::trailing_data
                          : depth_ > json_depth_max ? Code::too_deep
                                                    : Code::malformed_json;
        const bool truncated = at_ >= end_ && code == Code::malformed_json;
        return {code, 0, std::min(at_, end_) - begin, truncated};
    }
    [[nodiscard]] const char* place() const { return at_; }
    // These functions are for a caller that recognizes the next token itself. rest_from() returns
    // the text from a position on, and go_on() continues after the token.
    [[nodiscard]] std::string_view rest_from(const char* place) const {
        return {place, static_cast<size_t>(end_ - place)};
    }
    void go_on(const char* place) { at_ = place; }

    // Skips white space and returns the next byte, or NUL at the end.
    char peek() {
        if (at_ < end_ && *at_ > ' ') return *at_;
        while (at_ < end_ && is_space(*at_)) ++at_;
        return at_ < end_ ? *at_ : '\0';
    }
    // Skips white space and takes the byte c if it is next.
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }

    // Takes an opening bracket. Returns false if the text is nested too deeply.
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

    // Takes the name of a member and its colon.
    bool name(JsonString& out) { return peek() == '"' && string(out) && take(':'); }

    // Takes an object or a list whose closing bracket is `closer`. Calls visit() at the beginning
    // of each member's name, or of each element.
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

    // Takes a whole value.
    bool skip();

    // Returns whether only white space is left.
    bool finish() { return peek() == '\0' && at_ >= end_; }

private:
    static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
    // These functions read rare tokens. They take the cursor by value, because a cursor whose
    // address is taken cannot stay in registers.
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
    constexpr ptrdiff_t digits_exact = 18;  // Any 18 digits fit in 63 bits.
    const char* const first = at_;
    const bool negative = *first == '-';
    const char* const first_digit = first + negative;
    uint64_t value = 0;
    const char* const at = json_digits(first_digit, end_, value);
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
