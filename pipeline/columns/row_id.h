// Row id: the identity of a check-in, from its place in the spool or from its fingerprint.
//
//      63 bits:   [ minute of received_at, 24 bits | place: spool + record and row, 39 bits ]
//      or         [ first minute of its bucket     | fingerprint,                   39 bits ]
//
// In the spool, the column `id` holds the report's fingerprint, if it has one: a hash of 64 bits,
// which is the same when the report is sent again (ingest/intake.cc). A delivery replaces it by the
// id. If only its packet id tells a message from others, the first sending of it also has the
// column `first_sending`: another message is a copy of it only if its sender says so.
//
// An id by place is the same whenever the record is read again, so storing a row twice is noticed
// by the unique key over (id, site_id). Within a minute those of one spool are different as long as
// it writes less than 2^25 records; those of two spools may meet, but hardly for one site.
//
// An id by fingerprint is the same for two copies of a report that went through two daemons, as
// long as they came within one bucket, which is as long as the duplicate window. So it cannot
// depend on anything that a bucket's reports come in the order of, and within a bucket ids are
// scattered. A B-tree pays for that: SQLite takes 3.4 us and 458 bytes written for a row by
// place, 17.8 us and 5,871 bytes by fingerprint (3,333 rows a second, two minutes; sorting each
// batch or a cache larger than the bucket saved a fifth). Therefore only rows of a sink that other
// daemons store into get ids by fingerprint: for one daemon, DeduplicationWindow finds the copies.
// Both grow with time, so that an index grows at its right edge, or in the last bucket of it.
//
// Units: minutes since 2024-01-01 00:00 UTC; 24 bits last until 2055.
#pragma once

#include <chrono>
#include <cstdint>

#include "pipeline/base/spool_id.h"

namespace rollcall {

// Rows that a record may have.
inline constexpr uint32_t record_rows_max = 1 << 14;

class RowIds {
public:
    // window: the duplicate window; a bucket is as long, in whole minutes.
    RowIds(const SpoolId& spool, std::chrono::milliseconds window);
    // row: its place in the record, below record_rows_max.
    [[nodiscard]] int64_t by_place(uint64_t record, uint32_t row, int64_t received_us) const;
    [[nodiscard]] int64_t by_fingerprint(uint64_t fingerprint, int64_t received_us) const;

private:
    uint64_t base_;  // Where this spool's places begin.
    int64_t bucket_minutes_;
};

}  // namespace rollcall
