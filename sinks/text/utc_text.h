// UTC text: a time as every sink writes it, "2026-10-09 10:00:00.123456".
//
// The date functions of SQLite read it, and SingleStore and MariaDB take it for a DATETIME(6).
//
// Units:   microseconds since 1970, UTC.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rollcall {

inline constexpr size_t utc_text_size = 26;

// Returns whether a time has such a text: in the years 1000 to 9999, as a DATETIME.
constexpr bool has_utc_text(int64_t us) {
    return us >= -30'610'224'000'000'000 && us <= 253'402'300'799'999'999;
}

// Writes utc_text_size characters without a NUL and returns their end. Requires has_utc_text(us).
char* write_utc(int64_t us, char* to);

}  // namespace rollcall
