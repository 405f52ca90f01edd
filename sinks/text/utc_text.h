// UTC text: a time as every sink writes it, "2026-10-09 10:00:00.123456".
//
// What the date functions of SQLite read, and what SingleStore and MariaDB take for a DATETIME(6).
//
// Units:   microseconds since 1970, UTC.
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rollcall {

inline constexpr size_t utc_text_size = 26;

// Whether a time has one: the years 1000 to 9999, as a DATETIME.
constexpr bool has_utc_text(int64_t us) {
    return us >= -30'610'224'000'000'000 && us <= 253'402'300'799'999'999;
}

// Writes utc_text_size characters, no NUL, of a time that has them; returns their end.
char* write_utc(int64_t us, char* to);

}  // namespace rollcall
