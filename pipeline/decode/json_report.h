// JsonReportReader: reads one report, which is an object in JSON, into columns.
//
// These rules apply to the members of every report. GROUP and OTHER are the rows of columns.def
// that list the names of objects.
//
//     {"cpu-load":5}                         a key of columns.def sets its column
//     {"resource":{"cpu-load":5}}            members of a GROUP count as members of the report
//     {"ram":{"total":1}}                    a path is a key at any depth
//     {"foo":{"serial-number":"X"}}          in an unknown object, only a router's own keys count
//     {"neighbor":{"serial-number":"X"}}     in an OTHER object, only paths count
//     {"cpu-temperature":{"value":43}}       an object named like a key gives its `value`
//     {"health":[{"name":"voltage","value":24.1}]}     names and values in a list are members
//     {"disks":[{"avail":1},{"avail":2}]}    in other lists, only paths of the first object count
//     {"cpu":[{"load":3},{"load":5}]}        of the cores of a processor, the mean counts
//     {"x":[{"type":"memory","free":1}]}     an object's label and a member's name form a path, too
//     {"foo":{"uptime":"1d","cpu-load":5}}   if it is the report's only unknown object and holds
//                                            measurements of a router, it is a GROUP
//     {"data":"{\"cpu-load\":5}"}            JSON in the text of a GROUP is read
//     {"health":"voltage=241;temperature=38"}   pairs (pairs.h) in the text of a GROUP are read
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

// Returns whether an array of objects begins like the rows of a menu rather than like reports: its
// first object has an `.id`, or a label and a value. The array need not be valid JSON.
[[nodiscard]] bool opens_menu(std::string_view array);

// A scalar as it was sent: the text of a string, or the characters of any other token.
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

// The first object of a report whose name is not in the tables. If the report has no other such
// object, and this object contains values that only a router measures, it wraps the whole report.
// In that case all of its keys set their columns, even keys that things other than a router have as
// well.
struct JsonWrapper {
    static constexpr size_t members_max = 24;
    size_t objects = 0;     // Number of the report's objects that are not groups.
    std::string_view name;  // Name of the first such object.
    bool proven = false;
    std::array<JsonMember, members_max> members;  // The members of that object that are not keys.
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

    // Reads a text that is one report. `text` is valid UTF-8, and the body_padding bytes after it
    // are readable. An error contains its offset in `text`. The views that this function passes to
    // `fields` stay readable until the next call.
    [[nodiscard]] Result<void> read(std::string_view text, Fields& fields);

    // Reads the object at which `cursor` stands. Returns a cursor after the object; if the text is
    // malformed, returns a cursor that has stopped there. Views that were passed to `fields` stay
    // readable until the next call.
    [[nodiscard]] JsonCursor read(JsonCursor cursor, Fields& fields);

    // Reads a list that is one report: the rows of a RouterOS menu. The script expression
    // `[:serialize to=json [/system health print as-value]]` produces such a list. Rows of names
    // and values set the columns of these names. Other rows describe parts of the router and go to
    // `extra`.
    [[nodiscard]] Result<void> read_menu(std::string_view text, Fields& fields);

private:
    std::string unescaped_;  // The current report's strings that had escapes, unescaped.
    JsonWrapper wrapper_;    // The wrapper of the current report.
};

}  // namespace rollcall
