#include "pipeline/delivery/sink_health.h"

#include <fmt/core.h>

#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr std::string_view state_names[] = {"opening", "up", "silent", "down"};

std::string silence(SinkName name, int64_t seconds) {
    return fmt::format(
        "sink {}: no response for {} s; check that its database, broker or disk responds",
        to_text(name), seconds);
}

}  // namespace

std::string_view to_text(SinkState state) { return state_names[static_cast<size_t>(state)]; }

SinkHealth::SinkHealth(SinkName name, const Clock& clock)
    : name_(name), clock_(clock), since_us_(clock.steady_us()), logged_us_(since_us_) {}

void SinkHealth::set_up() {
    const std::lock_guard lock(mutex_);
    failed_attempts_ = 0;
    cause_.clear();
    change(SinkState::up);
}

// Logs each new cause once, not each attempt, because a sink that is down fails at every attempt.
void SinkHealth::set_down(const Error& error) {
    const std::lock_guard lock(mutex_);
    shard_.add(Metric::sink_errors_total, 1, label_of(name_));
    ++failed_attempts_;
    std::string cause = describe(error);
    if (cause != cause_) {
        log(LogLevel::warning, "sink {}: down, retrying; check-ins stay in the spool. Cause: {}",
            to_text(name_), cause);
        logged_us_ = clock_.steady_us();
    }
    cause_ = std::move(cause);
    change(SinkState::down);
}

void SinkHealth::set_dead_letters(int64_t rows) {
    const std::lock_guard lock(mutex_);
    dead_letters_ = rows;
}

void SinkHealth::measure(const Heartbeat& delivery) {
    const std::lock_guard lock(mutex_);
    step_.measure(delivery);
    const bool is_silent = step_.is_stuck();
    if (is_silent && state_ != SinkState::down && state_ != SinkState::silent) {
        before_silence_ = state_;
        change(SinkState::silent);
    }
    // The slow call has ended without an error, because an error would have set the state to
    // `down`.
    if (!is_silent && state_ == SinkState::silent) change(before_silence_);
    log_again();
}

void SinkHealth::change(SinkState state) {
    const std::chrono::seconds lasted = age();
    const SinkState before = std::exchange(state_, state);
    shard_.set(Metric::sink_up, state == SinkState::up, label_of(name_));
    if (before == state) return;
    since_us_ = clock_.steady_us();
    log_change(before, lasted);
    if (state == SinkState::silent) logged_us_ = since_us_;
}

void SinkHealth::log_change(SinkState before, std::chrono::seconds lasted) const {
    if (state_ == SinkState::silent)
        log(LogLevel::warning, "{}; check-ins stay in the spool", silence(name_, step_.seconds()));
    if (state_ == SinkState::up && before != SinkState::opening)
        log(LogLevel::notice, {.message = fmt::format("sink {}: up again", to_text(name_)),
                               .details = {{"after_seconds", lasted.count()}}});
}

void SinkHealth::log_again() {
    const int64_t now_us = clock_.steady_us();
    const auto interval = std::chrono::duration_cast<std::chrono::microseconds>(log_interval);
    if (now_us - logged_us_ < interval.count()) return;
    if (state_ == SinkState::down)
        log(LogLevel::warning,
            {.message = fmt::format("sink {}: still down", to_text(name_)),
             .details = {{"for_seconds", age().count()}, {"failed_attempts", failed_attempts_}},
             .note = cause_});
    if (state_ == SinkState::silent) log(LogLevel::warning, "{}", silence(name_, step_.seconds()));
    logged_us_ = now_us;
}

std::chrono::seconds SinkHealth::age() const {
    return std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::microseconds(clock_.steady_us() - since_us_));
}

SinkStatus SinkHealth::status() const {
    const std::lock_guard lock(mutex_);
    return {name_, state_, age(), cause_, failed_attempts_, dead_letters_};
}

std::vector<std::string> SinkHealth::messages() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    if (state_ == SinkState::silent) all.push_back(silence(name_, step_.seconds()));
    if (state_ == SinkState::down)
        all.push_back(
            fmt::format("sink {}: down for {} s: {}", to_text(name_), age().count(), cause_));
    if (dead_letters_ > 0)
        all.push_back(fmt::format(
            "sink {}: refused {} rows, which are kept; list them with `rollcalld spool list "
            "--dead`, fix the cause, and send them with `rollcalld spool replay --dead`",
            to_text(name_), dead_letters_));
    return all;
}

}  // namespace rollcall
