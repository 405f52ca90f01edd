// OverloadController: turns load signals into one pressure value, from which the workers derive the
// reporting interval of the routers (overload/state.h).
//
//     pressure   the largest of these shares, each of which grows from 0 to 1 over a range
//                  backlog   bytes that the slowest sink has not stored yet: from 50 to 95 percent
//                            of spool.size_max
//                  acks      mean time to an acknowledgement over the last 8 measurements: from
//                            250 ms to 4 s
//                  sync      time that the running sync has taken, in whole seconds: from 250 ms
//                            to 4 s
//                  spool     1 while the spool cannot grow, otherwise 0
//                  memory    used memory: from 80 to 95 percent of memory_max or of the control
//                            group's limit, whichever gives the larger share
//     drain_s    time until the backlog causes no more pressure, at the rate of the slowest
//                sink over the last 8 measurements and without new check-ins
//
// The metrics rollcall_pressure_ratio, rollcall_memory_ratio and rollcall_backlog_drain_seconds
// report the same values.
//
// Threads: main.
// Units:   microseconds of the steady clock; seconds where a name ends in _s.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "daemon/net/ack_times.h"
#include "daemon/net/memory_budget.h"
#include "daemon/overload/cgroup_memory.h"
#include "daemon/overload/state.h"
#include "pipeline/ingest/spool_load.h"

namespace rollcall {

struct OverloadMeasurement {
    double pressure = 0;  // 0 to 1.
    // Used share of memory_max or of the control group's limit, whichever is larger.
    double memory_share = 0;
    int64_t drain_s = 0;  // Estimate; 0 if the backlog causes no pressure.
};

class OverloadController {
public:
    struct Sources {
        std::function<SpoolLoad()> spool_load = [] { return SpoolLoad(); };
        std::vector<const AckTimes*> ack_times = {};  // One for each worker.
        std::function<uint64_t()> process_bytes = [] { return uint64_t{0}; };
        const MemoryBudget* client_memory = nullptr;  // Only for metrics; may be nullptr.
    };

    OverloadController(const Settings& settings, OverloadState& state,
                       CgroupMemory memory = CgroupMemory());

    // Sets the sources of the signals. Call watch() before measure().
    void watch(Sources sources) { sources_ = std::move(sources); }
    // Measures all signals and publishes the pressure, unless the last measurement is less than a
    // second old.
    void measure(int64_t now_us);
    [[nodiscard]] const OverloadMeasurement& last() const { return last_; }
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    void publish(const OverloadMeasurement& measurement);
    void report_client_memory();
    [[nodiscard]] double memory_share() const;
    void log_overload(double pressure, std::string_view cause);
    [[nodiscard]] double acks_share();
    [[nodiscard]] double drain_s(const SpoolLoad& load, int64_t now_us);

    static constexpr size_t measurements = 8;
    struct Drained {
        // Bytes that the slowest sink has stored, counted from an arbitrary start.
        double bytes = 0;
        int64_t at_us = 0;
    };

    double spool_bytes_max_;
    double memory_bytes_max_;
    OverloadState& state_;
    CgroupMemory memory_;
    Sources sources_;
    std::array<AckTimes::Total, measurements> acks_{};  // Totals at each of the last measurements.
    std::array<Drained, measurements> drained_{};       // Deliveries at each of the last
                                                        // measurements.
    size_t oldest_ = 0;                                 // Index of the oldest entry in both arrays.
    int64_t measured_us_ = 0;                           // 0 before the first measurement.
    bool overload_logged_ = false;
    OverloadMeasurement last_;
    MetricShard shard_;
};

}  // namespace rollcall
