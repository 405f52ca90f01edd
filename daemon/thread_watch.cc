#include "daemon/thread_watch.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr int64_t measurement_interval_us = 1'000'000;

}  // namespace

void ThreadWatch::add(std::string name, Role role, const Heartbeat& heartbeat) {
    const std::lock_guard lock(mutex_);
    threads_.push_back({.name = std::move(name), .role = role, .heartbeat = &heartbeat});
}

void ThreadWatch::forget_all() {
    const std::lock_guard lock(mutex_);
    threads_.clear();
}

bool ThreadWatch::measure(int64_t now_us) {
    if (measured_us_ != 0 && now_us - measured_us_ < measurement_interval_us) return false;
    measured_us_ = now_us;
    for (Watched& thread : threads_) measure(thread);
    shard_.set(Metric::stuck_threads, std::ranges::count_if(threads_, &Watched::is_stuck));
    return true;
}

void ThreadWatch::measure(Watched& thread) {
    const bool was_reported = thread.is_reported();
    thread.step.measure(*thread.heartbeat);
    if (thread.is_reported() && !was_reported)
        log(LogLevel::warning,
            "{}: no progress for {} s; acknowledged check-ins are safe. Check the disk, the memory "
            "and the processors",
            thread.name, thread.step.seconds());
    if (was_reported && !thread.is_reported())
        log(LogLevel::notice, "{}: makes progress again", thread.name);
}

bool ThreadWatch::has_stuck(Role role) const {
    return std::ranges::any_of(threads_, [role](const Watched& thread) {
        return thread.role == role && thread.is_stuck();
    });
}

std::vector<std::string> ThreadWatch::health_messages() const {
    std::vector<std::string> messages;
    for (const Watched& thread : threads_)
        if (thread.is_reported())
            messages.push_back(
                fmt::format("{}: no progress for {} s", thread.name, thread.step.seconds()));
    return messages;
}

std::string ThreadWatch::in_step() const {
    std::string names;
    const std::lock_guard lock(mutex_);
    for (const Watched& thread : threads_)
        if (thread.heartbeat->is_in_step()) names += (names.empty() ? "" : ", ") + thread.name;
    return names;
}

}  // namespace rollcall
