#include "pipeline/decode/fields.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/report.h"

using namespace rollcall;

namespace {

// One row whose fields the test adds one by one.
class Row {
public:
    Row() : rows_(1, 65536) { fields_.begin(rows_); }

    Row& text(std::string_view key, std::string_view value) {
        fields_.text(known(key), value);
        return *this;
    }
    Row& integer(std::string_view key, int64_t value) {
        fields_.integer(known(key), value);
        return *this;
    }
    Row& real(std::string_view key, double value) {
        fields_.real(known(key), value);
        return *this;
    }
    Row& literal(std::string_view key, std::string_view lexeme) {
        fields_.literal(known(key), lexeme);
        return *this;
    }
    Row& warn(Warning warning) {
        fields_.warn(warning);
        return *this;
    }

    // Returns a column as text: "24.1", "NULL". The first call finishes the row.
    std::string operator[](Column column) {
        finish();
        return shown(rows_, 0, column);
    }
    std::string warnings() {
        finish();
        BOOST_TEST(shown(rows_, 0, Column::warnings) == (warnings_.empty() ? "NULL" : warnings_));
        return warnings_;
    }
    uint32_t warning_bits() {
        finish();
        return fields_.warning_bits();
    }

private:
    static Key known(std::string_view sent) {
        const Key key = find_key(sent);
        BOOST_REQUIRE_MESSAGE(key, sent);
        return key;
    }
    void finish() {
        if (rows_.rows() > 0) return;
        warnings_ = fields_.finish();
        rows_.commit_row();
        ensure_sound(rows_, 0);
    }

    Columns rows_;
    Fields fields_;
    std::string warnings_;
};

constexpr uint32_t bit(Warning warning) { return uint32_t{1} << static_cast<unsigned>(warning); }

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_fields)

BOOST_AUTO_TEST_CASE(a_value_is_read_as_its_column_says_whether_text_or_number) {
    Row text;
    text.text("cpu-load", "7%").text("uptime", "1d").text("voltage", "24.1V");
    text.text("bad-blocks", "0.2").text("time", "2026-10-09 10:00:00");
    BOOST_TEST(text[Column::cpu_load] == "7");
    BOOST_TEST(text[Column::uptime_s] == "86400");
    BOOST_TEST(text[Column::voltage_v] == "24.1");
    BOOST_TEST(text[Column::bad_blocks_pct] == "0.2");
    BOOST_TEST(text[Column::reported_at] == "1791540000000000");

    Row number;
    number.integer("cpu-load", 7).real("uptime", 86400.0).real("voltage", 24.1);
    number.integer("bad-blocks", 1).integer("time", 1791540000);
    BOOST_TEST(number[Column::cpu_load] == "7");
    BOOST_TEST(number[Column::uptime_s] == "86400");
    BOOST_TEST(number[Column::voltage_v] == "24.1");
    BOOST_TEST(number[Column::bad_blocks_pct] == "1");
    BOOST_TEST(number[Column::reported_at] == "1791540000000000");
    BOOST_TEST(number.warnings() == "");
}

BOOST_AUTO_TEST_CASE(whole_numbers_stay_exact_beyond_what_a_double_holds) {
    BOOST_TEST(Row().integer("seq", 9007199254740993)[Column::seq] == "9007199254740993");
    BOOST_TEST(Row().text("seq", "9007199254740993")[Column::seq] == "9007199254740993");
}

BOOST_AUTO_TEST_CASE(absent_is_null_without_a_remark) {
    for (const std::string_view absent : {"", "  ", "null", "none"}) {
        Row row;
        row.text("cpu-load", absent).text("identity", absent).integer("cpu-count", 4);
        BOOST_TEST(row[Column::cpu_load] == "NULL");
        BOOST_TEST(row[Column::identity] == "NULL");
        BOOST_TEST(row.warnings() == "");
    }
}

