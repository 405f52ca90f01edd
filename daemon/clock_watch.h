// ClockWatch: logs and counts jumps of the wall clock. Operators need to know about jumps, because
// rows contain wall-clock time, and because tokens and certificates expire by the wall clock.
//
// A jump does not disturb the delivery of check-ins, because no code waits for the wall clock.
//
// Threads: main.
#pragma once

#include <cstdint>

#include "config/metrics.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class ClockWatch {
public:
    explicit ClockWatch(const Clock& clock) : clock_(clock), ahead_us_(ahead_us()) {}

    // Compares the wall clock with the steady clock, and reports a jump since the last call.
    void measure();
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    [[nodiscard]] int64_t ahead_us() const { return clock_.wall_us() - clock_.steady_us(); }

    const Clock& clock_;
    int64_t ahead_us_;  // Wall clock minus steady clock at the last call.
    MetricShard shard_;
};

}  // namespace rollcall
