// Heartbeat: the sign of life of a thread. The thread notes where each of its steps begins and
// ends, so that another thread can tell a step that hangs, for example in a system call, from a
// thread that has nothing to do.
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
    // Ends a step and begins the next: for a thread that never waits for longer than a second,
    // whose steps include its waits.
    void next_step() { changes_.add(2); }

    // Returns the number of times that a step has begun or ended: odd while one is under way.
    [[nodiscard]] uint64_t read() const { return changes_.read(); }
    [[nodiscard]] bool is_in_step() const { return read() % 2 == 1; }

private:
    Latest<uint64_t> changes_;
};

// Sets the name that ps, gdb and /proc show for the calling thread: at most 15 characters, because
// the kernel takes no more.
inline void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace rollcall
