// PairDecoder: splits `key=value` lists, forms and header fields into keys and values.
//
//     list   name=hAP;cpu-load=5;uptime=1d      nothing is escaped, so a value that contains `;`
//                                               leaves fragments: parts that have no `=`, or whose
//                                               key is unknown and has other characters than
//                                               letters, digits and `.-_`. Fragments are ignored,
//                                               with the warning kv_fragment_ignored.
//            cpu-load=5,uptime=1d               separated by line ends, commas, spaces or `|` if
//            cpu-load=5 uptime=1d               there is no `;` (pair_split.h)
//            uptime: 1d                         `:` instead of `=`, as the console prints
//            name="core 1";uptime=1d            quotes around a value are removed, and so are the
//                                               backslashes in such a value
//     form   cpu=7&ver=7.24.1+%28stable%29      percent-encoded
//            cpu=7&model=BT5&BG77&ver=7.24 (x)  not encoded, as RouterOS often sends it. In such
//                                               a form, `+` is a plus, and a part without `=`
//                                               belongs to the value in front of it
//     header X-NSM-CPU-Load=17                  one line for each field
//
// A sensor's row in a list, such as `.id=*D;name=voltage;type=V;value=24.2`, sets the column of the
// sensor's name. Rows of other menus describe parts of the router. From these rows, only keys that
// nothing but a router has are read.
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

// Reads a list. `text` is valid UTF-8. If a value in quotes has backslashes, the value without them
// is appended to `scratch`, and `fields` refers to it there. So `scratch` must have room for
// `text`, and must stay unchanged until `fields` is finished.
void read_list(std::string_view text, Fields& fields, std::string& scratch);
// Returns whether a text begins like a list: its first pair has a known key.
[[nodiscard]] bool has_known_pair(std::string_view text, Dictionary& dictionary);

class PairDecoder {
public:
    explicit PairDecoder(size_t text_bytes_max);

    // Begins another report.
    void begin_report() { decoded_.clear(); }

    // Read a list or a form. `text` is valid UTF-8. The views that these functions pass to `fields`
    // stay readable until begin_report(). The forms of one report may have at most text_bytes_max
    // bytes in the body, and as many outside the body.
    void list(std::string_view text, Fields& fields) { read_list(text, fields, decoded_); }
    void form(std::string_view text, Fields& fields);
    // A field of a form that holds JSON (`data={...}`, `data=[{...}]`, or the JSON without
    // `data=`), and the fields before and after it.
    struct JsonField {
        std::string_view json;
        std::string_view before;
        std::string_view after;
        bool was_encoded = false;
        bool was_cp1252 = false;
    };
    // Returns the first field of a form that holds JSON, or an empty JsonField. Decodes the field
    // if it was encoded. The JSON and the body_padding bytes after it stay readable until the next
    // call, and only as long as `text` is readable.
    [[nodiscard]] JsonField json_field(std::string_view text);
    // Reads header fields as `name=value` lines. Removes `X-Vendor-` from a name, unless the name
    // without `X-` is a key, as in `X-Router-Id`. If there is also a body, only fields that
    // identify the router count.
    void header(std::string_view lines, bool beside_body, Fields& fields);

private:
    // Returns a part of a form without its percent-encoding. `+` becomes a space only if the form
    // is encoded.
    [[nodiscard]] std::string_view decoded(std::string_view part, bool encoded, Fields& fields);

    std::string decoded_;  // Decoded parts of the current report.
    std::string json_;     // The decoded JSON of json_field().
};

}  // namespace rollcall
