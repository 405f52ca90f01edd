#include "daemon/overload/state.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace rollcall {

OverloadState::OverloadState(const Settings& settings)
    : base_s_(std::chrono::duration<double>(settings.replies.next).count()),
      jitter_(static_cast<double>(settings.replies.next_jitter) / 100),
      growth_max_(static_cast<double>(settings.replies.next_factor_max)),
      retry_after_max_s_(settings.general.overload_retry_after_max.count() / 1000) {}

void OverloadState::publish(double pressure, int64_t drain_s) {
    pressure_.set(pressure);
    drain_s_.set(drain_s);
}

// `share` is the lower half of the hash, scaled to the range -1 to 1. The interval changes by this
// share of the jitter.
int64_t OverloadState::interval_s(uint64_t site, double growth) const {
    const double share = static_cast<double>(static_cast<uint32_t>(site)) / (UINT32_MAX / 2.0) - 1;
    return std::max<int64_t>(1, std::llround(base_s_ * growth * (1 + jitter_ * share)));
}

int64_t OverloadState::reporting_interval_s(uint64_t site) const {
    return interval_s(site, 1 + pressure_.read() * (growth_max_ - 1));
}

int64_t OverloadState::base_interval_s(uint64_t site) const { return interval_s(site, 1); }

int64_t OverloadState::retry_after_s(uint64_t client) const {
    const int64_t delay_s = std::max(reporting_interval_s(client), drain_s_.read());
    return spread_s(std::min(delay_s, retry_after_max_s_), client);
}

}  // namespace rollcall
