// PairDecoder: `key=value` lists and forms to (key, value).
//
//     list   name=hAP;cpu-load=5;uptime=1d      nothing is escaped: a part that is no pair, or has
//                                               a key that no script would use, broke off a value;
//                                               lines are parts if nothing else separates any
//     form   cpu=7&ver=7.24.1+%28stable%29      percent-encoded, but RouterOS often does not
//     header X-NSM-CPU-Load=17                  a line each, from agents that send no body
//
// A key ends at the first `=`. Unknown keys go to `extra`.
//
// Threads: one for each worker, inside its Decoder; all memory is allocated at construction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"

namespace rollcall {

class PairDecoder {
public:
    explicit PairDecoder(size_t text_bytes_max);

    // The next call is for another report than the last.
    void begin_report() { decoded_.clear(); }

    // `text` is valid UTF-8. What `fields` is given stays readable until begin_report(). For one
    // report, forms have at most text_bytes_max bytes in a body and as many beside it.
    void list(std::string_view text, Fields& fields);
    void form(std::string_view text, Fields& fields);
    // The first field of a form that holds JSON, `data={...}` or `data=[{...}]`, encoded or as it
    // is, and what stands around it. Nothing if none does. body_padding bytes behind the JSON are
    // readable, and it stays so as long as `text`, whatever is decoded beside it.
    struct JsonField {
        std::string_view json;
        std::string_view before;
        std::string_view after;
        bool was_encoded = false;
        bool was_cp1252 = false;
    };
    [[nodiscard]] JsonField json_field(std::string_view text);
    // `X-Vendor-` is taken off.
    void header(std::string_view lines, Fields& fields);

private:
    [[nodiscard]] std::string_view decoded(std::string_view part, bool plus_is_space,
                                           Fields& fields);

    std::string decoded_;  // Parts of a form that had something to decode.
    std::string json_;     // JSON in a field that was encoded.
};

}  // namespace rollcall
