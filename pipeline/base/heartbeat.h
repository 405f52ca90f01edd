// Heartbeat: shows that a thread makes progress. The thread records the beginning and the end of
// each step. So another thread can distinguish a thread that hangs, for example in a system call,
// from a thread that waits for work.
//
// Threads: the observed thread calls begin_step() and end_step(). The thread that starts the
//          observed thread may call them before it does so. Any thread may call read().
#pragma once

#include <pthread.h>

#include <cstdint>
#include <string>

#include "pipeline/base/latest.h"

namespace rollcall {

class Heartbeat {
public:
    void begin_step() { changes_.add(1); }
    void end_step() { changes_.add(1); }
    // Ends a step and begins the next one. Use it only in a thread whose steps include the wait for
    // work, and which never waits longer than a second.
    void next_step() { changes_.add(2); }

    // Returns how many times a step has begun or ended. The number is odd during a step.
    [[nodiscard]] uint64_t read() const { return changes_.read(); }
    [[nodiscard]] bool is_in_step() const { return read() % 2 == 1; }

private:
    Latest<uint64_t> changes_;
};

// Measures how long the current step of another thread takes, by counting the calls of measure()
// during the step. While the whole process is stopped, for example because the machine is
// suspended, no thread calls measure(). So after such a pause the observed thread does not count as
// stuck.
class StepWatch {
public:
    // A thread whose step takes this long is stuck.
    static constexpr int64_t stuck_after_s = 5;

    // Compares the heartbeat with its value at the previous call of measure(). Call it once a
    // second.
    void measure(const Heartbeat& heartbeat) {
        const uint64_t now = heartbeat.read();
        const bool continues = now != seen_ || now % 2 == 0;
        seen_ = now;
        seconds_ = continues ? 0 : seconds_ + 1;
    }
    // Returns how many seconds the current step has taken so far. Returns 0 between steps.
    [[nodiscard]] int64_t seconds() const { return seconds_; }
    [[nodiscard]] bool is_stuck() const { return seconds_ >= stuck_after_s; }

private:
    uint64_t seen_ = 0;
    int64_t seconds_ = 0;
};

// Sets the name that ps, gdb and /proc show for the calling thread. The kernel keeps 15 characters.
inline void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace rollcall
