// Decode: a body to the reports in it, and their values. Two mouths, one throat.
//
// The first byte that is not space decides: `{` is a report in JSON, `[` a list of them. Else the
// Content-Type, if it says JSON. Else pairs: `;` or `&`, whichever comes first after the first `=`.
// User-Agent never does. Lines of JSON are told by their Content-Type alone.
//
// A byte order mark before and NULs and spaces behind are taken off. Bytes that are not UTF-8 are
// read as Windows-1252. A form may hold JSON in one of its fields. An empty body is a router that
// says nothing but that it is alive.
//
// A body that is one report is taken or refused as a whole, and the Error has the byte's offset. Of
// several each is taken or refused; a list that is not valid JSON is refused as a whole.
//
// Threads: one Decoder for each worker; its buffers are allocated at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/items.h"
#include "pipeline/decode/json.h"
#include "pipeline/decode/pairs.h"

namespace rollcall {

enum class BodyHint : uint8_t { unknown, text, json, json_lines, form };  // What the sender claims.

// The claim of a Content-Type header, parameters ignored.
[[nodiscard]] BodyHint body_hint(std::string_view content_type);

// Does a body begin as a list of reports in JSON? Nothing: there are only blanks so far.
[[nodiscard]] std::optional<bool> opens_list(std::string_view body);

class Decoder {
public:
    // A body is never longer than body_bytes_max, and holds at most items_max reports.
    Decoder(size_t body_bytes_max, size_t items_max);

    // Gives every report of `body` to `items`, but for the first `done` of several.
    // body_padding bytes behind the body must be readable.
    [[nodiscard]] Result<void> decode(std::string_view body, BodyHint hint, size_t done,
                                      Items& items);

    // What came beside a body, before anything of the body: the query of a URL, and header fields
    // as `name=value` lines, together at most body_bytes_max before they were UTF-8. What the body
    // says of the same keys is no repetition of these.
    void decode_beside(std::string_view query, std::string_view header, Fields& fields);

private:
    [[nodiscard]] Result<void> decode_text(std::string_view text, BodyHint hint, size_t done,
                                           Items& items);
    [[nodiscard]] Result<void> decode_report(std::string_view text, BodyHint hint, Fields& fields);
    [[nodiscard]] Result<void> decode_lines(std::string_view text, size_t done, Items& items);

    size_t body_bytes_max_;
    size_t items_max_;
    JsonDecoder json_;
    PairDecoder pairs_;
    std::string transcoded_;  // A body that was not UTF-8.
};

}  // namespace rollcall
