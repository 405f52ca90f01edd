// Decode: the body of a report to values of the open row. Two mouths, one throat.
//
// The first byte that is not space decides: `{` or `[` is JSON. Else the Content-Type, if it says
// JSON. Else pairs: `;` or `&`, whichever comes first after the first `=`. User-Agent never does.
// A byte order mark before and NULs and spaces behind are taken off. Bytes that are not UTF-8 are
// read as Windows-1252. An empty body is a router that says nothing but that it is alive.
//
// All or nothing: on an error the caller discards the open row; the Error has the byte's offset.
//
// Threads: one Decoder for each worker; its buffers are allocated at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/decode_json.h"
#include "pipeline/decode_pairs.h"
#include "pipeline/error.h"
#include "pipeline/fields.h"

namespace rollcall {

enum class BodyHint : uint8_t { unknown, json, form };  // What the sender claims.

// The claim of a Content-Type header, parameters ignored.
[[nodiscard]] BodyHint body_hint(std::string_view content_type);

class Decoder {
public:
    // A body is never longer than body_bytes_max.
    explicit Decoder(size_t body_bytes_max);

    // Feeds every value of `body` to `fields`, between its begin() and finish(); the body stays
    // as it is until then. body_padding bytes behind it must be readable.
    [[nodiscard]] Result<void> decode(std::string_view body, BodyHint hint, Fields& fields);

private:
    [[nodiscard]] Result<void> decode_text(std::string_view text, BodyHint hint, Fields& fields);

    size_t body_bytes_max_;
    JsonDecoder json_;
    PairDecoder pairs_;
    std::string transcoded_;  // A body that was not UTF-8.
};

}  // namespace rollcall
