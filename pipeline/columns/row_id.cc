#include "pipeline/columns/row_id.h"

#include <algorithm>

#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

constexpr int64_t minute_us = 60'000'000;
constexpr int64_t epoch_minute = 1'704'067'200 / 60;  // 2024-01-01 00:00:00 UTC.
constexpr int64_t minute_last = (int64_t{1} << 24) - 1;
constexpr int low_bits = 39;
constexpr uint64_t low_mask = (uint64_t{1} << low_bits) - 1;

int64_t minute_of(int64_t received_us) {
    return std::clamp<int64_t>(received_us / minute_us - epoch_minute, 0, minute_last);
}

int64_t id_of(int64_t minute, uint64_t low) {
    return minute << low_bits | static_cast<int64_t>(low & low_mask);
}

}  // namespace

RowIds::RowIds(const SpoolId& spool, std::chrono::milliseconds window)
    : base_(stable_hash({reinterpret_cast<const char*>(spool.data()), spool.size()})),
      bucket_minutes_(
          std::max<int64_t>(std::chrono::ceil<std::chrono::minutes>(window).count(), 1)) {}

int64_t RowIds::by_place(uint64_t record, uint32_t row, int64_t received_us) const {
    return id_of(minute_of(received_us), base_ + record * record_rows_max + row);
}

int64_t RowIds::by_fingerprint(uint64_t fingerprint, int64_t received_us) const {
    const int64_t minute = minute_of(received_us);
    return id_of(minute - minute % bucket_minutes_, fingerprint);
}

}  // namespace rollcall
