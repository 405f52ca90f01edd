// RouterOS values: converts the texts that routers write for numbers to numbers in base units.
//
// Each function takes the whole text of a value, trimmed, and returns nothing if the text does not
// have the expected format. columns.def decides which values are plausible.
//
// Source of the formats: RouterOS manual, "Scripting" (time, :serialize), and the print styles of
// the console.
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rollcall::routeros {

// Returns a duration in seconds, never negative. Accepts "1w2d03:04:05", "1d 03:04:05",
// "6d23h19m23s", "00:05:10", "15m54.5s", "9s210ms", "86400", "86400.0", and "1970-01-10 03:04:05",
// which is a duration that :serialize wrote as a date.
[[nodiscard]] std::optional<int64_t> duration(std::string_view text);

// Returns bytes. Accepts "1073741824", "64MiB", "14.9GiB", "101.9 MiB" and "14,9 gb". All units are
// binary; halves are rounded up.
[[nodiscard]] std::optional<int64_t> bytes(std::string_view text);

// Returns percent. Accepts "7", "7%", "0.2" and "4.000000".
[[nodiscard]] std::optional<double> percent(std::string_view text);

// Returns MHz, halves rounded up. Accepts "1400", "1400MHz" and "1.4GHz".
[[nodiscard]] std::optional<int64_t> frequency(std::string_view text);

// Returns a whole number, exact up to 2^63-1; halves of a fraction are rounded up. Accepts "4" and
// "4.000000".
[[nodiscard]] std::optional<int64_t> count(std::string_view text);

// Returns a number. Accepts a unit after it, because RouterOS sometimes appends one: "24.1",
// "24,1", "-57", "24.1V", "43C", "31.799999 m".
[[nodiscard]] std::optional<double> decimal(std::string_view text);

// Returns a number. Accepts nothing before or after it.
[[nodiscard]] std::optional<double> bare_number(std::string_view text);

// Returns degrees; south and west are negative. Accepts the formats dd, ddmm and dms of /system
// gps: "56.9481131", "56.9481131N", "N 56 56.88678'", "N 56 56' 53.207\"".
[[nodiscard]] std::optional<double> degrees(std::string_view text);

// Returns dB or dBm. Accepts "-57dBm@6Mbps", "-61" and "-9dB".
[[nodiscard]] std::optional<double> signal(std::string_view text);

// A version and its channel: "7.17 (stable)" and "7.17 stable" are 7.17 and stable, "RouterOS
// v7.17" is 7.17. A version begins with a digit.
struct Version {
    std::string_view number;
    std::string_view channel;  // May be empty.
};
[[nodiscard]] std::optional<Version> version(std::string_view text);

// Returns an IPv4 or IPv6 address without "/64" or "%ether1" after it. If the text has several
// addresses, returns the first one.
[[nodiscard]] std::optional<std::string_view> address(std::string_view text);

// Returns the router's clock in microseconds since 1970. If the text names no time zone, assumes
// UTC. Accepts "2026-10-09 10:00:00", "2026-10-09T10:00:00Z", "jan/02/1970 00:00:10",
// "2969w2d10:00:00" as :timestamp prints it, and a number since 1970 (see micros()).
[[nodiscard]] std::optional<int64_t> clock(std::string_view text);
// These functions read one half of a clock, as /system clock prints it. calendar_day() returns days
// since 1970 for "2026-10-09", and time_of_day() returns seconds for "10:00:00".
[[nodiscard]] std::optional<int64_t> calendar_day(std::string_view text);
[[nodiscard]] std::optional<int64_t> time_of_day(std::string_view text);
// Converts a time since 1970 to microseconds. The unit of the argument is seconds, milliseconds,
// microseconds or nanoseconds; the size of the number determines which.
[[nodiscard]] double micros(double since_1970);

// Returns a whole number, halves rounded up; nothing if the number exceeds the range of int64_t.
[[nodiscard]] std::optional<int64_t> rounded(double number);

// Returns whether this text means in RouterOS that there is no value: "", "null", "none", "nil".
[[nodiscard]] inline bool missing(std::string_view text) {
    constexpr size_t longest = 4;
    return text.size() <= longest &&
           (text.empty() || text == "null" || text == "none" || text == "nil");
}

}  // namespace rollcall::routeros