BOOST_AUTO_TEST_CASE(a_bad_value_costs_its_column_and_names_its_key) {
    Row row;
    row.text("cpuCount", "four").text("identity", "$name").text("version", "$version");
    row.text("wan-ip", "example.net").text("serial", std::string_view("AB\0CD", 5));
    row.text("uptime", "00:05:10");
    BOOST_TEST(row[Column::uptime_s] == "310");
    for (const Column column : {Column::cpu_count, Column::identity, Column::version,
                                Column::wan_ip, Column::serial_number})
        BOOST_TEST(row[column] == "NULL");
    BOOST_TEST(row.warnings() ==
               "bad_value:cpu_count,bad_value:identity,bad_value:version,bad_value:wan_ip,"
               "bad_value:serial");
}

BOOST_AUTO_TEST_CASE(a_dollar_inside_a_name_is_not_a_variable) {
    BOOST_TEST(Row().text("identity", "$5 Wifi")[Column::identity] == "$5 Wifi");
    BOOST_TEST(Row().text("identity", "$")[Column::identity] == "$");
}

BOOST_AUTO_TEST_CASE(what_is_implausible_is_null) {
    Row row;
    row.integer("cpu_load", 900).integer("cpu_count", 0).text("totalMemory", "-1");
    row.text("temperature", "151").real("lte_rssi", 3.0).integer("uptime", -5);
    for (const Column column : {Column::cpu_load, Column::cpu_count, Column::mem_total,
                                Column::temp_c, Column::lte_rssi, Column::uptime_s})
        BOOST_TEST(row[column] == "NULL");
    BOOST_TEST(row.warnings() ==
               "out_of_range:cpu_load,out_of_range:cpu_count,out_of_range:total_memory,"
               "out_of_range:temperature,out_of_range:lte_rssi,bad_value:uptime");
}

BOOST_AUTO_TEST_CASE(an_uptime_of_more_than_twenty_years_is_a_time_of_day) {
    for (const std::string_view uptime : {"2873w5d15:03:13", "1791540000", "2026-10-09 10:00:00"}) {
        Row row;
        row.text("uptime", uptime);
        BOOST_TEST(row[Column::uptime_s] == "NULL", uptime);
        BOOST_TEST(row.warnings() == "uptime_out_of_range", uptime);
    }
    BOOST_TEST(Row().integer("uptime", 630720000)[Column::uptime_s] == "630720000");
}

BOOST_AUTO_TEST_CASE(a_clock_before_2000_is_not_set) {
    Row row;
    row.text("time", "jan/02/1970 00:00:10");
    BOOST_TEST(row[Column::reported_at] == "NULL");
    BOOST_TEST(row.warnings() == "router_clock_unset");
    BOOST_TEST(Row().integer("timestamp", 5).warnings() == "router_clock_unset");
    BOOST_TEST(Row().real("timestamp", 1e18).warnings() == "out_of_range:timestamp");
}

BOOST_AUTO_TEST_CASE(voltage_without_a_unit_may_be_in_tenths) {
    BOOST_TEST(Row().text("voltage", "241")[Column::voltage_v] == "24.1");
    BOOST_TEST(Row().integer("voltage", 241)[Column::voltage_v] == "24.1");
    BOOST_TEST(Row().text("voltage", "24")[Column::voltage_v] == "24");
    BOOST_TEST(Row().text("voltage", "241V")[Column::voltage_v] == "NULL");
    BOOST_TEST(Row().text("temperature", "120")[Column::temp_c] == "120");
}

BOOST_AUTO_TEST_CASE(more_free_than_there_is_cannot_be_in_either_order) {
    Row row;
    row.integer("free_memory", 200000000).integer("total_memory", 100000000);
    row.integer("total-hdd-space", 10000000).integer("free-hdd-space", 10000001);
    BOOST_TEST(row[Column::mem_total] == "100000000");
    BOOST_TEST(row[Column::mem_free] == "NULL");
    BOOST_TEST(row[Column::disk_free] == "NULL");
    BOOST_TEST(row.warnings() == "out_of_range:free_memory,out_of_range:free_hdd_space");
}

