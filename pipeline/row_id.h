// Row id: the identity of a check-in, from its place in the spool.
//
//      63 bits:   [ minute of received_at, 24 bits | hash of (spool, record, row), 39 bits ]
//
// It is the same whenever the record is read again, so storing a row twice is noticed by the unique
// key over (id, site_id); and it grows with time, so that an index over it grows at its right edge.
//
// Units: minutes since 2024-01-01 00:00 UTC; 24 bits last until 2055.
#pragma once

#include <cstdint>

#include "pipeline/spool_format.h"

namespace rollcall {

[[nodiscard]] int64_t row_id(const SpoolId& spool, uint64_t record, uint32_t row,
                             int64_t received_us);

}  // namespace rollcall
