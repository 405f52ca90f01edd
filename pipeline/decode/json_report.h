// JsonReportReader: one report in JSON, an object, to columns.
//
// These rules apply to the members of every report:
//
//     {"cpu-load":5}                         a key of columns.def sets its column
//     {"resource":{"cpu-load":5}}            members of a GROUP count as members of the report
//     {"ram":{"total":1}}                    a path is a key at any depth
//     {"foo":{"serial-number":"X"}}          other objects: only keys that no other thing has
//     {"cpu-temperature":{"value":43}}       an object named like a key gives its `value`
//     {"health":[{"name":"voltage","value":24.1}]}     a list of names and values gives these
//     {"disks":[{"avail":1},{"avail":2}]}    of another list the first object gives its paths
//
// All other members go to `extra`. The whole text must be valid JSON (RFC 8259), including the
// parts that no column needs.
//
// Threads: one for each worker, inside its Decoder. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

class JsonReportReader {
public:
    explicit JsonReportReader(size_t text_bytes_max);

    // Reads a text that is one report. `text` is valid UTF-8, and body_padding bytes behind it are
    // readable. An error has its offset in `text`. What this gives to `fields` stays readable until
    // the next call.
    [[nodiscard]] Result<void> read(std::string_view text, Fields& fields);

    // Reads the object that `cursor` stands at. Returns the cursor behind the object, or stopped
    // where the text is malformed. The same holds for what this gives to `fields`.
    [[nodiscard]] JsonCursor read(JsonCursor cursor, Fields& fields);

private:
    std::string unescaped_;  // Strings of the current report that had escapes.
};

}  // namespace rollcall
