// JsonDecoder: JSON to (key, value).
//
// A report is an object. Its members are read by these rules, whoever sent it:
//
//     {"cpu-load":5}                         a key of columns.def is a column
//     {"resource":{"cpu-load":5}}            a GROUP is read as if its members stood at the top
//     {"ram":{"total":1}}                    a path is a key wherever it stands
//     {"foo":{"serial-number":"X"}}          other objects give what only a router has
//     {"cpu-temperature":{"value":43}}       an object called like a key gives its value
//     {"health":[{"name":"voltage","value":24.1}]}     a list of names and values gives these
//     {"disks":[{"avail":1},{"avail":2}]}    of another list the first object gives its paths
//
// All else goes to `extra`. The whole text is held to RFC 8259, also where nothing is taken from
// it.
//
// Threads: one for each worker, inside its Decoder; all memory is allocated at construction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/items.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

class JsonDecoder {
public:
    explicit JsonDecoder(size_t text_bytes_max);

    // `text` is valid UTF-8, not empty, and readable for body_padding bytes beyond its end. Offsets
    // of errors are into `text`. What `fields` is given stays readable until the next call.
    [[nodiscard]] Result<void> decode(std::string_view text, Fields& fields);

    // A list of reports, the first `done` of which are done with. Nothing is taken of a text that
    // is not JSON, or that has more than items_max elements.
    [[nodiscard]] Result<void> decode_list(std::string_view text, size_t items_max, size_t done,
                                           Items& items);

private:
    std::string unescaped_;  // Strings of the report that had something to unescape.
};

}  // namespace rollcall