BOOST_AUTO_TEST_CASE(memory_in_use_and_free_make_the_total) {
    constexpr int64_t used = 30'000'000;
    constexpr int64_t free = 12'000'000;
    BOOST_TEST(Row().integer("umem", used).integer("fmem", free)[Column::mem_total] == "42000000");
    BOOST_TEST(Row().integer("fmem", free).integer("umem", used)[Column::mem_total] == "42000000");
    BOOST_TEST(Row().integer("umem", used)[Column::mem_total] == "NULL");
    Row row;
    row.integer("total_memory", 64'000'000).integer("umem", used).integer("fmem", free);
    BOOST_TEST(row[Column::mem_total] == "64000000");
}

BOOST_AUTO_TEST_CASE(the_version_brings_its_channel_unless_that_has_a_key_of_its_own) {
    Row row;
    row.text("version", "7.17 (stable)");
    BOOST_TEST(row[Column::version] == "7.17");
    BOOST_TEST(row[Column::channel] == "stable");
    Row own;
    own.text("channel", "testing").text("version", "7.17 (stable)");
    BOOST_TEST(own[Column::channel] == "testing");
    BOOST_TEST(Row().text("version", "7.17")[Column::channel] == "NULL");
}

BOOST_AUTO_TEST_CASE(of_a_key_that_comes_twice_the_last_value_counts) {
    Row row;
    row.integer("cpu_load", 5).integer("cpu-load", 95).integer("cpuCount", 4);
    BOOST_TEST(row[Column::cpu_load] == "95");
    BOOST_TEST(row.warnings() == "duplicate_key:cpu_load");
    BOOST_TEST(Row().text("identity", "a").text("identity", "")[Column::identity] == "NULL");
    BOOST_TEST(Row().text("identity", "a").text("identity", "$b")[Column::identity] == "NULL");
    BOOST_TEST(Row().text("identity", "").text("identity", "b")[Column::identity] == "b");
}

BOOST_AUTO_TEST_CASE(of_two_keys_of_a_column_the_better_one_wins_in_either_order) {
    for (const bool better_first : {true, false}) {
        Row row;
        if (better_first) row.text("identity", "better");
        row.text("name", "worse");
        if (!better_first) row.text("identity", "better");
        BOOST_TEST(row[Column::identity] == "better");
        BOOST_TEST(row.warnings() == "no_metrics");
    }
}

BOOST_AUTO_TEST_CASE(a_better_key_without_a_good_value_does_not_win) {
    BOOST_TEST(Row().text("name", "a").text("identity", "")[Column::identity] == "a");
    BOOST_TEST(Row().text("identity", "$name").text("name", "a")[Column::identity] == "a");
}

BOOST_AUTO_TEST_CASE(a_key_that_means_other_things_too_is_not_held_to_ours) {
    Row row;
    row.text("cpu", "ARM 32-bit").text("time", "10:00:00").text("cpu-count", "4");
    BOOST_TEST(row[Column::cpu_load] == "NULL");
    BOOST_TEST(row.warnings() == "");
    BOOST_TEST(Row().text("cpu", "13")[Column::cpu_load] == "13");
}

BOOST_AUTO_TEST_CASE(a_number_that_is_kept_as_text_keeps_its_characters) {
    BOOST_TEST(Row().literal("version", "7.20")[Column::version] == "7.20");
    BOOST_TEST(Row().literal("version", "7.200000")[Column::version] == "7.2");
    BOOST_TEST(Row().literal("version", "7.000000")[Column::version] == "7");
    BOOST_TEST(Row().literal("identity", "1e5")[Column::identity] == "1e5");
    Row serial;
    serial.literal("serial", "12345.000000");
    BOOST_TEST(serial[Column::serial_number] == "12345");
    BOOST_TEST(serial.warnings() == "serial_from_number,no_metrics");
}

