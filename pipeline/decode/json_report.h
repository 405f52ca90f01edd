// JsonReportReader: one report in JSON, an object, to columns.
//
// These rules apply to the members of every report:
//
//     {"cpu-load":5}                         a key of columns.def sets its column
//     {"resource":{"cpu-load":5}}            members of a GROUP count as members of the report
//     {"ram":{"total":1}}                    a path is a key at any depth
//     {"foo":{"serial-number":"X"}}          unknown objects: only keys that no other thing has
//     {"neighbor":{"serial-number":"X"}}     of an OTHER thing only paths count
//     {"cpu-temperature":{"value":43}}       an object named like a key gives its `value`
//     {"health":[{"name":"voltage","value":24.1}]}     a list of names and values gives these
//     {"disks":[{"avail":1},{"avail":2}]}    of another list the first object gives its paths
//     {"cpu":[{"load":3},{"load":5}]}        but of the cores of a processor the mean counts
//     {"x":[{"type":"memory","free":1}]}     an object's label and its members are paths, too
//     {"foo":{"uptime":"1d","cpu-load":5}}   the only object of a report is a GROUP if it holds
//                                            measurements of a router
//     {"data":"{\"cpu-load\":5}"}            a text that is JSON is read if a GROUP is named so
//     {"health":"voltage=241;temperature=38"}   and so is a list of pairs (pairs.h)
//
// All other members go to `extra`. The whole text must be valid JSON (RFC 8259), including the
// parts that no column needs.
//
// Threads: one for each worker, inside its Decoder. Nothing allocates after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

// Returns whether an array of objects, which need not be valid, begins like the rows of a menu
// rather than like reports: its first object has an `.id`, or a label and a value.
[[nodiscard]] bool opens_menu(std::string_view array);

// A scalar as it was sent: the text of a string, else the characters of the token.
struct JsonScalar {
    enum class Kind : uint8_t { text, integer, decimal, large, word, null };
    Kind kind = Kind::null;
    std::string_view text;
    int64_t integer = 0;
};

struct JsonMember {
    std::string_view name;
    JsonScalar value;
};

// The only object of a report whose name the tables do not know. It is a wrapper of the whole
// report if it holds what only a router measures. Then all of its keys count, also those that other
// things have as well.
struct JsonWrapper {
    static constexpr size_t members_max = 24;
    size_t objects = 0;     // Number of the report's objects that are no groups.
    std::string_view name;  // Name of the first of them.
    bool proven = false;
    std::array<JsonMember, members_max> members;  // Members of the first object that are no keys.
    size_t members_count = 0;

    void clear() {
        objects = 0;
        proven = false;
        members_count = 0;
    }
};

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

    // Reads a list that is one report: the rows of a menu of the router, as
    // `[:serialize to=json [/system health print as-value]]` makes them. Rows of names and values
    // give these; the others are the router's parts and go to `extra`.
    [[nodiscard]] Result<void> read_menu(std::string_view text, Fields& fields);

private:
    std::string unescaped_;  // Strings of the current report that had escapes.
    JsonWrapper wrapper_;    // The wrapper of the current report.
};

}  // namespace rollcall
