// Refusals: counts each refusal by its reason, and logs that there are some.
//
// RefusalLog writes at most one line a minute for each reason, however many clients are refused by
// however many workers: the first refusal, with the client's address and the number of refusals
// since the previous line. /metrics has the exact counts.
//
// Threads: each RefusalLog and each Refusals belongs to one thread.
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
    // Counts a refusal. Returns the line to be logged now, or an empty string.
    [[nodiscard]] std::string note(Transport transport, Code code, std::string_view peer,
                                   int64_t now_us);

private:
    struct Reason {
        int64_t next_line_us = INT64_MIN;  // Earliest time of the next line.
        uint64_t refusals = 0;             // Since the previous line.
    };
    std::array<Reason, label_values(Labels::transport_code)> reasons_{};
};

// The refusals of one thread: its checkins_rejected_total, and the log of the process.
class Refusals {
public:
    Refusals(const Clock& clock, MetricShard& shard) : clock_(clock), shard_(shard) {}

    // peer: the address of the client.
    void count(Transport transport, Code code, std::string_view peer);

private:
    const Clock& clock_;
    MetricShard& shard_;
};

}  // namespace rollcall
