#include "pipeline/row_id.h"

#include <xxhash.h>

#include <algorithm>

namespace rollcall {

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t epoch_minute = 1'704'067'200 / 60;  // 2024-01-01 00:00:00 UTC.
constexpr int64_t minute_last = (int64_t{1} << 24) - 1;
constexpr int place_bits = 39;
constexpr uint64_t place_mask = (uint64_t{1} << place_bits) - 1;

}  // namespace

RowIds::RowIds(const SpoolId& spool) : base_(XXH3_64bits(spool.data(), spool.size())) {}

int64_t RowIds::at(uint64_t record, uint32_t row, int64_t received_us) const {
    const uint64_t place = (base_ + record * record_rows_max + row) & place_mask;
    const int64_t minute =
        std::clamp<int64_t>(received_us / minute_us - epoch_minute, 0, minute_last);
    return minute << place_bits | static_cast<int64_t>(place);
}

}  // namespace rollcall
