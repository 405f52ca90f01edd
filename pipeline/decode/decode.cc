#include "pipeline/decode/decode.h"

#include <algorithm>
#include <array>

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

// RouterOS 6 cuts the value of a variable at this size.
constexpr size_t variable_bytes_max = 4096;

// Content types of formats that the decoder cannot read. Some clients declare one of them although
// the body is a report; the decoder then reads the report.
constexpr std::array<std::string_view, 12> foreign_types = {"application/octet-stream",
                                                            "application/x-protobuf",
                                                            "application/protobuf",
                                                            "application/vnd.google.protobuf",
                                                            "application/msgpack",
                                                            "application/x-msgpack",
                                                            "application/cbor",
                                                            "application/zip",
                                                            "application/pdf",
                                                            "application/xml",
                                                            "text/xml",
                                                            "text/html"};

// Returns whether a text begins like JSON. The text must not begin with white space.
bool opens_json(std::string_view text) { return text.starts_with('{') || text.starts_with('['); }

// Returns whether a text is XML, HTML or a multipart body. Ignores the Content-Type.
bool is_foreign(std::string_view text) {
    const bool is_multipart =
        text.starts_with("--") && text.find("Content-Disposition:") != text.npos;
    return text.starts_with('<') || is_multipart;
}

// Returns whether pairs are a form rather than a list.
bool is_form(std::string_view pairs, BodyHint hint) {
    const size_t equals = pairs.find('=');
    if (equals == pairs.npos) return false;
    const size_t separator = std::min(pairs.find(';', equals), pairs.find('&', equals));
    return separator == pairs.npos ? hint == BodyHint::form : pairs[separator] == '&';
}

}  // namespace

