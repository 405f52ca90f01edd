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

// Returns whether a text that does not begin with white space begins like JSON.
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
    recoded_.reserve(utf8_growth_max * body_bytes_max + body_padding);
}

Result<void> Decoder::open(const Submission& submission, size_t items_done) {
    ensure(submission.body.size() <= body_bytes_max_);
    submission_ = submission;
    normalize(submission.body);

    field_ = {};
    hint_ = submission.hint;
    if (hint_ != BodyHint::json && hint_ != BodyHint::json_lines && !opens_json(text_))
        field_ = pairs_.json_field(text_);  // Scripts send JSON in a form, mostly not encoded.
    reports_ = text_;
    if (!field_.json.empty()) {
        reports_ = field_.json;
        hint_ = BodyHint::json;
    }

    layout_ = Layout::single;
    is_read_ = false;
    Result<void> opened;
    if (hint_ == BodyHint::json_lines) {
        layout_ = Layout::lines;
        opened = lines_.open(reports_, items_max_);
    } else if (reports_.starts_with('[')) {
        layout_ = Layout::array;
        opened = array_.open(reports_, items_max_);
    }
    if (!opened) return std::unexpected(at_offset_in_body(opened.error()));
    if (is_list())
        for (size_t item = 0; item < items_done; ++item) skip();
    return {};
}

void Decoder::normalize(std::string_view body) {
    sent_ = body;
    has_byte_order_mark_ = sent_.starts_with(byte_order_mark);
    if (has_byte_order_mark_) sent_.remove_prefix(byte_order_mark.size());
    sent_.remove_prefix(std::min(sent_.find_first_not_of(spaces), sent_.size()));
    // MikroTik's own samples end a body with a NUL.
    sent_ = sent_.substr(0, sent_.find_last_not_of(std::string_view(" \t\r\n\0", 5)) + 1);
    text_ = sent_;
    is_recoded_ = !utf8_valid(sent_);
    if (!is_recoded_) return;
    recoded_.clear();
    append_as_utf8(sent_, recoded_);
    text_ = recoded_;
}

// Returns the error with an offset in the body as it was sent instead of one in reports_.
Error Decoder::at_offset_in_body(Error error) const {
    if (field_.was_encoded) error.offset = -1;  // The text is nowhere in the body.
    if (error.offset < 0) return error;
    auto offset = static_cast<size_t>(error.offset);
    offset += static_cast<size_t>(reports_.data() - text_.data());
    if (is_recoded_) offset = offset_before_utf8(sent_, offset);
    error.offset = (sent_.data() - submission_.body.data()) + static_cast<int64_t>(offset);
    return error;
}

Upcoming Decoder::upcoming() {
    switch (layout_) {
        case Layout::single: return is_read_ ? Upcoming::end : Upcoming::report;
        case Layout::lines: return lines_.at_end() ? Upcoming::end : Upcoming::report;
        case Layout::array: break;
    }
    if (array_.at_end()) return Upcoming::end;
    return array_.at_object() ? Upcoming::report : Upcoming::unsupported;
}

void Decoder::skip() {
    switch (layout_) {
        case Layout::single: is_read_ = true; return;
        case Layout::lines: return lines_.skip();
        case Layout::array: return array_.skip();
    }
}

Result<std::string_view> Decoder::read(Fields& fields) {
    pairs_.begin_report();
    read_out_of_band(fields);
    warn_about_body(fields);
    read_form_around(fields);
    if (layout_ == Layout::array) return array_.read(json_, fields);
    if (layout_ == Layout::lines) {
        const std::string_view line = lines_.take();
        const auto read = read_report(line, BodyHint::json, fields);
        return read ? Result<std::string_view>(line) : std::unexpected(read.error());
    }
    is_read_ = true;
    const auto read = read_report(reports_, hint_, fields);
    if (!read) return std::unexpected(at_offset_in_body(read.error()));
    return reports_;
}

void Decoder::read_out_of_band(Fields& fields) {
    if (submission_.query.empty() && submission_.header.empty()) return;
    const auto outer = fields.enter();
    pairs_.form(submission_.query, fields);
    pairs_.header(submission_.header, fields);
    fields.leave(outer);
}

// Reads the fields of a form around the one that holds the reports.
void Decoder::read_form_around(Fields& fields) {
    if (field_.before.empty() && field_.after.empty()) return;
    const auto outer = fields.enter();
    pairs_.form(field_.before, fields);
    pairs_.form(field_.after, fields);
    fields.leave(outer);
}

void Decoder::warn_about_body(Fields& fields) const {
    if (has_byte_order_mark_) fields.warn(Warning::utf8_bom);
    if (is_recoded_ || field_.was_cp1252) fields.warn(Warning::charset_cp1252);
}

Result<void> Decoder::read_report(std::string_view text, BodyHint hint, Fields& fields) {
    if (text.empty()) {
        fields.empty_body();
        return {};
    }
    if (opens_json(text) || hint == BodyHint::json) return json_.read(text, fields);
    const size_t equals = text.find('=');
    if (equals == text.npos) return fail(Code::malformed_pairs);
    const size_t separator = std::min(text.find(';', equals), text.find('&', equals));
    const bool is_form = separator == text.npos ? hint == BodyHint::form : text[separator] == '&';
    is_form ? pairs_.form(text, fields) : pairs_.list(text, fields);
    return {};
}

}  // namespace rollcall
