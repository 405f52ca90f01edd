// LineProtocol: reports in InfluxDB's line protocol.
//
//     system,serial=HG709X1Y2Z4,model=hEX\ S cpu_load=7i,uptime="1d",free_memory=190840832i
//     1795860000 measurement,tags                       fields time
//
// Tags and fields are keys: alone, and as members of an object that is named like the measurement
// (`mem free=1i`). Keys that other things have as well count if the measurement speaks of the
// router as a whole, or has a field that only a router measures. The tag `name` never names the
// router.
//
// A body with several lines holds a report for each run of lines whose tags name the same router.
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

// Returns whether a text begins like a line of the protocol.
[[nodiscard]] bool opens_line_protocol(std::string_view text);

class LineProtocol {
public:
    explicit LineProtocol(size_t text_bytes_max);

    // Stands at the first report. Returns too_many_items if there are more than items_max. `text`
    // stays readable until the last report is read.
    [[nodiscard]] Result<void> open(std::string_view text, size_t items_max,
                                    Dictionary& dictionary);

    [[nodiscard]] bool at_end() const { return lines_.empty(); }
    // Returns whether the text has one report.
    [[nodiscard]] bool is_single() const { return is_single_; }
    void skip(Dictionary& dictionary) { advance(dictionary); }
    // Reads a report and stands at the next one. Returns the lines, or malformed_pairs if they have
    // no known key. What this gives to `fields` stays readable until the next call.
    [[nodiscard]] Result<std::string_view> read(Fields& fields);

private:
    void advance(Dictionary& dictionary);
    void read_line(std::string_view line, Fields& fields);
    [[nodiscard]] std::string_view unescaped(std::string_view text);

    std::string_view lines_;  // The report that is next.
    std::string_view rest_;
    bool is_single_ = false;
    std::string unescaped_;
};

}  // namespace rollcall
