#include "pipeline/decode/decode.h"

#include <algorithm>

#include "pipeline/base/ascii.h"
#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

constexpr std::string_view spaces = " \t\r\n";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

char first_of(std::string_view text) {
    const size_t first = text.find_first_not_of(spaces);
    return first == text.npos ? '\0' : text[first];
}

// Adds to each report what is said of the whole body, and beside it.
class Completing final : public Items {
public:
    Completing(Items& items, bool utf8_bom, bool charset_cp1252, PairDecoder& pairs)
        : items_(items), utf8_bom_(utf8_bom), charset_cp1252_(charset_cp1252), pairs_(pairs) {}

    // The fields of a form beside the one that holds the reports.
    void beside(const PairDecoder::JsonField& field) {
        form_ = field;
        charset_cp1252_ |= field.was_cp1252;
    }

    Fields* next() override {
        pairs_.begin_report();
        Fields* const fields = items_.next();
        if (fields == nullptr) return nullptr;
        if (utf8_bom_) fields->warn(Warning::utf8_bom);
        if (charset_cp1252_) fields->warn(Warning::charset_cp1252);
        if (form_.before.empty() && form_.after.empty()) return fields;
        const auto outer = fields->enter();
        pairs_.form(form_.before, *fields);
        pairs_.form(form_.after, *fields);
        fields->leave(outer);
        return fields;
    }
    void taken(std::string_view text) override { items_.taken(text); }
    void refused(Code code) override { items_.refused(code); }

private:
    Items& items_;
    bool utf8_bom_;
    bool charset_cp1252_;
    PairDecoder& pairs_;
    PairDecoder::JsonField form_;
};

// Of a text that begins with no space.
bool opens_json(std::string_view text) { return text.starts_with('{') || text.starts_with('['); }

}  // namespace

BodyHint body_hint(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    type = type.substr(0, type.find_last_not_of(spaces) + 1);
    for (const std::string_view lines : {"application/x-ndjson", "application/ndjson",
                                         "application/jsonl", "application/x-jsonlines"})
        if (same_word(type, lines)) return BodyHint::json_lines;
    if (type.size() >= 4 && same_word(type.substr(type.size() - 4), "json")) return BodyHint::json;
    if (same_word(type, "application/x-www-form-urlencoded")) return BodyHint::form;
    if (same_word(type, "text/plain")) return BodyHint::text;
    return BodyHint::unknown;
}

std::optional<bool> opens_list(std::string_view body) {
    if (body.starts_with(byte_order_mark)) body.remove_prefix(byte_order_mark.size());
    const char first = first_of(body);
    return first == '\0' ? std::nullopt : std::optional(first == '[');
}

Decoder::Decoder(size_t body_bytes_max, size_t items_max)
    : body_bytes_max_(body_bytes_max),
      items_max_(items_max),
      json_(utf8_growth_max * body_bytes_max),
      pairs_(utf8_growth_max * body_bytes_max) {
    transcoded_.reserve(utf8_growth_max * body_bytes_max + body_padding);
}

Result<void> Decoder::decode(std::string_view body, BodyHint hint, size_t done, Items& items) {
    ensure(body.size() <= body_bytes_max_);
    std::string_view text = body;
    const bool had_mark = text.starts_with(byte_order_mark);
    if (had_mark) text.remove_prefix(byte_order_mark.size());
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    // MikroTik's own samples end a body with a NUL.
    const size_t last = text.find_last_not_of(std::string_view(" \t\r\n\0", 5));
    text = text.substr(0, last + 1);
    const std::string_view sent = text;
    const bool is_utf8 = utf8_valid(sent);
    if (!is_utf8) {
        transcoded_.clear();
        append_as_utf8(sent, transcoded_);
        text = transcoded_;
    }

    Completing completing(items, had_mark, !is_utf8, pairs_);
    PairDecoder::JsonField field;
    if (hint != BodyHint::json && hint != BodyHint::json_lines && !opens_json(text))
        field = pairs_.json_field(text);  // Where scripts put JSON, most without encoding it.
    const bool in_field = !field.json.empty();
    if (in_field) completing.beside(field);
    const auto result = in_field ? decode_text(field.json, BodyHint::json, done, completing)
                                 : decode_text(text, hint, done, completing);
    if (result) return result;

    Error error = result.error();
    if (field.was_encoded) error.offset = -1;  // It stands nowhere in what was sent.
    if (error.offset < 0) return std::unexpected(error);
    auto offset = static_cast<size_t>(error.offset);
    if (in_field) offset += static_cast<size_t>(field.json.data() - text.data());
    if (!is_utf8) offset = offset_before_utf8(sent, offset);
    error.offset = (sent.data() - body.data()) + static_cast<int64_t>(offset);
    return std::unexpected(error);
}

void Decoder::decode_beside(std::string_view query, std::string_view header, Fields& fields) {
    pairs_.begin_report();
    if (query.empty() && header.empty()) return;
    const auto outer = fields.enter();
    pairs_.form(query, fields);
    pairs_.header(header, fields);
    fields.leave(outer);
}

Result<void> Decoder::decode_text(std::string_view text, BodyHint hint, size_t done, Items& items) {
    if (hint == BodyHint::json_lines) return decode_lines(text, done, items);
    if (text.starts_with('[')) return json_.decode_list(text, items_max_, done, items);
    Fields* const fields = items.next();
    if (fields == nullptr) return fail(Code::ring_full);
    const auto read = decode_report(text, hint, *fields);
    if (read) items.taken(text);
    return read;
}

Result<void> Decoder::decode_report(std::string_view text, BodyHint hint, Fields& fields) {
    if (text.empty()) {
        fields.empty_body();
        return {};
    }
    if (opens_json(text) || hint == BodyHint::json) return json_.decode(text, fields);
    const size_t equals = text.find('=');
    if (equals == text.npos) return fail(Code::malformed_pairs);
    const size_t separator = std::min(text.find(';', equals), text.find('&', equals));
    const bool is_form = separator == text.npos ? hint == BodyHint::form : text[separator] == '&';
    is_form ? pairs_.form(text, fields) : pairs_.list(text, fields);
    return {};
}

Result<void> Decoder::decode_lines(std::string_view text, size_t done, Items& items) {
    size_t count = 0;
    const auto each_line = [text](auto visit) {
        std::string_view rest = text;
        while (!rest.empty()) {
            const size_t length = std::min(rest.find('\n'), rest.size());
            const std::string_view line = rest.substr(0, length);
            rest.remove_prefix(std::min(length + 1, rest.size()));
            if (first_of(line) != '\0' && !visit(line)) return;
        }
    };
    each_line([&](std::string_view) { return ++count <= items_max_; });
    if (count > items_max_) return fail(Code::too_many_items);
    size_t number = 0;
    bool room = true;
    each_line([&](std::string_view line) {
        if (number++ < done) return true;
        Fields* const fields = items.next();
        room = fields != nullptr;
        if (!room) return false;
        if (const auto read = decode_report(line, BodyHint::json, *fields); read) {
            items.taken(line);
        } else {
            items.refused(read.error().code);
        }
        return true;
    });
    return room ? Result<void>() : fail(Code::ring_full);
}

}  // namespace rollcall