BOOST_AUTO_TEST_CASE(a_text_is_cut_between_characters) {
    Row row;
    const std::string name = std::string(254, 'n') + "é";
    row.text("identity", name).text("uptime", "1d");
    BOOST_TEST(row[Column::identity] == name.substr(0, 254));
    BOOST_TEST(row.warnings() == "value_truncated:identity");
}

BOOST_AUTO_TEST_CASE(texts_that_come_again_and_again_need_no_more_room) {
    const std::string name(255, 'n');
    Row row;
    for (int i = 0; i < 1000; ++i) row.text("identity", name);
    BOOST_TEST(row[Column::identity] == name);
}

BOOST_AUTO_TEST_CASE(names_alone_are_no_metrics) {
    BOOST_TEST(Row().text("identity", "a").text("serial", "b").text("cpu-count", "").warnings() ==
               "no_metrics");
    BOOST_TEST(Row().warnings() == "no_metrics");
    BOOST_TEST(Row().text("version", "7.1").warnings() == "");
    // The report has a metric whose value is not usable, so there must be a warning.
    BOOST_TEST(Row().text("uptime", "$uptime").warnings() == "bad_value:uptime");
    BOOST_TEST(Row().warn(Warning::empty_body).warnings() == "empty_body");
}

BOOST_AUTO_TEST_CASE(a_remark_is_made_once_and_counted_by_kind) {
    Row row;
    row.warn(Warning::utf8_bom).warn(Warning::utf8_bom);
    row.integer("cpu_load", 900).integer("cpu_load", 901).integer("cpu_count", 0);
    BOOST_TEST(row.warnings() ==
               "utf8_bom,out_of_range:cpu_load,duplicate_key:cpu_load,out_of_range:cpu_count");
    BOOST_TEST(row.warning_bits() ==
               (bit(Warning::utf8_bom) | bit(Warning::out_of_range) | bit(Warning::duplicate_key)));
}

BOOST_AUTO_TEST_CASE(warnings_that_do_not_fit_are_counted_all_the_same) {
    Row row;
    for (size_t column = 0; column < columns_count; ++column) {
        const std::string_view keys = columns_table[column].keys;
        if (keys.empty() || static_cast<Column>(column) == Column::site_id) continue;
        const auto key = keys.substr(0, keys.find_first_of(" ?~+,=^%#"));
        row.text(key, "$var");
    }
    row.warn(Warning::charset_cp1252);
    const std::string warnings = row.warnings();
    BOOST_TEST(warnings.size() <= 512);
    BOOST_TEST(warnings.size() > 480);
    BOOST_TEST(warnings.find("charset_cp1252") == warnings.npos);
    BOOST_TEST(row.warning_bits() == (bit(Warning::bad_value) | bit(Warning::charset_cp1252)));
}

BOOST_AUTO_TEST_CASE(a_key_in_a_remark_is_short_and_plain) {
    BOOST_TEST(Row().integer("CPU:Load", 900).warnings() == "out_of_range:cpu_load");
    BOOST_TEST(Row().integer("totalHddSpace", -1).warnings() == "out_of_range:total_hdd_space");
    BOOST_TEST(Row().integer("c-----------------------------------------puload", 900).warnings() ==
               "out_of_range:c_______________________________");
}

BOOST_AUTO_TEST_CASE(nothing_of_a_report_is_left_in_the_next) {
    Columns rows(2, 65536);
    Fields fields;
    fields.begin(rows);
    fields.text(find_key("identity"), "first");
    fields.integer(find_key("cpu_load"), 900);
    BOOST_TEST(fields.finish() == "out_of_range:cpu_load");
    rows.commit_row();
    fields.begin(rows);
    fields.integer(find_key("cpu_load"), 9);
    BOOST_TEST(fields.finish() == "");
    BOOST_TEST(fields.warning_bits() == 0);
    rows.commit_row();
    BOOST_TEST(shown(rows, 1, Column::identity) == "NULL");
    BOOST_TEST(shown(rows, 1, Column::cpu_load) == "9");
}

