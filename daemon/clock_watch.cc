#include "daemon/clock_watch.h"

#include <cstdlib>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr int64_t jump_us_min = 1'000'000;  // NTP corrects smaller errors gradually.

}  // namespace

void ClockWatch::measure() {
    const int64_t now_us = ahead_us();
    const int64_t jump_us = now_us - std::exchange(ahead_us_, now_us);
    if (std::abs(jump_us) < jump_us_min) return;
    shard_.add(Metric::clock_jumps_total);
    log(LogLevel::warning,
        {.message = fmt::format("clock: set {}", jump_us > 0 ? "forward" : "back"),
         .details = {{"seconds", (std::abs(jump_us) + 500'000) / 1'000'000}},
         .note = "check this machine's NTP service"});
}

}  // namespace rollcall
