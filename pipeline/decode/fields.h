// Fields: stores the keys and values of one report in the columns of the open row.
//
// The parsers of JSON, of pairs and of the line protocol pass their keys and values to this class.
// It reads each value according to the RouterOS type of its column, and chooses one value if
// several keys set the same column. It records a warning for each value that it cannot use. A bad
// value leaves its column empty; the row is still stored.
//
// Use: call begin(row). Pass the value of each known key to this class, and all other members to
// extra(). Then call finish(). The row is unchanged until finish(), which writes the values and the
// columns `warnings` and `extra`. The row stays open; the intake commits or discards it. Keys and
// texts are not copied, so they must stay readable until finish().
//
// Threads: one object for each worker. Nothing allocates.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "pipeline/columns/columns.h"
#include "pipeline/decode/dictionary.h"
#include "pipeline/decode/extra.h"
#include "pipeline/decode/keys.h"
#include "pipeline/decode/unknown_keys.h"

namespace rollcall {

// The features of a report that determine the format of the response (daemon/http/dialects.h).
struct Shape {
    bool json = false;  // The report is JSON.
    bool json_rpc = false;
    bool collectors = false;  // The report has `collectors` with values, as ISPApp agents send.
    std::string_view rpc_id;  // The id of a JSON-RPC request, in its spelling; may be empty.
};

class Fields {
public:
    // The keys that have occurred; the index is the number of the key.
    using Seen = std::bitset<keys_max>;

    static constexpr size_t unknown_keys_default = 256;

    // keep_sim_identifiers: see Dictionary. unknown_keys_max: see UnknownKeys.
    explicit Fields(bool keep_sim_identifiers = false,
                    size_t unknown_keys_max = unknown_keys_default)
        : dictionary_(keep_sim_identifiers), unknown_keys_(unknown_keys_max) {}

    // now_us: the time of receipt, in microseconds since 1970. If the router's clock is more than a
    // day ahead of now_us, its value is not kept; 0 disables this check.
    void begin(Columns& row, int64_t now_us = 0);

    // Begins an object. The keys of the enclosing object can occur again in the new object. Pass
    // the result to leave() at the end of the object.
    [[nodiscard]] Seen enter() { return std::exchange(seen_, {}); }
    void leave(const Seen& outer) { seen_ = outer; }

    [[nodiscard]] Dictionary& dictionary() { return dictionary_; }

    // Takes the value of a known key as text. An empty text and `none` mean that the value is
    // missing.
    void text(const Key& key, std::string_view value);
    // Takes the value as a number, unless the column keeps text.
    void integer(const Key& key, int64_t value);
    void real(const Key& key, double value);
    // Takes the value as the characters of a number, because the versions 7.20 and 7.2 differ.
    void literal(const Key& key, std::string_view lexeme);
    // Takes one of several numbers whose mean is the value, for example the load of one processor
    // core.
    void part_of_mean(const Key& key, double value);

    [[nodiscard]] bool has(Column column) const { return kept_mask_ & bit(column); }
    // Removes the value of the key's column if this key has set it.
    void forget(const Key& key);
    // Returns the number of known keys so far, including keys without a usable value. A clock does
    // not count, because other texts, such as log lines, often contain a clock.
    [[nodiscard]] size_t known_keys() const { return known_keys_; }
    // Returns whether the pairs so far form a report. In a report, at least one key is known, and
    // there is something to store.
    [[nodiscard]] bool is_report();
    // Records that all fields so far came from outside the body. If these fields have set a column,
    // a body without metrics causes no warning.
    void end_out_of_band() { named_out_of_band_ = kept_mask_ != 0; }

    // Collects the members whose names are not known keys.
    [[nodiscard]] Extra& extra() { return extra_; }
    // Counts the keys that the decoder does not understand, over all reports so far.
    [[nodiscard]] UnknownKeys& unknown_keys() { return unknown_keys_; }
    [[nodiscard]] Shape& shape() { return shape_; }

