#include "daemon/overload/controller.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr int64_t measure_every_us = 1'000'000;
constexpr double backlog_none = 0.5;  // Of the spool: below, there is no pressure.
constexpr double backlog_full = 0.95;
constexpr double eased = 0.9;             // Of full pressure.
constexpr double drain_s_max = 3600;      // Also if nothing is delivered.
constexpr double answer_us_none = 250e3;  // Up to here there is no pressure.
constexpr double answer_us_full = 4e6;

double share(double value, double none, double all) {
    return std::clamp((value - none) / (all - none), 0.0, 1.0);
}

}  // namespace

OverloadController::OverloadController(const Settings& settings, CgroupMemory memory)
    : base_(std::chrono::duration<double>(settings.replies.next).count()),
      jitter_(static_cast<double>(settings.replies.next_jitter) / 100),
      growth_max_(static_cast<double>(settings.replies.next_factor_max)),
      spool_bytes_max_(static_cast<double>(settings.spool.size_max.count)),
      memory_(std::move(memory)) {}

void OverloadController::measure(int64_t now_us) {
    if (measured_us_ != 0 && now_us - measured_us_ < measure_every_us) return;
    measured_us_ = now_us;
    const double backlog = backlog_bytes();
    const double memory = memory_.share();
    const std::pair<double, std::string_view> shares[] = {
        {share(backlog / spool_bytes_max_, backlog_none, backlog_full), "the spool's backlog"},
        {answers_share(), "the time to an answer"},
        {sync_share(now_us), "a disk that does not answer"},
        {sum(shards_, Metric::spool_full) > 0 ? 1 : 0, "a spool that cannot grow"},
        {share(memory, 0.8, 0.95), "memory"}};
    const auto [pressure, what] = *std::ranges::max_element(shares);
    say(pressure, what);
    shard_.set(Metric::pressure_ratio, std::llround(pressure * ratio_one));
    shard_.set(Metric::memory_ratio, std::llround(memory * ratio_one));
    shard_.set(Metric::backlog_drain_seconds, std::llround(drain_s(backlog, now_us)));
    measure_ = (measure_ + 1) % measures;
}

// Not at each measure around full pressure.
void OverloadController::say(double pressure, std::string_view what) {
    if (!said_full_ && pressure >= 1)
        log(LogLevel::warning, "under full pressure by {}: who connects anew is sent away", what);
    if (said_full_ && pressure < eased) log(LogLevel::notice, "under full pressure no more");
    said_full_ = said_full_ ? pressure >= eased : pressure >= 1;
}

// Of the slowest sink.
double OverloadController::backlog_bytes() const {
    int64_t bytes = 0;
    for (size_t sink = 0; sink < std::size(sink_names); ++sink)
        bytes = std::max(bytes, sum(shards_, Metric::spool_backlog_bytes, sink));
    return static_cast<double>(bytes);
}

double OverloadController::answers_share() {
    const Observed now = observed(shards_, Metric::ack_seconds);
    const Observed then = std::exchange(answers_[measure_], now);
    if (now.count == then.count) return 0;
    const double mean_us =
        static_cast<double>(now.micros - then.micros) / static_cast<double>(now.count - then.count);
    return share(mean_us, answer_us_none, answer_us_full);
}

// While a sync hangs no answer goes out whose time could be measured.
double OverloadController::sync_share(int64_t now_us) const {
    const int64_t began_s = sum(shards_, Metric::spool_sync_start_seconds);
    if (began_s == 0) return 0;
    const int64_t whole_s = now_us / 1'000'000 - began_s - 1;
    return share(static_cast<double>(whole_s) * 1e6, answer_us_none, answer_us_full);
}

// Until the backlog is where pressure ends.
double OverloadController::drain_s(double backlog, int64_t now_us) {
    const auto written = static_cast<double>(sum(shards_, Metric::spool_written_bytes_total, 0));
    const Drained now{written - backlog, now_us};
    if (drained_[measure_].at_us == 0) drained_.fill(now);  // The first time.
    const Drained then = std::exchange(drained_[measure_], now);
    const double to_go = backlog - backlog_none * spool_bytes_max_;
    if (to_go <= 0) return 0;
    const double drained = now.bytes - then.bytes;
    if (drained <= 0) return drain_s_max;
    const double seconds = static_cast<double>(now.at_us - then.at_us) / 1e6;
    return std::min(drain_s_max, to_go / drained * seconds);
}

// The lower half of the hash, as -1 to 1.
int64_t OverloadController::for_site(uint64_t site, double growth) const {
    const double place = static_cast<double>(static_cast<uint32_t>(site)) / (UINT32_MAX / 2.0) - 1;
    return std::max<int64_t>(1, std::llround(base_ * growth * (1 + jitter_ * place)));
}

int64_t OverloadController::next_s(uint64_t site) const {
    const auto pressure = static_cast<double>(shard_.read(Metric::pressure_ratio, 0)) / ratio_one;
    return for_site(site, 1 + pressure * (growth_max_ - 1));
}

int64_t OverloadController::base_s(uint64_t site) const { return for_site(site, 1); }

bool OverloadController::overloaded() const {
    return shard_.read(Metric::pressure_ratio, 0) >= ratio_one;
}

int64_t OverloadController::retry_after_s(uint64_t who) const {
    return spread_s(std::max(next_s(who), shard_.read(Metric::backlog_drain_seconds, 0)), who);
}

}  // namespace rollcall
