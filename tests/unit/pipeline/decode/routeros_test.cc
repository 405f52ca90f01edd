#include "pipeline/decode/routeros.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/random.h"

namespace values = rollcall::routeros;

namespace {

template <class Number>
std::string shown(std::optional<Number> number) {
    return number ? fmt::format("{}", *number) : "nothing";
}

struct Example {
    std::string text;
    std::string meaning;
};

// Writes a duration such as "1w2d3h", without zeros. If clock_face is true, hours, minutes and
// seconds are written like the time of a clock.
std::string with_letters(int64_t seconds, bool clock_face) {
    std::string text;
    const auto part = [&](int64_t unit, char letter) {
        if (seconds >= unit) text += fmt::format("{}{}", seconds / unit, letter);
        seconds %= unit;
    };
    part(604800, 'w');
    part(86400, 'd');
    if (clock_face)
        return text +
               fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    part(3600, 'h');
    part(60, 'm');
    part(1, 's');
    return text;
}

std::string as_date(int64_t seconds) {
    const auto day = std::chrono::sys_days(std::chrono::days(seconds / 86400));
    const std::chrono::year_month_day date(day);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decode_routeros)

BOOST_AUTO_TEST_CASE(durations_are_read_in_the_forms_that_routers_write) {
    const std::vector<Example> examples = {
        {"1w2d03:04:05", "788645"},
        {"6d23h19m23s", "602363"},
        {"00:05:10", "310"},
        {"4d22:16:08", "425768"},
        {"15m54s", "954"},
        {"0s", "0"},
        {"1d", "86400"},
        {"3w", "1814400"},
        {"86400", "86400"},
        {"86400.000000", "86400"},
        {"1d10s", "86410"},
        {"1970-01-10 03:04:05", "788645"},
        {"100:00:00", "360000"},
        {"1d 02:03:04", "93784"},
        {"1w2d03:04:05.25", "788645"},
        {"3d4h5m6.5s", "273906"},
        {"jan/02/1970 00:00:01", "86401"},
        {"", "nothing"},
        {"-00:00:05", "nothing"},
        {"-5", "nothing"},
        {"00:60:00", "nothing"},
        {"1:2:3", "nothing"},
        {"00:05", "nothing"},
        {"1d2w", "nothing"},
        {"1h1h", "nothing"},
        {"1h02:03:04", "nothing"},
        {"5x", "nothing"},
        {"3d4.5h", "nothing"},
        {"6.s", "nothing"},
        {"d", "nothing"},
        {"1w2d03:04:05 ", "nothing"},
        {"$uptime", "nothing"},
        {"99999999999999w", "nothing"},
    };
    for (const auto& [text, meaning] : examples)
        BOOST_TEST(shown(values::duration(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(a_duration_in_any_spelling_is_the_same_number) {
    rollcall::Random random("a_duration_in_any_spelling_is_the_same_number");
    for (int i = 0; i < 20000; ++i) {
        const auto seconds = static_cast<int64_t>(1 + random.below(630720000));
        for (const std::string& text :
             {fmt::format("{}", seconds), fmt::format("{}.000000", seconds),
              with_letters(seconds, true), with_letters(seconds, false), as_date(seconds)})
            BOOST_REQUIRE_MESSAGE(values::duration(text) == seconds, text);
    }
}

BOOST_AUTO_TEST_CASE(sizes_are_binary_and_rounded_half_up) {
    const std::vector<Example> examples = {
        {"1073741824", "1073741824"},
        {"64MiB", "67108864"},
        {"14.9GiB", "15998753178"},
        {"101.9 MiB", "106849894"},
        {"2TiB", "2199023255552"},
        {"512B", "512"},
        {"1K", "1024"},
        {"1.5B", "2"},
        {"9223372036854775807", "9223372036854775807"},
        {"-1", "-1"},
        {"64mib", "nothing"},
        {"64 apples", "nothing"},
        {"MiB", "nothing"},
        {"1e999", "nothing"},
        {"inf", "nothing"},
        {"9223372036854775808", "nothing"},
    };
    for (const auto& [text, meaning] : examples)
        BOOST_TEST(shown(values::bytes(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(a_size_in_any_spelling_is_the_same_number) {
    rollcall::Random random("a_size_in_any_spelling_is_the_same_number");
    for (int i = 0; i < 20000; ++i) {
        const auto power = random.below(4);
        const std::string_view letter = std::vector<std::string_view>{"K", "M", "G", "T"}[power];
        const auto unit = int64_t{1} << (10 * (power + 1));
        const auto tenths = static_cast<int64_t>(random.below(10000));
        const int64_t bytes = (tenths * unit + 5) / 10;
        for (const std::string& text :
             {fmt::format("{}", bytes), fmt::format("{}.000000", bytes), fmt::format("{}B", bytes),
              fmt::format("{}.{}{}iB", tenths / 10, tenths % 10, letter),
              fmt::format("{}.{} {}iB", tenths / 10, tenths % 10, letter)})
            BOOST_REQUIRE_MESSAGE(values::bytes(text) == bytes, text << " is not " << bytes);
    }
}

BOOST_AUTO_TEST_CASE(frequencies_are_megahertz) {
    for (const auto& [text, meaning] : std::vector<Example>{{"1400", "1400"},
                                                            {"1400MHz", "1400"},
                                                            {"1.4GHz", "1400"},
                                                            {"716.8MHz", "717"},
                                                            {"1400KHz", "nothing"}})
        BOOST_TEST(shown(values::frequency(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(counts_are_exact_beyond_what_a_double_holds) {
    for (const auto& [text, meaning] :
         std::vector<Example>{{"4", "4"},
                              {"4.000000", "4"},
                              {"4.5", "5"},
                              {"9007199254740993", "9007199254740993"},
                              {"9223372036854775807", "9223372036854775807"},
                              {"4 cores", "nothing"},
                              {"0x10", "nothing"},
                              {"", "nothing"}})
        BOOST_TEST(shown(values::count(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(percents_may_carry_their_sign) {
    for (const auto& [text, meaning] : std::vector<Example>{{"7", "7"},
                                                            {"7%", "7"},
                                                            {"0.2", "0.2"},
                                                            {"4.000000", "4"},
                                                            {"7%%", "nothing"},
                                                            {"%", "nothing"}})
        BOOST_TEST(shown(values::percent(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(decimals_may_carry_the_unit_that_routers_print) {
    for (const auto& [text, meaning] : std::vector<Example>{{"24.1", "24.1"},
                                                            {"-57", "-57"},
                                                            {"24.1V", "24.1"},
                                                            {"43C", "43"},
                                                            {"43 \u00B0C", "43"},
                                                            {"31.799999 m", "31.799999"},
                                                            {"50.8W", "50.8"},
                                                            {"fail", "nothing"},
                                                            {"24.1 volts", "nothing"},
                                                            {"nan", "nothing"},
                                                            {"-", "nothing"},
                                                            {".5", "nothing"}})
        BOOST_TEST(shown(values::decimal(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(signals_are_decibels_at_a_rate_or_without) {
    for (const auto& [text, meaning] : std::vector<Example>{{"-57dBm@6Mbps", "-57"},
                                                            {"-61", "-61"},
                                                            {"-97dBm", "-97"},
                                                            {"-9dB", "-9"},
                                                            {"-9 dB", "-9"},
                                                            {"-57V", "nothing"},
                                                            {"@6Mbps", "nothing"}})
        BOOST_TEST(shown(values::signal(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(a_version_is_a_number_and_a_channel) {
    const auto split = [](std::string_view text) {
        const auto version = values::version(text);
        return version ? fmt::format("{}|{}", version->number, version->channel) : "nothing";
    };
    for (const auto& [text, meaning] :
         std::vector<Example>{{"7.17 (stable)", "7.17|stable"},
                              {"7.16", "7.16|"},
                              {"6.49.17 (long-term)", "6.49.17|long-term"},
                              {"7.22rc1 (testing)", "7.22rc1|testing"},
                              {"7.17(stable", "7.17|"},
                              {"7.17 beta", "7.17|"},
                              {std::string("7.17 (sta\0ble)", 14), "nothing"},
                              {"RouterOS 7.16.2 (stable)", "7.16.2|stable"},
                              {"v7.1", "7.1|"},
                              {"RouterOS v7.1", "7.1|"},
                              {"RouterOS", "nothing"},
                              {"$version", "nothing"},
                              {"stable", "nothing"},
                              {"12:30", "nothing"},
                              {"", "nothing"}})
        BOOST_TEST(split(text) == meaning, text);
}

BOOST_AUTO_TEST_CASE(addresses_lose_their_prefix_length_and_nothing_else_is_one) {
    for (const auto& [text, meaning] :
         std::vector<Example>{{"100.72.14.9", "100.72.14.9"},
                              {"192.0.2.10/24", "192.0.2.10"},
                              {"2001:db8:42::1/64", "2001:db8:42::1"},
                              {"0.0.0.0", "0.0.0.0"},
                              {"255.255.255.255/32", "255.255.255.255"},
                              {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
                              {"256.1.1.1", "nothing"},
                              {"10.1.1", "nothing"},
                              {"10.1.1.1.1", "nothing"},
                              {"10.1.1.", "nothing"},
                              {"10.01.1.1", "nothing"},
                              {"10.1.1.1000", "nothing"},
                              {" 10.1.1.1", "nothing"},
                              {"example.net", "nothing"},
                              {"", "nothing"},
                              {std::string(100, '1'), "nothing"}})
        BOOST_TEST(shown(values::address(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(clocks_are_read_in_old_and_new_spelling) {
    const std::vector<Example> examples = {
        {"1970-01-02 00:01:08", "86468000000"},
        {"2026-10-09 10:00:00", "1791540000000000"},
        {"2026-10-09T10:00:00Z", "1791540000000000"},
        {"2026-10-09T12:00:00+02:00", "1791540000000000"},
        {"2026-10-09T10:00:00.25Z", "1791540000000000"},
        {"oct/09/2026 10:00:00", "1791540000000000"},
        {"Oct/09/2026 10:00:00", "1791540000000000"},
        {"1791540000", "1791540000000000"},
        {"1791540000000", "1791540000000000"},
        {"1791540000000000", "1791540000000000"},
        {"2026-02-30 10:00:00", "nothing"},
        {"2026-10-09 24:00:00", "nothing"},
        {"2026-10-09", "nothing"},
        {"foo/09/2026 10:00:00", "nothing"},
        {"10:00:00", "nothing"},
        {"9223372036854775807", "nothing"},
        {"-9223372036854775808", "nothing"},
    };
    for (const auto& [text, meaning] : examples)
        BOOST_TEST(shown(values::clock(text)) == meaning, text);
}

BOOST_AUTO_TEST_CASE(absent_is_written_in_four_ways) {
    for (const std::string_view text : {"", "null", "none", "nil"})
        BOOST_TEST(values::missing(text), text);
    for (const std::string_view text : {"0", "nothing", "$var"})
        BOOST_TEST(!values::missing(text), text);
}

BOOST_AUTO_TEST_CASE(halves_are_rounded_up_and_large_numbers_left_alone) {
    BOOST_TEST(values::rounded(2.5).value() == 3);
    BOOST_TEST(values::rounded(-2.5).value() == -2);
    BOOST_TEST(values::rounded(0.49999999999999994).value() == 0);
    for (const int64_t number : {4503599627370497, 4976020843954067, 9007199254740991})
        BOOST_TEST(values::rounded(static_cast<double>(number)).value() == number);
    BOOST_TEST(!values::rounded(0x1p63).has_value());
    BOOST_TEST(values::count("4976020843954067.000000").value() == 4976020843954067);
}

BOOST_AUTO_TEST_CASE(values_of_other_menus_and_agents_are_read_too) {
    for (const Example& example : std::vector<Example>{{"9s210ms", "9"},
                                                       {"1h38m9s210ms", "5889"},
                                                       {"210ms", "0"},
                                                       {"5m3us", "300"},
                                                       {"1ms2s", "nothing"},
                                                       {"3 days, 14 hours", "nothing"}})
        BOOST_TEST(shown(values::duration(example.text)) == example.meaning, example.text);
    for (const Example& example : std::vector<Example>{{"64 mb", "67108864"},
                                                       {"512kB", "524288"},
                                                       {"14,9GiB", "15998753178"},
                                                       {"1.5gb", "1610612736"},
                                                       {"1024 bytes", "1024"},
                                                       {"64 furlongs", "nothing"}})
        BOOST_TEST(shown(values::bytes(example.text)) == example.meaning, example.text);
    for (const Example& example : std::vector<Example>{
             {"24,1", "24.1"}, {"24,1V", "24.1"}, {"-3,5", "-3.5"}, {"1,234", "nothing"}})
        BOOST_TEST(shown(values::decimal(example.text)) == example.meaning, example.text);
    BOOST_TEST(shown(values::bare_number("12.5")) == "12.5");
    BOOST_TEST(shown(values::bare_number("12.5V")) == "nothing");
}

BOOST_AUTO_TEST_CASE(coordinates_are_read_in_degrees_minutes_and_seconds) {
    for (const auto& [text, degrees] :
         std::vector<std::pair<std::string, double>>{{"N 56 56' 53.207''", 56.9481131},
                                                     {"S 56 56' 53.207''", -56.9481131},
                                                     {"E 24 6' 22.360\"", 24.1062111},
                                                     {"24 6' 22.360\" W", -24.1062111},
                                                     {"N 56 56.88678'", 56.948113},
                                                     {"56°56′53.207″N", 56.9481131},
                                                     {"56.9481131N", 56.9481131},
                                                     {"W 0 30'", -0.5}}) {
        const auto read = values::degrees(text);
        BOOST_REQUIRE_MESSAGE(read, text);
        BOOST_TEST(std::abs(*read - degrees) < 1e-6, text);
    }
    for (const std::string_view text : {"", "N", "none", "N 56 61'", "1 2 3 4", "N 5 6 7 8", "5"})
        BOOST_TEST(!values::degrees(text), text);
}

BOOST_AUTO_TEST_CASE(an_address_is_read_without_what_surrounds_it) {
    for (const auto& [text, address] : std::vector<std::pair<std::string, std::string>>{
             {"2001:db8:7::9%pppoe-out1", "2001:db8:7::9"},
             {"10.0.0.1%ether1", "10.0.0.1"},
             {"203.0.113.9/24;198.51.100.3/29", "203.0.113.9"},
             {"203.0.113.9/24%wan", "203.0.113.9"},
             {"203.0.113.9, 198.51.100.3", "203.0.113.9"}})
        BOOST_TEST(std::string(values::address(text).value_or("nothing")) == address, text);
    BOOST_TEST(!values::address("%ether1"));
}

BOOST_AUTO_TEST_CASE(a_clock_may_be_nanoseconds_or_weeks_or_two_halves) {
    BOOST_TEST(shown(values::clock("1795860000000000000")) == "1795860000000000");
    BOOST_TEST(shown(values::clock("2969w2d10:00:00")) == "1795860000000000");
    BOOST_TEST(shown(values::clock("1w2d10:00:00")) == "nothing");  // An uptime.
    BOOST_TEST(shown(values::calendar_day("nov/28/2026")) == "20785");
    BOOST_TEST(shown(values::calendar_day("2026-11-28")) == "20785");
    BOOST_TEST(shown(values::calendar_day("2026-11-28 10:00:00")) == "nothing");
    BOOST_TEST(shown(values::time_of_day("21:40:11")) == "78011");
    BOOST_TEST(shown(values::time_of_day("24:00:00")) == "nothing");
}

BOOST_AUTO_TEST_CASE(a_channel_may_stand_without_parentheses) {
    BOOST_TEST(values::version("7.16.2 stable")->channel == "stable");
    BOOST_TEST(values::version("7.16.2 (Nov 2026)")->channel == "Nov 2026");
    BOOST_TEST(values::version("7.16.2 something")->channel == "");
}

BOOST_AUTO_TEST_SUITE_END()
