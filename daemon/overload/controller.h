// OverloadController: when the next check-in is asked for.
//
//     pressure   0 to 1, the largest of these shares
//                  backlog   of the slowest sink, from 50 to 95 percent of spool.size_max
//                  answers   the mean time to one, over the last 8 measures, from 250 ms to 4 s
//                  sync      the time that the one under way has taken, in whole seconds; the same
//                  spool     1 while it cannot grow
//                  memory    from 80 to 95 percent of what the control group may have
//     base       replies.next, and for each site up to replies.next_jitter percent more or less
//     next       base x (1 + pressure x (replies.next_factor_max - 1))
//
// A herd, such as all routers of a town after a power cut, reports in phase. What a site is asked
// for differs from the others', so the phases part; it is always the same, for a router writes each
// change of its schedule to flash.
//
// Under full pressure those who are new are sent away until the backlog will have fallen to where
// pressure ends, by what the slowest sink stored in the last 8 measures and if nothing more came;
// half as long again is spread over them, so that they do not come back together.
//
// Threads: measure() on one, which is main; what is const on any. The pressure is a relaxed number
//          in a shard: the metric that operators see is what the workers obey.
// Units:   seconds where the name ends in _s.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "config/metrics_snapshot.h"
#include "config/settings.h"
#include "daemon/overload/cgroup_memory.h"

namespace rollcall {

// Half as long again, spread over whoever is told. who: any hash of it.
[[nodiscard]] constexpr int64_t spread_s(int64_t soonest_s, uint64_t who) {
    return soonest_s + static_cast<int64_t>(who >> 32) % (soonest_s / 2 + 1);
}

class OverloadController {
public:
    explicit OverloadController(const Settings& settings, CgroupMemory memory = CgroupMemory());

    // Whose backlogs and answers are measured. Before the threads start that ask for the overload.
    void watch(MetricShards shards) { shards_ = std::move(shards); }
    // Measures, if the last time is a second ago. now_us: steady.
    void measure(int64_t now_us);
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

    // site: the fingerprint of its name. At least 1.
    [[nodiscard]] int64_t next_s(uint64_t site) const;
    [[nodiscard]] int64_t base_s(uint64_t site) const;

    // Is the pressure full?
    [[nodiscard]] bool overloaded() const;
    // When whoever is sent away should come again. who: any hash of it.
    [[nodiscard]] int64_t retry_after_s(uint64_t who) const;

private:
    void say(double pressure, std::string_view what);
    [[nodiscard]] double backlog_bytes() const;
    [[nodiscard]] double answers_share();
    [[nodiscard]] double sync_share(int64_t now_us) const;
    [[nodiscard]] double drain_s(double backlog, int64_t now_us);
    [[nodiscard]] int64_t for_site(uint64_t site, double growth) const;

    static constexpr size_t measures = 8;
    struct Drained {
        double bytes = 0;  // Delivered by the slowest sink, from any beginning.
        int64_t at_us = 0;
    };

    double base_;  // Seconds.
    double jitter_;
    double growth_max_;
    double spool_bytes_max_;
    CgroupMemory memory_;
    MetricShards shards_;
    std::array<Observed, measures> answers_{};  // All until then, at each of the last measures.
    std::array<Drained, measures> drained_{};   // The same.
    size_t measure_ = 0;                        // The oldest of them.
    int64_t measured_us_ = 0;                   // Steady; 0: never.
    bool said_full_ = false;
    MetricShard shard_;  // Three values of it.
};

}  // namespace rollcall
