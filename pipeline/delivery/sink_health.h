// SinkHealth: the state of a sink, the time in that state, and the cause. The metric sink_up,
// /readyz, the status page and the log lines about the sink are all made from this state.
//
//   opening ──▶ up ──▶ down      a call to the sink has failed; the delivery tries again
//               ▲ │     │
//               │ └─▶ silent     a call to the sink takes StepWatch::stuck_after_s or more
//               └───────┘
//
// Threads: the delivery calls set_*(), the main thread calls measure(), any thread may read. A
//          mutex guards the state. The metric shard is written with the mutex locked, so that it
//          has one writer at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"
#include "pipeline/base/heartbeat.h"

namespace rollcall {

enum class SinkState : uint8_t { opening, up, silent, down };

[[nodiscard]] std::string_view to_text(SinkState state);

struct SinkStatus {
    SinkName sink;
    SinkState state;
    std::chrono::seconds since;  // Time in this state.
    std::string cause;           // What failed and how to fix it; empty unless the sink is down.
    int64_t failed_attempts;     // Number of failed attempts since the sink went down.
    int64_t dead_letters;        // Number of refused rows that are kept.
};

class SinkHealth {
public:
    // A sink that stays down is logged again at this interval.
    static constexpr std::chrono::minutes log_interval{10};

    SinkHealth(SinkName name, const Clock& clock);

    void set_up();
    void set_down(const Error& error);
    void set_dead_letters(int64_t rows);
    // Detects a call that takes too long, and repeats log lines when they are due. Call it once a
    // second with the heartbeat of the delivery.
    void measure(const Heartbeat& delivery);

    [[nodiscard]] SinkStatus status() const;
    // Returns sentences for the operator about a sink that is not up or has dead letters.
    [[nodiscard]] std::vector<std::string> messages() const;
    // Returns the metrics sink_up and sink_errors_total of this sink.
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    void change(SinkState state);
    void log_change(SinkState before, std::chrono::seconds lasted) const;
    void log_again();
    [[nodiscard]] std::chrono::seconds age() const;

    const SinkName name_;
    const Clock& clock_;
    mutable std::mutex mutex_;  // Guards the members below.
    SinkState state_ = SinkState::opening;
    SinkState before_silence_ = SinkState::opening;
    int64_t since_us_;   // Steady time at which the state changed.
    int64_t logged_us_;  // Steady time of the last log line.
    std::string cause_;
    int64_t failed_attempts_ = 0;
    int64_t dead_letters_ = 0;
    StepWatch step_;
    MetricShard shard_;
};

}  // namespace rollcall
