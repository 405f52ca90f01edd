#include "pipeline/row_id.h"

#include <xxhash.h>

#include <algorithm>

namespace rollcall {

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t epoch_minute = 1'704'067'200 / 60;  // 2024-01-01 00:00:00 UTC.
constexpr int hash_bits = 39;
constexpr int64_t minute_last = (int64_t{1} << 24) - 1;

}  // namespace

int64_t row_id(const SpoolId& spool, uint64_t record, uint32_t row, int64_t received_us) {
    const struct {
        SpoolId spool;
        uint64_t record;
        uint64_t row;
    } place{spool, record, row};
    const uint64_t hash = XXH3_64bits(&place, sizeof place) >> (64 - hash_bits);
    const int64_t minute =
        std::clamp<int64_t>(received_us / minute_us - epoch_minute, 0, minute_last);
    return minute << hash_bits | static_cast<int64_t>(hash);
}

}  // namespace rollcall
