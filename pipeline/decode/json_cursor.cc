#include "pipeline/decode/json_cursor.h"

#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

uint32_t code_unit_at(std::string_view hex) {
    uint32_t unit = 0;
    for (size_t i = 0; i < 4; ++i) unit = unit * 16 + static_cast<uint32_t>(hex_digit(hex[i]));
    return unit;
}

constexpr bool is_high(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Takes four hex digits off the front of `rest`, and the second half of a surrogate pair if it
// comes next. Returns the character.
uint32_t character(std::string_view& rest) {
    constexpr uint32_t replacement = 0xFFFD;
    const uint32_t first = code_unit_at(rest);
    rest.remove_prefix(4);
    if (!is_high(first)) return is_low(first) ? replacement : first;
    if (!rest.starts_with("\\u")) return replacement;
    const uint32_t second = code_unit_at(rest.substr(2));
    if (!is_low(second)) return replacement;
    rest.remove_prefix(6);
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

}  // namespace

void json_unescape(std::string_view raw, std::string& out) {
    while (!raw.empty()) {
        const size_t plain = std::min(raw.find('\\'), raw.size());
        out += raw.substr(0, plain);
        raw.remove_prefix(plain);
        if (raw.empty()) return;
        const char kind = raw[1];
        raw.remove_prefix(2);
        switch (kind) {
            case 'b': out += '\b'; break;
            case 'f': out += '\f'; break;
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case 'u': out += utf8_of(character(raw)).view(); break;
            default: out += kind;
        }
    }
}

bool JsonCursor::digits() {
    const char* const first = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ > first;
}

// Takes a fraction, an exponent, or both.
JsonCursor JsonCursor::fraction(JsonCursor at) {
    if (*at.at_ == '.') {
        ++at.at_;
        if (!at.digits()) return at.stop();
    }
    if (at.at_ >= at.end_ || (*at.at_ | 0x20) != 'e') return at;
    ++at.at_;
    if (at.at_ < at.end_ && (*at.at_ == '+' || *at.at_ == '-')) ++at.at_;
    return at.digits() ? at : at.stop();
}

// Takes a backslash and the escape after it.
JsonCursor JsonCursor::escape(JsonCursor at) {
    ++at.at_;
    if (at.at_ >= at.end_) return at.stop();
    if (*at.at_ != 'u') {
        if (std::string_view("\"\\/bfnrt").find(*at.at_) == std::string_view::npos)
            return at.stop();
        ++at.at_;
        return at;
    }
    ++at.at_;
    for (int digit = 0; digit < 4; ++digit, ++at.at_)
        if (at.at_ >= at.end_ || hex_digit(*at.at_) < 0) return at.stop();
    return at;
}

bool JsonCursor::skip() {
    JsonString text;
    JsonNumber amount;
    switch (peek()) {
        case '"': return string(text);
        case '{': return each('}', [&] { return name(text) && skip(); });
        case '[': return each(']', [&] { return skip(); });
        case 't': return word("true");
        case 'f': return word("false");
        case 'n': return word("null");
        default: return number(amount);
    }
}

}  // namespace rollcall
