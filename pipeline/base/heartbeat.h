// Heartbeat: shows that a thread makes progress. The thread records the beginning and the end of
// each step, so that another thread can tell a step that hangs, for example in a system call, from
// a thread that has nothing to do.
//
// Threads: begin_step() and end_step() belong to the thread, or to the one that starts it; any
//          thread may call read().
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
    // Ends a step and begins the next one. For a thread that never waits for longer than a second
    // and whose steps include its waits.
    void next_step() { changes_.add(2); }

    // Returns how many times a step has begun or ended; odd during a step.
    [[nodiscard]] uint64_t read() const { return changes_.read(); }
    [[nodiscard]] bool is_in_step() const { return read() % 2 == 1; }

private:
    Latest<uint64_t> changes_;
};

// How long the current step of a thread takes. Seconds are counted in measurements, so that a
// thread that was stopped together with the one that measures, for example by a suspended machine,
// does not count as stuck.
class StepWatch {
public:
    // Compares the heartbeat with that of the last call. Call it once a second. Returns seconds().
    int64_t measure(const Heartbeat& heartbeat) {
        const uint64_t now = heartbeat.read();
        const bool continues = now != seen_ || now % 2 == 0;
        seen_ = now;
        seconds_ = continues ? 0 : seconds_ + 1;
        return seconds_;
    }
    // Returns how long the current step takes, as far as is known; 0 between steps.
    [[nodiscard]] int64_t seconds() const { return seconds_; }

private:
    uint64_t seen_ = 0;
    int64_t seconds_ = 0;
};

// Sets the name of the calling thread in ps, gdb and /proc, of which the kernel keeps 15
// characters.
inline void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace rollcall