    // Records a warning about the whole report.
    void warn(Warning warning);
    // Records a warning that the body was empty, unless fields from outside the body have set
    // columns other than the site.
    void empty_body();

    // Returns the value for `site_id` in this report, which identifies a site that has no better
    // id. May be empty.
    [[nodiscard]] std::string_view device() const {
        return has(Column::site_id) ? kept_[index(Column::site_id)].text : std::string_view();
    }

    // Writes the row. Returns the text of the column `warnings`, for example
    // "bad_value:uptime,utf8_bom". The text is valid until the next begin(). Adds the warning
    // no_metrics if the report identifies the router but contains nothing else.
    std::string_view finish();

    // Returns the kinds of warnings of this row; bit i represents Warning(i).
    [[nodiscard]] uint32_t warning_bits() const { return warning_bits_; }

private:
    // The value of a column, in the member that matches the column's kind, and the key that set it.
    struct Kept {
        Key key;
        int64_t integer;
        double real;
        std::string_view text;
        bool bare = false;  // The value is an integer without a unit.
    };

    void one_value(const Key& key, std::string_view value);
    void two_numbers(const Key& key, std::string_view value);
    void open_value(const Key& key) {
        known_keys_ += key->value != Value::clock;
        if (seen_[key->number]) forget_earlier(key);
        seen_[key->number] = true;
    }
    void forget_earlier(const Key& key);
    [[nodiscard]] Kept* claim(const Key& key);
    void keep_integer(const Key& key, std::optional<int64_t> value);
    void keep_real(const Key& key, std::optional<double> value, bool bare = false);
    [[nodiscard]] bool is_highest(const Key& key, double value);
    void keep_share(const Key& key, std::optional<double> value);
    void keep_clock(const Key& key, std::string_view value);
    void keep_in_extra(const Key& key, std::string_view value);
    void keep_serial(const Key& key, std::string_view value);
    void keep_device(const Key& key, std::string_view value);
    void keep_spelled(const Key& key, std::string_view value, std::span<char> spelling);
    void set_aside(const Key& key, double value);
    // Returns whether the column has taken the text.
    bool keep_text(const Key& key, std::string_view value);
    void bad_value(const Key& key);
    void implausible(const Key& key, bool too_low);

    void drop(Column column) { kept_mask_ &= ~bit(column); }
    [[nodiscard]] Kept& kept(Column column) { return kept_[index(column)]; }
    void weigh(Column total, Column free, const std::optional<Kept>& in_use);
    void take_channel();
    void take_clock();
    void check_serial();
    void settle_voltage();
    void write();

    void warn(Warning warning, const Key& key);
    void warn(std::string_view warning);
    [[nodiscard]] std::string_view warnings() const { return {warnings_.data(), warnings_used_}; }

    Dictionary dictionary_;
    UnknownKeys unknown_keys_;
    Columns* row_ = nullptr;
    uint64_t kept_mask_ = 0;  // One bit for each column that has a value.
    std::array<Kept, columns_count> kept_{};
    std::optional<Kept> memory_in_use_;
    std::optional<Kept> disk_in_use_;
    // The date and the time of day of a clock that came as two values, and the key of the date.
    std::optional<int64_t> day_;
    std::optional<int64_t> second_of_day_;
    Key day_key_;
    double mean_sum_ = 0;
    size_t mean_count_ = 0;
    // Identities in their normalized spelling, in which they are stored.
    std::array<char, bytes_max(Column::serial_number)> serial_spelled_;
    std::array<char, bytes_max(Column::site_id)> device_spelled_;
    std::string_view channel_;  // The channel in a version number, as in "7.17 (stable)".
    Seen seen_{};
    uint64_t sent_mask_ = 0;  // One bit for each column for which a value was sent.
    bool named_out_of_band_ = false;
    size_t known_keys_ = 0;
    int64_t now_us_ = 0;
    Shape shape_;
    Extra extra_;
    uint32_t warning_bits_ = 0;
    size_t warnings_used_ = 0;
    std::array<char, bytes_max(Column::warnings)> warnings_;
};

}  // namespace rollcall
