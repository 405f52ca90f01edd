// Fields: the keys and values of a report, to columns of the open row.
//
// Both mouths of decode feed it: JSON members and key=value pairs look the same from here. It reads
// a value by its column's RouterOS type, chooses between keys of one column, and remembers what it
// had to leave out. One bad value costs its column, never the row.
//
// Use: begin(row), a value for each name that has a meaning, all others to extra(), finish(). The
// row is untouched until finish(), which writes what was kept and the columns `warnings` and
// `extra`, and leaves the row open: the intake commits or discards it. Keys and texts are not
// copied: they stay readable until finish().
//
// Threads: one Fields for each worker. Nothing allocates.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "pipeline/columns/columns.h"
#include "pipeline/decode/dictionary.h"
#include "pipeline/decode/extra.h"
#include "pipeline/decode/keys.h"

namespace rollcall {

// What the form of a report tells of its sender, who wants to be answered in kind.
struct Shape {
    bool json_rpc = false;
    bool collectors = false;  // ISPApp: the update carries what was collected.
    std::string_view rpc_id;  // As it came; empty if it did not.
};

class Fields {
public:
    // Keys that came, by number.
    using Seen = std::array<bool, keys_max>;

    void begin(Columns& row);

    // An object begins, which may use the keys of the one around it again; leave() with what
    // enter() gave.
    [[nodiscard]] Seen enter() { return std::exchange(seen_, {}); }
    void leave(const Seen& outer) { seen_ = outer; }

    [[nodiscard]] Dictionary& dictionary() { return dictionary_; }

    // The value of a known key: as text (empty and `none` mean absent), ...
    void text(const Key& key, std::string_view value);
    // ... as a number, unless the column keeps text, ...
    void integer(const Key& key, int64_t value);
    void real(const Key& key, double value);
    // ... or as a number's characters, which say more: "7.20" is not 7.2.
    void literal(const Key& key, std::string_view lexeme);

    // What no column goes by.
    [[nodiscard]] Extra& extra() { return extra_; }
    [[nodiscard]] Shape& shape() { return shape_; }

    // A warning on the whole report.
    void warn(Warning warning);
    // The body was empty; a warning unless a query or headers said something.
    void empty_body();

    // Some id that the report gave, for a site that has no better one.
    [[nodiscard]] std::string_view device() const {
        return has(Column::site_id) ? kept_[index(Column::site_id)].text : std::string_view();
    }

    // Writes the row. Returns all warnings as in the column `warnings`,
    // "bad_value:uptime,utf8_bom", valid until the next begin(). Adds no_metrics if the report
    // named the router and no more.
    std::string_view finish();

    // The warnings of this row, by kind, for the counters; bit i is Warning(i).
    [[nodiscard]] uint32_t warning_bits() const { return warning_bits_; }

private:
    // The value of a column, by its kind, and the key that brought it.
    struct Kept {
        Key key;
        int64_t integer;
        double real;
        std::string_view text;
    };

    void one_value(const Key& key, std::string_view value);
    void two_numbers(const Key& key, std::string_view value);
    void open_value(const Key& key);
    [[nodiscard]] Kept* claim(const Key& key);
    void keep_integer(const Key& key, std::optional<int64_t> value);
    void keep_real(const Key& key, std::optional<double> value);
    // False if it is not kept.
    bool keep_text(const Key& key, std::string_view value);
    void bad_value(const Key& key);
    void implausible(const Key& key, bool too_low);

    [[nodiscard]] bool has(Column column) const { return kept_mask_ & bit(column); }
    void drop(Column column) { kept_mask_ &= ~bit(column); }
    [[nodiscard]] Kept& kept(Column column) { return kept_[index(column)]; }
    void weigh(Column total, Column free, const std::optional<Kept>& in_use);
    void take_channel();
    void write();

    void warn(Warning warning, const Key& key);
    void warn(std::string_view warning);
    [[nodiscard]] std::string_view warnings() const { return {warnings_.data(), warnings_used_}; }

    Dictionary dictionary_;
    Columns* row_ = nullptr;
    uint64_t kept_mask_ = 0;  // A bit for each column that has a value.
    std::array<Kept, columns_count> kept_{};
    std::optional<Kept> memory_in_use_;
    std::optional<Kept> disk_in_use_;
    std::string_view channel_;  // Of the version that is kept.
    Seen seen_{};
    bool metrics_sent_ = false;
    Shape shape_;
    Extra extra_;
    uint32_t warning_bits_ = 0;
    size_t warnings_used_ = 0;
    std::array<char, bytes_max(Column::warnings)> warnings_;
};

}  // namespace rollcall
