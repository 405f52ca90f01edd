// Clock watch: says when somebody has set the clock. Rows carry the time that the clock showed, and
// tokens and certificates end by it, so an operator should know.
//
// Nothing waits for the wall clock, and no row depends on its running forward: a check-in that was
// taken before a jump is delivered after it as any other.
//
// Threads: one, which is main.
#pragma once

#include <cstdint>

#include "config/metrics.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class ClockWatch {
public:
    explicit ClockWatch(const Clock& clock) : clock_(clock), ahead_us_(ahead_us()) {}

    // A jump is seen by the next measure.
    void measure();
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    [[nodiscard]] int64_t ahead_us() const { return clock_.wall_us() - clock_.steady_us(); }

    const Clock& clock_;
    int64_t ahead_us_;   // The wall clock, of the steady one, at the last measure.
    MetricShard shard_;  // One value of it.
};

}  // namespace rollcall
