// OverloadState: how overloaded the daemon is, and how long clients should wait because of that
// before they send again. The overload controller publishes the state; the workers apply it.
//
//     reporting interval   base interval x (1 + pressure x (replies.next_factor_max - 1))
//     base interval        replies.next, plus or minus the jitter of the site, which is at most
//                          replies.next_jitter percent
//     Retry-After          the longer of the reporting interval and the time until the backlog has
//                          drained, but at most overload_retry_after_max; up to half of the result
//                          is added, different for each client
//
// Routers that lost power together restart together. With equal intervals they would always report
// at the same moments. Each site has its own jitter, so the routers drift apart. The jitter of a
// site is constant, because a router writes each change of its schedule to flash.
//
// Threads: publish() belongs to main; any thread may call the others.
// Units:   seconds where a name ends in _s.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "pipeline/base/latest.h"

namespace rollcall {

// Returns the delay plus up to half of the delay, so that clients do not return at the same time.
// client: any hash that identifies the client.
[[nodiscard]] constexpr int64_t spread_s(int64_t delay_s, uint64_t client) {
    return delay_s + static_cast<int64_t>(client >> 32) % (delay_s / 2 + 1);
}

class OverloadState {
public:
    explicit OverloadState(const Settings& settings);

    // pressure: 0 to 1. drain_s: time until the backlog causes no more pressure.
    void publish(double pressure, int64_t drain_s);

    // Returns true while the pressure is at its maximum, 1. During this time, new clients are
    // rejected.
    [[nodiscard]] bool overloaded() const { return pressure_.read() >= 1; }
    // Return the interval, at least 1 s, at which the site is asked to report:
    // reporting_interval_s() under the current pressure, base_interval_s() without pressure. site:
    // the stable_hash() of the site's name.
    [[nodiscard]] int64_t reporting_interval_s(uint64_t site) const;
    [[nodiscard]] int64_t base_interval_s(uint64_t site) const;
    // Returns the delay after which a rejected client is asked to retry. client: any hash that
    // identifies the client.
    [[nodiscard]] int64_t retry_after_s(uint64_t client) const;

private:
    [[nodiscard]] int64_t interval_s(uint64_t site, double growth) const;

    double base_s_;
    double jitter_;
    double growth_max_;
    int64_t retry_after_max_s_;
    Latest<double> pressure_;
    Latest<int64_t> drain_s_;
};

}  // namespace rollcall
