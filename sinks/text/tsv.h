// TSV: a check-in as one line of text, in the default format of LOAD DATA of SingleStore and
// MariaDB. The lines are loaded from memory (singlestore/sink.h) and from Kafka.
//
//     42 TAB HX1 TAB 2026-10-09 10:00:00.123456 TAB 1 TAB http TAB \N TAB ... LF
//
// A line has a field for every column of columns.def, in that order, in UTF-8. NULL is \N. An empty
// text is an empty field. Integers and reals are decimal; reading a real gives the same double.
// Times are UTC. Flags are 0 and 1. In a text, TAB, LF, CR and \ are written as \t, \n, \r and \\.
// So every LF ends a row. There are no quotes and no header line.
//
// A row cannot be written as a line if a database would alter or refuse one of its values. A
// database does so with a text that has a NUL or is longer than its column, with a real that is not
// finite, and with a time outside the years 1000 to 9999. Ingest does not accept such values.
//
// Source: "Input file handling" of LOAD DATA, https://mariadb.com/kb/en/load-data-infile/
// Threads: any.
#pragma once

#include <cstddef>

#include "pipeline/base/error.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

// Maximum number of bytes that writing a line takes. Escaping at most doubles the size of a text. A
// number or a time takes at most 26 bytes. One more byte comes after each field. A text is copied
// in words of 8 bytes, so up to 8 bytes after its end are overwritten.
inline constexpr size_t tsv_row_bytes_max = 2 * row_text_max + (26 + 1) * columns_count + 8;

// Writes the line of a committed row to `to`, where tsv_row_bytes_max bytes must be free. The
// function may overwrite all of them. Returns the end of the line, or row_not_representable with an
// explanation such as "identity holds a NUL".
[[nodiscard]] Result<char*> append_tsv(const Columns& rows, size_t row, char* to);

}  // namespace rollcall
