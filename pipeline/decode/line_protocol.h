// LineProtocol: reads reports in InfluxDB's line protocol.
//
//     system,serial=HG709X1Y2Z4,model=hEX\ S cpu_load=7i,uptime="1d" 1795860000
//     measurement,tags                       fields                  time
//
// A tag or field is a key in two ways: alone, and as a member of an object that has the name of the
// measurement (`mem free=1i`). Keys that things other than a router have as well count only in two
// cases. First, the measurement describes the router as a whole. Second, the measurement has a
// field that only a router measures. The tag `name` never names the router.
//
// In a body with several lines, consecutive lines whose tags name the same router form one report.
//
// Source: InfluxDB OSS v2 documentation, "Line protocol" (escapes, types, comments).
// Threads: one for each worker, inside its Decoder. Nothing allocates after construction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"
#include "pipeline/decode/fields.h"

namespace rollcall {

// Returns whether a text begins like a line of the line protocol.
[[nodiscard]] bool opens_line_protocol(std::string_view text);

class LineProtocol {
public:
    explicit LineProtocol(size_t text_bytes_max);

    // Moves to the first report. Returns too_many_items if there are more than items_max reports.
    // `text` must stay readable until the last report is read.
    [[nodiscard]] Result<void> open(std::string_view text, size_t items_max,
                                    Dictionary& dictionary);

    [[nodiscard]] bool at_end() const { return lines_.empty(); }
    // Returns whether the text contains exactly one report.
    [[nodiscard]] bool is_single() const { return is_single_; }
    void skip(Dictionary& dictionary) { advance(dictionary); }
    // Reads a report and moves to the next one. Returns the lines of the report, or malformed_pairs
    // if they have no known key. The views that this function passes to `fields` stay readable
    // until the next call.
    [[nodiscard]] Result<std::string_view> read(Fields& fields);

private:
    void advance(Dictionary& dictionary);
    void read_line(std::string_view line, Fields& fields);
    [[nodiscard]] std::string_view unescaped(std::string_view text);

    std::string_view lines_;  // The lines of the next report.
    std::string_view rest_;
    bool is_single_ = false;
    std::string unescaped_;
};

}  // namespace rollcall