BodyHint body_hint(std::string_view content_type) {
    if (content_type.empty()) return BodyHint::unknown;  // Most MQTT messages have no content type.
    std::string_view type = content_type.substr(0, content_type.find(';'));
    type = type.substr(0, type.find_last_not_of(spaces) + 1);
    for (const std::string_view lines : {"application/x-ndjson", "application/ndjson",
                                         "application/jsonl", "application/x-jsonlines"})
        if (same_word(type, lines)) return BodyHint::json_lines;
    if (type.size() >= 4 && same_word(type.substr(type.size() - 4), "json")) return BodyHint::json;
    if (same_word(type, "application/x-www-form-urlencoded")) return BodyHint::form;
    if (same_word(type, "text/plain")) return BodyHint::text;
    for (const std::string_view family : {"multipart/", "image/", "audio/", "video/"})
        if (same_word(type.substr(0, family.size()), family)) return BodyHint::foreign;
    const bool is_xml = type.size() >= 4 && same_word(type.substr(type.size() - 4), "+xml");
    const bool is_listed = std::ranges::any_of(
        foreign_types, [&](std::string_view foreign) { return same_word(type, foreign); });
    if (is_xml || is_listed) return BodyHint::foreign;
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
      line_protocol_(utf8_growth_max * body_bytes_max),
      pairs_(utf8_growth_max * body_bytes_max) {
    recoded_.reserve(utf8_growth_max * body_bytes_max + body_padding);
}

Result<void> Decoder::open(const Submission& submission, size_t items_done) {
    ensure(submission.body.size() <= body_bytes_max_);
    submission_ = submission;
    normalize(submission.body);
    is_moved_ = false;
    if (text_.starts_with('"')) take_quoted_report();
    find_json_field();
    if (auto opened = open_layout(); !opened) return std::unexpected(refusal_at(opened.error()));
    for (size_t item = 0; item < items_done; ++item)
        if (auto skipped = skip(); !skipped) return skipped;
    return {};
}

void Decoder::take_quoted_report() {
    JsonCursor cursor(text_);
    JsonString quoted;
    if (!cursor.string(quoted) || !cursor.finish()) return;
    moved_.clear();
    moved_.reserve(quoted.raw.size() + body_padding);
    json_unescape(quoted.raw, moved_);
    const std::string_view report =
        std::string_view(moved_).substr(std::min(moved_.find_first_not_of(spaces), moved_.size()));
    if (!opens_json(report) && report.find('=') == report.npos) return;
    text_ = report;
    is_moved_ = true;
}

void Decoder::find_json_field() {
    field_ = {};
    hint_ = submission_.hint;
    reports_ = text_;
    const bool in_query = text_.empty();
    if (in_query) {
        field_ = pairs_.json_field(submission_.query);
        if (!field_.json.empty() && !field_.was_encoded) {
            moved_.clear();
            moved_.reserve(field_.json.size() + body_padding);
            field_.json = moved_.assign(field_.json);
        }
        is_moved_ |= !field_.json.empty();
    } else if (hint_ != BodyHint::json && hint_ != BodyHint::json_lines && !opens_json(text_)) {
        field_ = pairs_.json_field(text_);  // Scripts send JSON in a form, mostly not encoded.
    }
    if (field_.json.empty()) return;
    reports_ = field_.json;
    hint_ = BodyHint::json;
}

Result<void> Decoder::open_layout() {
    layout_ = Layout::single;
    is_read_ = false;
    if (is_foreign(reports_)) return fail(Code::unsupported_media_type);
    if (hint_ == BodyHint::json_lines) {
        layout_ = Layout::lines;
        return lines_.open(reports_, items_max_);
    }
    if (reports_.starts_with('[')) {
        layout_ = opens_menu(reports_) ? Layout::menu : Layout::array;
        return layout_ == Layout::menu ? Result<void>() : array_.open(reports_, items_max_);
    }
    if (hint_ != BodyHint::json && !opens_json(reports_) && opens_line_protocol(reports_)) {
        layout_ = Layout::line_protocol;
        return line_protocol_.open(reports_, items_max_, names_);
    }
    return {};
}

Error Decoder::refusal(Error error) const {
    const bool is_unreadable =
        error.code == Code::malformed_json || error.code == Code::malformed_pairs ||
        error.code == Code::trailing_data || error.code == Code::unsupported_shape;
    if (submission_.hint == BodyHint::foreign && is_unreadable)
        return {.code = Code::unsupported_media_type};
    return error;
}

void Decoder::normalize(std::string_view body) {
    sent_ = body;
    has_byte_order_mark_ = sent_.starts_with(byte_order_mark);
    if (has_byte_order_mark_) sent_.remove_prefix(byte_order_mark.size());
    sent_.remove_prefix(std::min(sent_.find_first_not_of(spaces), sent_.size()));
    // MikroTik's own samples end a body with a NUL.
    sent_ = sent_.substr(0, sent_.find_last_not_of(std::string_view(" \t\r\n\0", 5)) + 1);
    text_ = sent_;
    is_recoded_ = false;
    if (utf8_valid(sent_)) return;
    recoded_.clear();
    if (!submission_.charset.empty() && charsets_.read(submission_.charset, sent_, recoded_)) {
        text_ = recoded_;
        return;
    }
    is_recoded_ = true;
    recoded_.clear();
    append_as_utf8(sent_, recoded_);
    text_ = recoded_;
}

// Converts the error's offset in reports_ to an offset in the body as it was sent.
Error Decoder::at_offset_in_body(Error error) const {
    const bool is_converted = !is_recoded_ && !recoded_.empty() && text_.data() == recoded_.data();
    // In these cases the offset in the body is not known.
    if (field_.was_encoded || is_moved_ || is_converted) error.offset = -1;
    if (error.offset < 0) return error;
    auto offset = static_cast<size_t>(error.offset);
    offset += static_cast<size_t>(reports_.data() - text_.data());
    if (is_recoded_) offset = offset_before_utf8(sent_, offset);
    error.offset = (sent_.data() - submission_.body.data()) + static_cast<int64_t>(offset);
    return error;
}

Upcoming Decoder::upcoming() {
    switch (layout_) {
        case Layout::single:
        case Layout::menu: return is_read_ ? Upcoming::end : Upcoming::report;
        case Layout::lines: return lines_.at_end() ? Upcoming::end : Upcoming::report;
        case Layout::line_protocol:
            return line_protocol_.at_end() ? Upcoming::end : Upcoming::report;
        case Layout::array: break;
    }
    if (array_.at_end()) return Upcoming::end;
    return array_.at_object() ? Upcoming::report : Upcoming::unsupported;
}

Result<void> Decoder::skip() {
    switch (layout_) {
        case Layout::single:
        case Layout::menu: is_read_ = true; return {};
        case Layout::lines: lines_.skip(); return {};
        case Layout::line_protocol: line_protocol_.skip(names_); return {};
        case Layout::array: break;
    }
    const auto skipped = array_.skip();
    return skipped ? skipped : std::unexpected(refusal_at(skipped.error()));
}

Result<void> Decoder::check_rest() {
    if (layout_ != Layout::array) return {};
    const auto checked = array_.check_rest();
    return checked ? checked : std::unexpected(refusal_at(checked.error()));
}

Result<std::string_view> Decoder::read(Fields& fields) {
    pairs_.begin_report();
    read_out_of_band(fields);
    warn_about_body(fields);
    read_form_around(fields);
    if (layout_ == Layout::array) {
        const auto element = array_.read(json_, fields);
        return element ? element : std::unexpected(refusal_at(element.error()));
    }
    if (layout_ == Layout::lines) {
        const std::string_view line = lines_.take();
        const auto read = read_report(line, BodyHint::json, fields);
        return read ? Result<std::string_view>(line) : std::unexpected(read.error());
    }
    if (layout_ == Layout::line_protocol) {
        const auto lines = line_protocol_.read(fields);
        return lines ? lines : std::unexpected(refusal(lines.error()));
    }
    is_read_ = true;
    const auto read = layout_ == Layout::menu ? json_.read_menu(reports_, fields)
                                              : read_report(reports_, hint_, fields);
    if (!read) return std::unexpected(refusal_at(read.error()));
    return reports_;
}

void Decoder::read_out_of_band(Fields& fields) {
    if (submission_.query.empty() && submission_.header.empty()) return;
    const auto outer = fields.enter();
    if (!text_.empty() || field_.json.empty()) pairs_.form(submission_.query, fields);
    pairs_.header(submission_.header, !submission_.body.empty(), fields);
    fields.leave(outer);
    fields.end_out_of_band();
}

// Reads the other fields of a form whose JSON field holds the reports.
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
        if (hint == BodyHint::query && !fields.is_report()) return fail(Code::malformed_pairs);
        fields.empty_body();
        return {};
    }
    if (opens_json(text) || hint == BodyHint::json) return json_.read(text, fields);
    const size_t known_before = fields.known_keys();
    is_form(text, hint) ? pairs_.form(text, fields) : pairs_.list(uncut(text, fields), fields);
    if (fields.known_keys() == known_before || !fields.is_report())
        return fail(Code::malformed_pairs);
    return {};
}

// Returns a list without its last value if RouterOS 6 has cut it.
std::string_view Decoder::uncut(std::string_view list, Fields& fields) const {
    if (submission_.body.size() != variable_bytes_max || list.ends_with(';')) return list;
    const size_t last = list.rfind(';');
    if (last == list.npos) return list;
    fields.warn(Warning::list_truncated);
    return list.substr(0, last);
}

}  // namespace rollcall
