// UTC text: the text of a time in all sinks, such as "2026-10-09 10:00:00.123456".
//
// The date functions of SQLite can read it, and SingleStore and MariaDB accept it as a DATETIME(6).
//
// Units:   microseconds since 1970, UTC.
// Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rollcall {

inline constexpr size_t utc_text_size = 26;

// Returns true if a time can be written as a DATETIME: it is in the years 1000 to 9999.
constexpr bool has_utc_text(int64_t us) {
    return us >= -30'610'224'000'000'000 && us <= 253'402'300'799'999'999;
}

// Writes utc_text_size characters without a NUL. Returns their end. Call only if has_utc_text(us).
char* write_utc(int64_t us, char* to);

}  // namespace rollcall
