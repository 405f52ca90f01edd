// TSV: a check-in as one line of text, as LOAD DATA of SingleStore and MariaDB reads it by default,
// from memory (singlestore_sink) and from Kafka.
//
//     42 TAB HX1 TAB 2026-10-09 10:00:00.123456 TAB 1 TAB http TAB \N TAB ... LF
//
// Every column of columns.def has its field, in that order. UTF-8. NULL is \N, an empty text is an
// empty field; integers and reals are decimal, a real is read back as the same double; times are
// UTC; flags are 0 and 1. In a text, TAB, LF, CR and \ are written \t, \n, \r and \\, so that a LF
// ends a row and nothing else. There are no quotes and no head line.
//
// What a database would alter or refuse has no line: a text with a NUL or longer than its column, a
// real that is no number, a time outside the years 1000 to 9999. Nothing that intake takes is any
// of these.
//
// Source: "Input file handling" of LOAD DATA, https://mariadb.com/kb/en/load-data-infile/
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "pipeline/columns/columns.h"

namespace rollcall {

struct TsvRefusal {
    Column column{};
    std::string_view why;  // "holds a NUL".
};

// The most bytes that a line takes while it is written. Texts are escaped to at most twice their
// length, and copied by words of 8 bytes; a number or a time takes at most 26 bytes; behind each
// field is one byte.
inline constexpr size_t tsv_row_bytes_max = 2 * row_text_max + (26 + 1) * columns_count + 8;

// Writes the line of a committed row to `to`, where tsv_row_bytes_max bytes are free; those behind
// the line may be touched. Returns its end.
[[nodiscard]] std::expected<char*, TsvRefusal> append_tsv(const Columns& rows, size_t row,
                                                          char* to);

}  // namespace rollcall
