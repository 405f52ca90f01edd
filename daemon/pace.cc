#include "daemon/pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace rollcall {

namespace {

constexpr int64_t measure_every_us = 1'000'000;

double share(double value, double none, double all) {
    return std::clamp((value - none) / (all - none), 0.0, 1.0);
}

}  // namespace

Pace::Pace(const Settings& settings)
    : base_(std::chrono::duration<double>(settings.replies.next).count()),
      jitter_(static_cast<double>(settings.replies.next_jitter) / 100),
      growth_max_(static_cast<double>(settings.replies.next_growth_max)),
      spool_bytes_max_(static_cast<double>(settings.spool.size_max.count)) {}

void Pace::measure(int64_t now_us) {
    if (measured_us_ != 0 && now_us - measured_us_ < measure_every_us) return;
    measured_us_ = now_us;
    const double pressure = std::max(backlog_share(), answers_share());
    slab_.set(Metric::pressure_ratio, std::llround(pressure * ratio_one));
}

double Pace::backlog_share() const {
    int64_t bytes = 0;
    for (size_t sink = 0; sink < std::size(sink_names); ++sink)
        bytes = std::max(bytes, sum(slabs_, Metric::spool_backlog_bytes, sink));
    return share(static_cast<double>(bytes) / spool_bytes_max_, 0.5, 0.95);
}

double Pace::answers_share() {
    const Observed now = observed(slabs_, Metric::ack_seconds);
    const Observed then = std::exchange(answers_[measure_], now);
    measure_ = (measure_ + 1) % measures;
    if (now.count == then.count) return 0;
    const double mean_us =
        static_cast<double>(now.micros - then.micros) / static_cast<double>(now.count - then.count);
    return share(mean_us, 250e3, 4e6);
}

// The lower half of the hash, as -1 to 1.
int64_t Pace::for_site(uint64_t site, double growth) const {
    const double place = static_cast<double>(static_cast<uint32_t>(site)) / (UINT32_MAX / 2.0) - 1;
    return std::max<int64_t>(1, std::llround(base_ * growth * (1 + jitter_ * place)));
}

int64_t Pace::next_s(uint64_t site) const {
    const auto pressure = static_cast<double>(slab_.read(Metric::pressure_ratio, 0)) / ratio_one;
    return for_site(site, 1 + pressure * (growth_max_ - 1));
}

int64_t Pace::base_s(uint64_t site) const { return for_site(site, 1); }

}  // namespace rollcall