BOOST_AUTO_TEST_CASE(a_placeholder_is_no_identity) {
    for (const std::string_view serial :
         {"unknown", "N/A", "--", "0", "RB951Ui-2HnD", "Kwik Shop 2", "a,b=c"}) {
        Row row;
        row.text("serial-number", serial).text("uptime", "1d");
        BOOST_TEST(row[Column::serial_number] == "NULL", serial);
        BOOST_TEST(row.warnings() == "not_an_identity:serial_number", serial);
    }
    Row licence;
    licence.text("system-id", "unknown").text("uptime", "1d");
    BOOST_TEST(licence[Column::system_id] == "NULL");
    BOOST_TEST(licence.warnings() == "not_an_identity:system_id");
    Row next;
    // The value of the first key is no serial number, so the value of the second key is used.
    next.text("serial-number", "unknown").text("sn", "HF609BYEWH9");
    BOOST_TEST(next[Column::serial_number] == "HF609BYEWH9");
    Row repeated;
    repeated.text("serial", "HF609BYEWH9").text("serial", "a;b").text("uptime", "1d");
    BOOST_TEST(repeated[Column::serial_number] == "HF609BYEWH9");
}

BOOST_AUTO_TEST_CASE(a_serial_number_that_repeats_another_name_is_none) {
    for (const bool serial_first : {true, false}) {
        Row row;
        if (serial_first) row.text("serial", "Core-1");
        row.text("identity", "core-1").text("uptime", "1d");
        if (!serial_first) row.text("serial", "Core-1");
        BOOST_TEST(row[Column::serial_number] == "NULL");
        BOOST_TEST(row.warnings() == "not_an_identity:serial");
    }
    // Some owners name routers after their serial numbers, so the serial number and the identity
    // may be equal.
    BOOST_TEST(Row()
                   .text("serial", "HF609BYEWH9")
                   .text("identity", "HF609BYEWH9")[Column::serial_number] == "HF609BYEWH9");
}

BOOST_AUTO_TEST_CASE(serial_numbers_are_one_in_either_case) {
    BOOST_TEST(Row().text("serial", "hf609byewh9")[Column::serial_number] == "HF609BYEWH9");
    BOOST_TEST(Row().text("serial", "ac7c0b1d2e3f/r2")[Column::serial_number] == "AC7C0B1D2E3F/R2");
    BOOST_TEST(Row().text("id", "Kwik Shop 2").text("uptime", "1d").warnings() == "");
}

BOOST_AUTO_TEST_CASE(a_voltage_is_in_the_unit_of_its_version) {
    struct Example {
        std::string_view version;
        int64_t sent;
        std::string_view volts;
        std::string_view warnings;
    };
    for (const auto& [version, sent, volts, warnings] :
         std::initializer_list<Example>{{"6.49.10", 49, "4.9", ""},
                                        {"6.49.10", 96, "9.6", ""},
                                        {"6.49.10", 241, "24.1", ""},
                                        {"6.49.10", 24, "24", "unit_guessed:voltage"},
                                        {"6.49.10", 0, "0", ""},
                                        {"7.16", 48, "48", ""},
                                        {"7.16", 241, "24.1", "unit_guessed:voltage"},
                                        {"", 241, "24.1", ""},
                                        {"", 48, "48", ""}})
        for (const bool version_first : {true, false}) {
            Row row;
            if (version_first) row.text("version", version);
            row.integer("voltage", sent).integer("cpu_load", 1);
            if (!version_first) row.text("version", version);
            BOOST_TEST(row[Column::voltage_v] == volts, version << ' ' << sent);
            BOOST_TEST(row.warnings() == warnings, version << ' ' << sent);
        }
    BOOST_TEST(Row().text("version", "6.49").text("voltage", "24.1")[Column::voltage_v] == "24.1");
    BOOST_TEST(Row().text("version", "6.49").text("voltage", "24V")[Column::voltage_v] == "24");
    BOOST_TEST(Row().integer("voltage", 1001).warnings() == "out_of_range:voltage");
}

