// TSV: a check-in as one line of text, in the form that LOAD DATA of SingleStore and MariaDB reads
// by default, from memory (singlestore/sink.h) and from Kafka.
//
//     42 TAB HX1 TAB 2026-10-09 10:00:00.123456 TAB 1 TAB http TAB \N TAB ... LF
//
// Every column of columns.def has its field, in that order. UTF-8. NULL is \N, an empty text is an
// empty field; integers and reals are decimal, a real is read back as the same double; times are
// UTC; flags are 0 and 1. In a text, TAB, LF, CR and \ are written \t, \n, \r and \\, so that a LF
// ends a row and nothing else. There are no quotes and no head line.
//
// A row has no line if a database would alter or refuse a value of it: a text with a NUL or longer
// than its column, a real that is not a number, a time outside the years 1000 to 9999. Ingest lets
// no such value pass.
//
// Source: "Input file handling" of LOAD DATA, https://mariadb.com/kb/en/load-data-infile/
// Threads: any.
#pragma once

#include <cstddef>

#include "pipeline/base/error.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

// Maximum number of bytes that a line takes while it is written. Escaping at most doubles a text,
// which is copied in words of 8 bytes; a number or a time takes at most 26 bytes; one byte follows
// each field.
inline constexpr size_t tsv_row_bytes_max = 2 * row_text_max + (26 + 1) * columns_count + 8;

// Writes the line of a committed row to `to`, where tsv_row_bytes_max bytes must be free; it may
// overwrite all of them. Returns the end of the line, or row_not_representable with an explanation
// such as "identity holds a NUL".
[[nodiscard]] Result<char*> append_tsv(const Columns& rows, size_t row, char* to);

}  // namespace rollcall
