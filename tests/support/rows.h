// Rows for tests: check-ins with a few values, and functions to read them back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pipeline/columns/columns.h"

namespace rollcall {

inline constexpr size_t test_text_max = 4 * row_text_max;

inline void add_row(Columns& columns, std::string_view site, int64_t seq,
                    int64_t received_us = 1'790'000'000'000'000) {
    columns.set_text(Column::site_id, site);
    columns.set_integer(Column::seq, seq);
    columns.set_integer(Column::received_at, received_us);
    columns.commit_row();
}

// Adds the row of one report. As in the rows of the intake, the column `id` contains the
// fingerprint of the report.
inline void add_report(Columns& columns, int64_t fingerprint, int64_t seq, int64_t received_us,
                       bool first_sending = false) {
    columns.set_integer(Column::id, fingerprint);
    if (first_sending) columns.set_integer(Column::first_sending, 1);
    add_row(columns, "S", seq, received_us);
}

inline Columns one_row(std::string_view site, int64_t seq) {
    Columns columns(4, test_text_max);
    add_row(columns, site, seq);
    return columns;
}

// Returns the payload of a record with these rows, as one string.
inline std::string payload_of(const Columns& columns) {
    std::array<iovec, Columns::pieces_max> pieces;
    const size_t count = columns.pieces(pieces);
    std::string bytes;
    for (size_t i = 0; i < count; ++i)
        bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
    return bytes;
}

}  // namespace rollcall
