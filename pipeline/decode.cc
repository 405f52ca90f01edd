#include "pipeline/decode.h"

#include <algorithm>

#include "pipeline/utf8.h"

namespace rollcall {

namespace {

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

bool is_json(std::string_view text, BodyHint hint) {
    const size_t first = text.find_first_not_of(spaces);
    return hint == BodyHint::json || text[first] == '{' || text[first] == '[';
}

}  // namespace

BodyHint body_hint(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    type = type.substr(0, type.find_last_not_of(spaces) + 1);
    if (type.size() >= 4 && same_letters(type.substr(type.size() - 4), "json"))
        return BodyHint::json;
    if (same_letters(type, "application/x-www-form-urlencoded")) return BodyHint::form;
    return BodyHint::unknown;
}

Decoder::Decoder(size_t body_bytes_max)
    : body_bytes_max_(body_bytes_max),
      json_(utf8_growth_max * body_bytes_max),
      pairs_(utf8_growth_max * body_bytes_max) {
    transcoded_.reserve(utf8_growth_max * body_bytes_max + body_padding);
}

Result<void> Decoder::decode(std::string_view body, BodyHint hint, Fields& fields) {
    ensure(body.size() <= body_bytes_max_);
    std::string_view text = body;
    if (text.starts_with(byte_order_mark)) {
        text.remove_prefix(byte_order_mark.size());
        fields.remark(Remark::utf8_bom);
    }
    // MikroTik's own samples end a body with a NUL.
    const size_t last = text.find_last_not_of(std::string_view(" \t\r\n\0", 5));
    text = text.substr(0, last + 1);
    if (text.empty()) {
        fields.remark(Remark::empty_body);
        return {};
    }
    std::string_view sent = text;
    const bool is_utf8 = utf8_valid(sent);
    if (!is_utf8) {
        fields.remark(Remark::charset_cp1252);
        transcoded_.clear();
        append_as_utf8(sent, transcoded_);
        text = transcoded_;
    }
    auto result = decode_text(text, hint, fields);
    if (result || result.error().offset < 0) return result;
    Error error = result.error();
    auto offset = static_cast<size_t>(error.offset);
    if (!is_utf8) offset = offset_before_utf8(sent, offset);
    error.offset = (sent.data() - body.data()) + static_cast<int64_t>(offset);
    return std::unexpected(error);
}

Result<void> Decoder::decode_text(std::string_view text, BodyHint hint, Fields& fields) {
    if (is_json(text, hint)) return json_.decode(text, fields);
    const size_t equals = text.find('=');
    if (equals == text.npos) return fail(Code::malformed_pairs);
    const size_t separator = text.find_first_of(";&", equals);
    const bool is_form = separator == text.npos ? hint == BodyHint::form : text[separator] == '&';
    is_form ? pairs_.form(text, fields) : pairs_.list(text, fields);
    return {};
}

}  // namespace rollcall
