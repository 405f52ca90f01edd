// ThreadWatch: logs when a thread becomes stuck and when the thread continues. A thread is stuck if
// its current step has taken StepWatch::stuck_after_s seconds or more.
//
// Threads: main, except for in_step(), which any thread may call.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/heartbeat.h"

namespace rollcall {

class ThreadWatch {
public:
    enum class Role : uint8_t { worker, committer, delivery };

    // name: the name for the operator, such as "worker 0".
    void add(std::string name, Role role, const Heartbeat& heartbeat);
    // Removes all threads. Call it after the threads have ended and before their Heartbeats are
    // destroyed.
    void forget_all();
    // Compares the heartbeats of all threads with those at the last call. Returns false and has no
    // effect if the last comparison was less than a second ago. Returns true after a comparison.
    bool measure(int64_t now_us);

    [[nodiscard]] bool has_stuck(Role role) const;
    // Returns a message such as "worker 0: no progress for 7 s" for each thread that is stuck,
    // except deliveries.
    [[nodiscard]] std::vector<std::string> health_messages() const;
    // Returns the names of the threads that are executing a step, such as "committer, sink kafka".
    [[nodiscard]] std::string in_step() const;
    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    struct Watched {
        std::string name;
        Role role;
        const Heartbeat* heartbeat;
        StepWatch step{};

        [[nodiscard]] bool is_stuck() const { return step.is_stuck(); }
        // A delivery reports its own health (pipeline/delivery/sink_health.h).
        [[nodiscard]] bool is_reported() const { return role != Role::delivery && is_stuck(); }
    };

    static void measure(Watched& thread);

    // Guards threads_ while main adds or removes threads, and in in_step().
    mutable std::mutex mutex_;
    std::vector<Watched> threads_;
    int64_t measured_us_ = 0;
    MetricShard shard_;
};

}  // namespace rollcall
