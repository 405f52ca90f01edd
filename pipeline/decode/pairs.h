// PairDecoder: `key=value` lists, forms and header fields to keys and values.
//
//     list   name=hAP;cpu-load=5;uptime=1d      nothing is escaped, so a part that is no pair or
//     has
//                                               an unusual key is a fragment of a value; without
//                                               any `;`, lines are the parts
//     form   cpu=7&ver=7.24.1+%28stable%29      percent-encoded, which RouterOS often omits
//     header X-NSM-CPU-Load=17                  one line for each field, from agents without a body
//
// A key ends at the first `=`. Unknown keys go to `extra`.
//
// Threads: one for each worker, inside its Decoder. Nothing allocates after construction.
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

    // Begins another report.
    void begin_report() { decoded_.clear(); }

    // Read a list or a form. `text` is valid UTF-8. What this gives to `fields` stays readable
    // until begin_report(). The forms of one report have at most text_bytes_max bytes in the body
    // and as many out of band.
    void list(std::string_view text, Fields& fields);
    void form(std::string_view text, Fields& fields);
    // A field of a form that holds JSON, `data={...}` or `data=[{...}]`, and the fields around it.
    struct JsonField {
        std::string_view json;
        std::string_view before;
        std::string_view after;
        bool was_encoded = false;
        bool was_cp1252 = false;
    };
    // Returns the first such field of a form, decoded if it was encoded, or an empty one. The JSON
    // and body_padding bytes behind it stay readable as long as `text` and until the next call.
    [[nodiscard]] JsonField json_field(std::string_view text);
    // Reads header fields as `name=value` lines. Removes `X-Vendor-` from the names.
    void header(std::string_view lines, Fields& fields);

private:
    [[nodiscard]] std::string_view decoded(std::string_view part, bool plus_is_space,
                                           Fields& fields);

    std::string decoded_;  // Decoded parts of the current report's forms.
    std::string json_;     // The decoded JSON of json_field().
};

}  // namespace rollcall
