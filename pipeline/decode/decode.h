// Decoder: splits a body into its reports, and decodes their values to columns.
//
// The first of these rules that applies decides the format of the body:
// clang-format off
//   1. The Content-Type means JSON lines: each line is a report.
//   2. The first byte that is not white space is `{` or `[`: a report in JSON, or an array of them.
//   3. The Content-Type means JSON: a report in JSON.
//   4. The first line has the format of InfluxDB line protocol: line protocol.
//   5. All other bodies are `key=value` pairs. If the first `&` or `;` after the first `=` is an
//      `&`, the pairs are a form; if it is a `;`, they are a list. If there is neither, they are a
//      form if the Content-Type says so, otherwise a list.
// clang-format on
// The User-Agent has no influence.
//
// Pairs, and lines of the line protocol, count as a report only if at least one key is known and at
// least one value can be stored. XML, HTML, multipart bodies and other bodies that contain no
// report are refused.
//
// A byte order mark at the beginning is removed, and so are NULs and white space at the end. Bytes
// that are not UTF-8 are read in the charset that the Content-Type declares, else as Windows-1252.
// A form can hold JSON in one of its fields, and so can the query of a request with an empty body.
// A JSON string that holds a report is read as that report. An array that begins like the rows of a
// RouterOS menu is one report (json_report.h). An empty body is a report, too: it means that the
// router is alive.
//
// A body that is a single report is decoded or refused as a whole. The Error contains the offset of
// the byte at fault. In a list, each report is decoded or refused on its own; only an array that is
// not valid JSON is refused as a whole.
//
// An array is read in one pass, so its first reports are decoded before a fault in a later one is
// found.
//
// Use: open() a submission. While upcoming() returns Upcoming::report, read() one report.
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

// The format that the sender claims for a body. foreign: a format that the decoder cannot read,
// such as XML or an image. Senders often claim the wrong format, so the decoder looks for a report
// in such a body, too. query: there is no body, and the query is the report.
enum class BodyHint : uint8_t { unknown, text, json, json_lines, form, foreign, query };

// Returns the format that a Content-Type header claims. Ignores the header's parameters.
[[nodiscard]] BodyHint body_hint(std::string_view content_type);

// Returns whether a body begins like a JSON array of reports; nothing if only white space has
// arrived so far.
[[nodiscard]] std::optional<bool> opens_list(std::string_view body);

// A body and its out-of-band fields, which are the values from outside the body.
struct Submission {
    // Has at most body_bytes_max bytes. The body_padding bytes after the body are readable.
    std::string_view body = {};
    BodyHint hint = BodyHint::unknown;
    // A URL's query, and header fields as `name=value` lines. Together they had at most
    // body_bytes_max bytes before they were recoded as UTF-8.
    std::string_view query = {};
    std::string_view header = {};
    // The charset that the Content-Type declares; may be empty.
    std::string_view charset = {};
};

// The next item of a submission.
enum class Upcoming : uint8_t {
    end,
    report,
    unsupported,  // An array element that is not an object.
};

class Decoder {
public:
    // A body may have at most body_bytes_max bytes and items_max reports.
    Decoder(size_t body_bytes_max, size_t items_max);

    // Begins to read a submission. Skips the first items_done items. An error refuses
    // the whole body. The views in `submission` must stay readable until the last report is read.
    [[nodiscard]] Result<void> open(const Submission& submission, size_t items_done = 0);

    [[nodiscard]] Upcoming upcoming();

    // Skips a report. An error refuses the whole body.
    [[nodiscard]] Result<void> skip();

    // Decodes the out-of-band fields and the next report into `fields`, which has begun a row. A
    // key that occurs both out of band and in the body does not count as repeated. Returns the text
    // of the report. If refuses_one_by_one(), an error refuses only this report, otherwise the
    // whole body. The views that this function passes to `fields` stay readable until the next
    // call.
    [[nodiscard]] Result<std::string_view> read(Fields& fields);

    // Validates the reports that are left, as far as a fault in one of them refuses the whole body.
    // Call it before the reports that were read can no longer be taken back.
    [[nodiscard]] Result<void> check_rest();

    [[nodiscard]] bool is_array() const { return layout_ == Layout::array; }
    // Returns whether a report that cannot be decoded is refused on its own.
    [[nodiscard]] bool refuses_one_by_one() const {
        return layout_ == Layout::lines ||
               (layout_ == Layout::line_protocol && !line_protocol_.is_single());
    }

private:
    enum class Layout : uint8_t { single, menu, array, lines, line_protocol };

    // Computes sent_ and text_ from the body.
    void normalize(std::string_view body);
    // If text_ is a JSON string that holds a report, replaces it by the text of that string.
    void take_quoted_report();
    // Sets field_ and reports_ from a form in the body. If the body is empty, uses the query as the
    // form.
    void find_json_field();
    [[nodiscard]] Result<void> open_layout();
    // If the sender claims a foreign format and the error means that no report was found, returns
    // unsupported_media_type. Otherwise returns the given error.
    [[nodiscard]] Error refusal(Error error) const;
    void read_out_of_band(Fields& fields);
    void warn_about_body(Fields& fields) const;
    void read_form_around(Fields& fields);
    [[nodiscard]] Result<void> read_report(std::string_view text, BodyHint hint, Fields& fields);
    // The refusal of the whole body for a fault in reports_.
    [[nodiscard]] Error refusal_at(const Error& error) const {
        return refusal(at_offset_in_body(error));
    }
    [[nodiscard]] std::string_view uncut(std::string_view list, Fields& fields) const;
    [[nodiscard]] Error at_offset_in_body(Error error) const;

    size_t body_bytes_max_;
    size_t items_max_;
    JsonReportReader json_;
    JsonArray array_;
    JsonLines lines_;
    LineProtocol line_protocol_;
    CharsetReader charsets_;
    Dictionary names_;  // For the tags by which lines are grouped into reports.
    PairDecoder pairs_;
    std::string recoded_;  // A body that was not UTF-8.
    std::string moved_;    // A report that was in a JSON string or in the query; has padding.

    // The submission that is being read.
    Submission submission_;
    std::string_view sent_;  // The body of the submission without surrounding white space, NULs and
                             // byte order mark.
    std::string_view text_;  // sent_, converted to UTF-8 if necessary.
    bool has_byte_order_mark_ = false;
    bool is_recoded_ = false;       // The body was read as Windows-1252.
    bool is_moved_ = false;         // The reports were in a JSON string or in the query.
    PairDecoder::JsonField field_;  // The form's field that holds the reports, if there is one.
    std::string_view reports_;      // The text with the reports: text_ or that field.
    BodyHint hint_ = BodyHint::unknown;
    Layout layout_ = Layout::single;
    bool is_read_ = true;  // True once the single report was read.
};

}  // namespace rollcall
