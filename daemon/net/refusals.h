// Refusals: each is counted by its reason, and the log says that there are some.
//
// RefusalLog writes one line a minute for each reason at most, however many clients are refused by
// however many workers: the first of a minute, with who it was and how many there were since the
// line before. How many there are now is on /metrics.
//
// Threads: a RefusalLog and a Refusals have one each.
// Units:   microseconds of the steady clock.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/metrics.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class RefusalLog {
public:
    // The line to be written now, or nothing.
    [[nodiscard]] std::string note(Transport transport, Code code, std::string_view peer,
                                   int64_t now_us);

private:
    struct Reason {
        int64_t next_us = INT64_MIN;  // When a line may be written again.
        uint64_t since = 0;           // Refusals since the last one.
    };
    std::array<Reason, label_values(Labels::transport_code)> reasons_{};
};

// Where a thread counts whom it refuses: in its checkins_rejected_total, and in the log of this
// process.
class Refusals {
public:
    Refusals(const Clock& clock, MetricShard& shard) : clock_(clock), shard_(shard) {}

    // peer: the address it came from.
    void count(Transport transport, Code code, std::string_view peer);

private:
    const Clock& clock_;
    MetricShard& shard_;
};

}  // namespace rollcall
