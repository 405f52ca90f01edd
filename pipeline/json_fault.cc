#include "pipeline/json_fault.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace rollcall {

namespace {

constexpr bool is_digit(int c) { return c >= '0' && c <= '9'; }

// Each step returns false at the first bad byte, which is at at_.
class Scanner {
public:
    explicit Scanner(std::span<char> text) : text_(text) {}

    Result<void> run() {
        if (!value()) return std::unexpected(fault(fault_));
        skip_space();
        if (at_ != text_.size()) return std::unexpected(fault(Code::trailing_data));
        return {};
    }

private:
    static constexpr int end = -1;

    [[nodiscard]] Error fault(Code code) const { return {code, 0, static_cast<int64_t>(at_)}; }
    [[nodiscard]] int peek() const {
        return at_ < text_.size() ? static_cast<unsigned char>(text_[at_]) : end;
    }
    bool take(char c) {
        if (peek() != c) return false;
        ++at_;
        return true;
    }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
    }

    // A value with all that is in it. closers_ holds the brackets that are open.
    bool value() {
        for (;;) {
            skip_space();
            if (peek() == '{' || peek() == '[') {
                const char closer = text_[at_] == '{' ? '}' : ']';
                const size_t opened_at = at_++;
                skip_space();
                if (!take(closer)) {
                    if (!open(closer, opened_at)) return false;
                    if (closer == '}' && !name()) return false;
                    continue;
                }
            } else if (!scalar()) {
                return false;
            }
            // What follows a value: the brackets it completes, then a comma, or the end.
            for (;;) {
                if (depth_ == 0) return true;
                skip_space();
                if (!take(closers_[depth_ - 1])) break;
                --depth_;
            }
            if (!take(',')) return false;
            if (closers_[depth_ - 1] == '}' && !name()) return false;
        }
    }

    bool open(char closer, size_t opened_at) {
        if (depth_ == json_depth_max) {
            at_ = opened_at;
            fault_ = Code::too_deep;
            return false;
        }
        closers_[depth_++] = closer;
        return true;
    }

    // A member's name and colon.
    bool name() {
        skip_space();
        if (!string()) return false;
        skip_space();
        return take(':');
    }

    bool scalar() {
        switch (peek()) {
            case '"': return string();
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: return number();
        }
    }

    bool word(std::string_view text) {
        return std::ranges::all_of(text, [this](char c) { return take(c); });
    }

    bool string() {
        if (!take('"')) return false;
        while (!take('"')) {
            if (peek() < 0x20) return false;  // A control character, or the end.
            if (!take('\\')) {
                ++at_;
            } else if (peek() == 'u') {
                --at_;
                if (!unicode()) return false;
            } else {
                if (peek() == end || std::string_view("\"\\/bfnrt").find(text_[at_]) == npos)
                    return false;
                ++at_;
            }
        }
        return true;
    }

    // \uXXXX, and its other half if it is the first of a pair.
    bool unicode() {
        const size_t first_at = at_;
        uint32_t first = 0;
        if (!code_unit(first)) return false;
        if (first < 0xD800 || first > 0xDFFF) return true;
        const size_t second_at = at_;
        uint32_t second = 0;
        if (first < 0xDC00 && peek() == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == 'u') {
            if (!code_unit(second)) return false;
            if (second >= 0xDC00 && second <= 0xDFFF) return true;
            at_ = second_at;  // Not of this pair; it may begin the next one.
        }
        std::ranges::copy(std::string_view("\\ufffd"), &text_[first_at]);
        return true;
    }

    bool code_unit(uint32_t& unit) {
        if (!take('\\') || !take('u')) return false;
        for (int digits = 0; digits < 4; ++digits, ++at_) {
            const int c = peek();
            const int letter = c | 0x20;
            if (is_digit(c)) {
                unit = unit * 16 + static_cast<uint32_t>(c - '0');
            } else if (letter >= 'a' && letter <= 'f') {
                unit = unit * 16 + static_cast<uint32_t>(letter - 'a' + 10);
            } else {
                return false;
            }
        }
        return true;
    }

    bool number() {
        const size_t begin = at_;
        take('-');
        if (!take('0') && !digits()) return false;
        bool whole = true;
        if (take('.')) {
            whole = false;
            if (!digits()) return false;
        }
        if (peek() == 'e' || peek() == 'E') {
            whole = false;
            ++at_;
            if (!take('+')) take('-');
            if (!digits()) return false;
        }
        const auto lexeme = text_.subspan(begin, at_ - begin);
        if (!(whole ? fits<int64_t>(lexeme) || fits<uint64_t>(lexeme) : fits<double>(lexeme))) {
            std::ranges::fill(lexeme, ' ');
            std::ranges::copy(std::string_view("null"), lexeme.begin());
        }
        return true;
    }

    bool digits() {
        if (!is_digit(peek())) return false;
        while (is_digit(peek())) ++at_;
        return true;
    }

    template <class Number>
    static bool fits(std::span<const char> lexeme) {
        Number number{};
        return std::from_chars(lexeme.data(), lexeme.data() + lexeme.size(), number).ec ==
               std::errc{};
    }

    static constexpr size_t npos = std::string_view::npos;

    std::span<char> text_;
    size_t at_ = 0;
    Code fault_ = Code::malformed_json;
    size_t depth_ = 0;
    std::array<char, json_depth_max> closers_;
};

}  // namespace

Result<void> mend_json(std::span<char> text) { return Scanner(text).run(); }

}  // namespace rollcall
