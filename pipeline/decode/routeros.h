// RouterOS values: the texts that routers write for numbers, as numbers in base units.
//
// Each function takes the whole text of a value, trimmed, and returns nothing if the text does not
// have that form. columns.def decides which values are plausible.
//
// Source of the forms: RouterOS manual, "Scripting" (time, :serialize), and the console's print
// styles.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rollcall::routeros {

// "1w2d03:04:05", "1d 03:04:05", "6d23h19m23s", "00:05:10", "15m54.5s", "9s210ms", "86400",
// "86400.0", and "1970-01-10 03:04:05", a duration that :serialize wrote as a date. Seconds; never
// negative.
[[nodiscard]] std::optional<int64_t> duration(std::string_view text);

// "1073741824", "64MiB", "14.9GiB", "101.9 MiB", "14,9 gb": bytes, binary units, rounded half up.
[[nodiscard]] std::optional<int64_t> bytes(std::string_view text);

// "7", "7%", "0.2", "4.000000": percent.
[[nodiscard]] std::optional<double> percent(std::string_view text);

// "1400", "1400MHz", "1.4GHz": MHz, rounded half up.
[[nodiscard]] std::optional<int64_t> frequency(std::string_view text);

// "4", "4.000000": a whole number, exact up to 2^63-1; a fraction is rounded half up.
[[nodiscard]] std::optional<int64_t> count(std::string_view text);

// "24.1", "24,1", "-57", "24.1V", "43C", "31.799999 m": a number and the unit that RouterOS may put
// behind.
[[nodiscard]] std::optional<double> decimal(std::string_view text);

// A number and nothing else.
[[nodiscard]] std::optional<double> bare_number(std::string_view text);

// "56.9481131", "56.9481131N", "N 56 56.88678'", "N 56 56' 53.207\"": degrees, south and west
// negative. The formats dd, ddmm and dms of /system gps.
[[nodiscard]] std::optional<double> degrees(std::string_view text);

// "-57dBm@6Mbps", "-61", "-9dB": dB or dBm.
[[nodiscard]] std::optional<double> signal(std::string_view text);

// "7.17 (stable)" and "7.17 stable" are 7.17 and stable, "RouterOS v7.17" is 7.17; a version starts
// with a digit.
struct Version {
    std::string_view number;
    std::string_view channel;  // May be empty.
};
[[nodiscard]] std::optional<Version> version(std::string_view text);

// An IPv4 or IPv6 address without its "/64" and its "%ether1". The first one of several.
[[nodiscard]] std::optional<std::string_view> address(std::string_view text);

// The router's clock: "2026-10-09 10:00:00", "2026-10-09T10:00:00Z", "jan/02/1970 00:00:10",
// "2969w2d10:00:00" as :timestamp prints it, or a number since 1970. Microseconds since 1970, as if
// a clock that names no zone were UTC.
[[nodiscard]] std::optional<int64_t> clock(std::string_view text);
// Half of a clock, as /system clock has it: "2026-10-09" in days since 1970, "10:00:00" in seconds.
[[nodiscard]] std::optional<int64_t> calendar_day(std::string_view text);
[[nodiscard]] std::optional<int64_t> time_of_day(std::string_view text);
// A number of seconds, milliseconds, microseconds or nanoseconds since 1970: its size tells which.
[[nodiscard]] double micros(double since_1970);

// A whole number, halves rounded up; nothing if it is past 2^63.
[[nodiscard]] std::optional<int64_t> rounded(double number);

// "", "null", "none", "nil": RouterOS for "there is none".
[[nodiscard]] inline bool missing(std::string_view text) {
    constexpr size_t longest = 4;
    return text.size() <= longest &&
           (text.empty() || text == "null" || text == "none" || text == "nil");
}

}  // namespace rollcall::routeros
