// Row id: the identity of a check-in, from its place in the spool.
//
//      63 bits:   [ minute of received_at, 24 bits | hash of the spool + record and row, 39 bits ]
//
// It is the same whenever the record is read again, so storing a row twice is noticed by the unique
// key over (id, site_id). It grows with time, so that an index over it grows at its right edge:
// with a hash of the place in the lower bits, SQLite took twice the CPU for a row.
//
// Within a minute the ids of one spool are different as long as it writes less than 2^25 records;
// those of two spools may meet, but hardly for one site.
//
// Units: minutes since 2024-01-01 00:00 UTC; 24 bits last until 2055.
#pragma once

#include <cstdint>

#include "pipeline/spool_format.h"

namespace rollcall {

// Rows that a record may have.
inline constexpr uint32_t record_rows_max = 1 << 14;

class RowIds {
public:
    explicit RowIds(const SpoolId& spool);
    // row: its place in the record, below record_rows_max.
    [[nodiscard]] int64_t at(uint64_t record, uint32_t row, int64_t received_us) const;

private:
    uint64_t base_;  // Where this spool's places begin.
};

}  // namespace rollcall
