// ManualClock: a clock that only the test advances.
#pragma once

#include "pipeline/base/clock.h"

namespace rollcall {

class ManualClock final : public Clock {
public:
    [[nodiscard]] int64_t wall_us() const override { return wall; }
    [[nodiscard]] int64_t steady_us() const override { return steady; }
    void pass(std::chrono::microseconds time) {
        wall += time.count();
        steady += time.count();
    }

    int64_t wall = 1'790'000'000'000'000;  // September 2026.
    int64_t steady = 1'000'000;
};

}  // namespace rollcall
