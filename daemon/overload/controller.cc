#include "daemon/overload/controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "daemon/overload/process_memory.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr int64_t measurement_interval_us = 1'000'000;
constexpr double backlog_none = 0.5;  // Used share of the spool up to which there is no pressure.
constexpr double backlog_full = 0.95;
constexpr double memory_none = 0.8;
constexpr double memory_full = 0.95;
constexpr double overload_over = 0.9;  // Pressure below which an overload counts as over.
constexpr double drain_s_max = 3600;   // Also the result if no sink stores data.
constexpr double ack_us_none = 250e3;  // No pressure up to this mean time to an acknowledgement.
constexpr double ack_us_full = 4e6;

// Returns 0 for a value up to `none`, 1 for a value from `full` on, and a linear share in between.
double share(double value, double none, double full) {
    return std::clamp((value - none) / (full - none), 0.0, 1.0);
}

// Returns the pressure that the running sync causes. A sync that hangs needs a signal of its own.
// While it hangs, no acknowledgement is sent, and acks_share() has no times to measure.
double sync_share(const SpoolLoad& load, int64_t now_us) {
    if (!load.sync_began_us) return 0;
    const int64_t whole_s = now_us / 1'000'000 - *load.sync_began_us / 1'000'000 - 1;
    return share(static_cast<double>(whole_s) * 1e6, ack_us_none, ack_us_full);
}

}  // namespace

OverloadController::OverloadController(const Settings& settings, OverloadState& state,
                                       CgroupMemory memory)
    : spool_bytes_max_(static_cast<double>(settings.spool.size_max.count)),
      memory_bytes_max_(static_cast<double>(memory_bytes_max(settings))),
      state_(state),
      memory_(std::move(memory)) {}

void OverloadController::measure(int64_t now_us) {
    if (measured_us_ != 0 && now_us - measured_us_ < measurement_interval_us) return;
    measured_us_ = now_us;
    const SpoolLoad load = sources_.spool_load();
    const auto backlog = static_cast<double>(load.backlog_bytes);
    const double memory = memory_share();
    const std::pair<double, std::string_view> shares[] = {
        {share(backlog / spool_bytes_max_, backlog_none, backlog_full), "the spool's backlog"},
        {acks_share(), "slow acknowledgements"},
        {sync_share(load, now_us), "a disk that does not respond"},
        {load.full ? 1 : 0, "a spool that cannot grow"},
        {share(memory, memory_none, memory_full),
         "memory use close to memory_max or to the control group's limit"}};
    const auto [pressure, cause] = *std::ranges::max_element(shares);
    log_overload(pressure, cause);
    publish({.pressure = pressure,
             .memory_share = memory,
             .drain_s = std::llround(drain_s(load, now_us))});
    report_client_memory();
    oldest_ = (oldest_ + 1) % measurements;
}

double OverloadController::memory_share() const {
    const auto used = static_cast<double>(sources_.process_bytes());
    return std::max(memory_.share(), used / memory_bytes_max_);
}

void OverloadController::report_client_memory() {
    if (sources_.client_memory == nullptr) return;
    for (size_t use = 0; use < std::size(memory_use_names); ++use)
        shard_.set(Metric::memory_bytes,
                   sources_.client_memory->used_by(static_cast<MemoryUse>(use)), use);
}

void OverloadController::publish(const OverloadMeasurement& measurement) {
    last_ = measurement;
    state_.publish(measurement.pressure, measurement.drain_s);
    shard_.set(Metric::pressure_ratio, std::llround(measurement.pressure * ratio_one));
    shard_.set(Metric::memory_ratio, std::llround(measurement.memory_share * ratio_one));
    shard_.set(Metric::backlog_drain_seconds, measurement.drain_s);
}

// Logs the beginning and the end of an overload. A pressure that varies between overload_over and 1
// neither begins nor ends an overload.
void OverloadController::log_overload(double pressure, std::string_view cause) {
    if (!overload_logged_ && pressure >= 1) {
        log(LogLevel::warning, "overload: rejecting new clients because of {}", cause);
        overload_logged_ = true;
    } else if (overload_logged_ && pressure < overload_over) {
        log(LogLevel::notice, "overload: ended, accepting new clients again");
        overload_logged_ = false;
    }
}

double OverloadController::acks_share() {
    AckTimes::Total now;
    for (const AckTimes* worker : sources_.ack_times) {
        const AckTimes::Total total = worker->total();
        now.count += total.count;
        now.time_us += total.time_us;
    }
    const AckTimes::Total then = std::exchange(acks_[oldest_], now);
    if (now.count == then.count) return 0;
    const double mean_us = static_cast<double>(now.time_us - then.time_us) /
                           static_cast<double>(now.count - then.count);
    return share(mean_us, ack_us_none, ack_us_full);
}

double OverloadController::drain_s(const SpoolLoad& load, int64_t now_us) {
    const auto backlog = static_cast<double>(load.backlog_bytes);
    const Drained now{static_cast<double>(load.written_bytes) - backlog, now_us};
    if (drained_[oldest_].at_us == 0) drained_.fill(now);  // This is the first measurement.
    const Drained then = std::exchange(drained_[oldest_], now);
    const double excess = backlog - backlog_none * spool_bytes_max_;
    if (excess <= 0) return 0;
    const double drained = now.bytes - then.bytes;
    if (drained <= 0) return drain_s_max;
    const double seconds = static_cast<double>(now.at_us - then.at_us) / 1e6;
    return std::min(drain_s_max, excess / drained * seconds);
}

}  // namespace rollcall
