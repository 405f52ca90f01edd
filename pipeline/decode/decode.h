// Decoder: a body to its reports, and their values to columns.
//
// The first byte that is not white space decides the format: `{` is a report in JSON, `[` an array
// of reports. Otherwise the Content-Type decides if it claims JSON. Otherwise the body is
// lines of InfluxDB's protocol if its first line is one. Otherwise the body is `key=value` pairs, a
// form if the first `&` after the first `=` comes before any `;`. Only the Content-Type can claim
// JSON lines. The User-Agent decides nothing.
//
// Pairs and lines count as a report only if at least one key is known and something is stored. XML,
// HTML, multipart bodies and other bodies that are no report are refused.
//
// A byte order mark at the beginning is removed, and so are NULs and white space at the end. Bytes
// that are not UTF-8 are read in the charset that the Content-Type declares, else as Windows-1252.
// A form, or the query beside an empty body, may hold JSON in one of its fields. A JSON text that
// holds a report is read as that report. An array that begins like the rows of a menu is one report
// (json_report.h). An empty body tells that the router is alive.
//
// A body that is a single report is decoded or refused as a whole, and the Error has the byte's
// offset. In a list each report is decoded or refused on its own, but an array that is not valid
// JSON is refused as a whole.
//
// Use: open() a submission, then read() a report for each Upcoming::report.
//
// Threads: one Decoder for each worker. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/charset.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/json_list.h"
#include "pipeline/decode/json_report.h"
#include "pipeline/decode/line_protocol.h"
#include "pipeline/decode/pairs.h"

namespace rollcall {

// The format that the sender claims for a body.
// foreign: a type that we do not read. A body of such a type may be a report all the same.
// query: there is no body, and the query is the report.
enum class BodyHint : uint8_t { unknown, text, json, json_lines, form, foreign, query };

// Returns what a Content-Type header claims. Ignores its parameters.
[[nodiscard]] BodyHint body_hint(std::string_view content_type);

// Returns whether a body begins like a JSON array of reports, or nothing if it has only white space
// so far.
[[nodiscard]] std::optional<bool> opens_list(std::string_view body);

// A body and the out-of-band fields, which are the values that came outside of it.
struct Submission {
    // At most body_bytes_max. body_padding bytes behind it are readable.
    std::string_view body = {};
    BodyHint hint = BodyHint::unknown;
    // A URL's query, and header fields as `name=value` lines: together at most body_bytes_max
    // before they were recoded as UTF-8.
    std::string_view query = {};
    std::string_view header = {};
    // The charset that the Content-Type declares; may be empty.
    std::string_view charset = {};
};

// What follows in a submission.
enum class Upcoming : uint8_t {
    end,
    report,
    unsupported,  // An element of an array that is not an object.
};

class Decoder {
public:
    // A body has at most body_bytes_max bytes and items_max reports.
    Decoder(size_t body_bytes_max, size_t items_max);

    // Begins with a submission, behind the first items_done items of a list. An error refuses the
    // body as a whole. The views in `submission` stay readable until the last report is read.
    [[nodiscard]] Result<void> open(const Submission& submission, size_t items_done = 0);

    [[nodiscard]] Upcoming upcoming();

    // Skips the item that follows.
    void skip();

    // Decodes the report that follows into `fields`, which has begun a row, after the out-of-band
    // fields. A key in the body is no repetition of the same key among these. Returns the text of
    // the report. An error refuses the report if is_list(), otherwise the body. What this gives to
    // `fields` stays readable until the next call.
    [[nodiscard]] Result<std::string_view> read(Fields& fields);

    // Returns whether each report is decoded or refused on its own.
    [[nodiscard]] bool is_list() const {
        return layout_ == Layout::array || layout_ == Layout::lines ||
               (layout_ == Layout::line_protocol && !line_protocol_.is_single());
    }

private:
    enum class Layout : uint8_t { single, menu, array, lines, line_protocol };

    // Sets sent_ and text_ from the body.
    void normalize(std::string_view body);
    // Replaces text_ by the text of a JSON string if it is one that holds a report.
    void take_quoted_report();
    // Sets field_ and reports_ from a form in the body, or from the query beside an empty body.
    void find_json_field();
    [[nodiscard]] Result<void> open_layout();
    // Returns unsupported_media_type if the sender claims a type that we do not read, else the
    // error.
    [[nodiscard]] Error refusal(Error error) const;
    void read_out_of_band(Fields& fields);
    void warn_about_body(Fields& fields) const;
    void read_form_around(Fields& fields);
    [[nodiscard]] Result<void> read_report(std::string_view text, BodyHint hint, Fields& fields);
    [[nodiscard]] std::string_view uncut(std::string_view list, Fields& fields) const;
    [[nodiscard]] Error at_offset_in_body(Error error) const;

    size_t body_bytes_max_;
    size_t items_max_;
    JsonReportReader json_;
    JsonArray array_;
    JsonLines lines_;
    LineProtocol line_protocol_;
    CharsetReader charsets_;
    Dictionary names_;  // Meanings of the line protocol's tags, which tell where a report ends.
    PairDecoder pairs_;
    std::string recoded_;  // A body that was not UTF-8.
    std::string moved_;    // A report that is not a part of the body, and padding.

    // The submission that is open.
    Submission submission_;
    std::string_view sent_;  // Its body without what surrounds it.
    std::string_view text_;  // The same as UTF-8.
    bool has_byte_order_mark_ = false;
    bool is_recoded_ = false;       // As Windows-1252.
    bool is_moved_ = false;         // text_ is not a part of the body.
    PairDecoder::JsonField field_;  // The form's field that holds the reports, if there is one.
    std::string_view reports_;      // The text with the reports: text_ or that field.
    BodyHint hint_ = BodyHint::unknown;
    Layout layout_ = Layout::single;
    bool is_read_ = true;  // The single report has been read.
};

}  // namespace rollcall