BOOST_AUTO_TEST_CASE(of_several_readings_the_highest_counts_and_the_others_are_kept) {
    for (const bool dead_first : {true, false}) {
        Row row;
        if (dead_first) row.real("psu1-voltage", 0);
        row.real("psu2-voltage", 12.1);
        if (!dead_first) row.real("psu1-voltage", 0);
        BOOST_TEST(row[Column::voltage_v] == "12.1");
        BOOST_TEST(row[Column::extra] == R"({"psu1-voltage":0})");
    }
    Row row;
    row.integer("board-temperature1", 29).integer("board-temperature2", 41);
    BOOST_TEST(row[Column::temp_c] == "41");
    BOOST_TEST(row[Column::extra] == R"({"board-temperature1":29})");
}

BOOST_AUTO_TEST_CASE(what_is_too_small_or_too_far_ahead_is_implausible) {
    Row row;
    row.integer("total_memory", 256).integer("free_memory", 182).integer("totalhddspace", 16);
    for (const Column column : {Column::mem_total, Column::mem_free, Column::disk_total})
        BOOST_TEST(row[column] == "NULL");
    BOOST_TEST(row.warnings() ==
               "out_of_range:total_memory,out_of_range:free_memory,out_of_range:totalhddspace");
    constexpr int64_t now_us = 1'795'860'000'000'000;
    constexpr int64_t day_s = 86400;
    for (const auto& [ahead_s, kept] :
         {std::pair(-1000 * day_s, true), std::pair(day_s, true), std::pair(day_s + 1, false),
          std::pair(4000 * day_s, false)}) {
        Columns rows(1, 65536);
        Fields fields;
        fields.begin(rows, now_us);
        fields.integer(find_key("timestamp"), now_us / 1'000'000 + ahead_s);
        BOOST_TEST(fields.has(Column::reported_at) == kept, ahead_s);
        BOOST_TEST(fields.finish() == (kept ? "" : "out_of_range:timestamp"), ahead_s);
    }
}

BOOST_AUTO_TEST_CASE(a_share_is_percent_or_the_part_in_use) {
    BOOST_TEST(Row().integer("memory_usage", 45)[Column::mem_used_pct] == "45");
    Row row;
    row.integer("total_memory", 67108864).integer("memory_usage", 40894464);
    BOOST_TEST(row[Column::mem_used_pct] == "NULL");
    BOOST_TEST(row[Column::mem_free] == "26214400");
    BOOST_TEST(
        Row().text("memory_usage", "39MiB").text("total_memory", "64MiB")[Column::mem_free] ==
        "26214400");
}

BOOST_AUTO_TEST_CASE(date_and_time_are_halves_of_one_clock) {
    for (const bool date_first : {true, false}) {
        Row row;
        if (date_first) row.text("date", "nov/28/2026");
        row.text("time", "21:40:11");
        if (!date_first) row.text("date", "nov/28/2026");
        BOOST_TEST(row[Column::reported_at] == "1795902011000000");
    }
    BOOST_TEST(Row().text("date", "2026-11-28").text("uptime", "1d")[Column::reported_at] ==
               "NULL");
    BOOST_TEST(Row().text("date", "jan/02/1970").text("time", "00:01:08").warnings() ==
               "router_clock_unset");
}

BOOST_AUTO_TEST_CASE(a_unit_of_the_value_is_stronger_than_that_of_its_key) {
    BOOST_TEST(Row().integer("mem_free_mb", 182)[Column::mem_free] == "190840832");
    BOOST_TEST(Row().text("mem_free_mb", "182")[Column::mem_free] == "190840832");
    BOOST_TEST(Row().text("mem_free_mb", "182MiB")[Column::mem_free] == "190840832");
    BOOST_TEST(Row().integer("uptime_ms", 86400000)[Column::uptime_s] == "86400");
    BOOST_TEST(Row().text("uptime_ms", "1d")[Column::uptime_s] == "86400");
}

BOOST_AUTO_TEST_SUITE_END()
