// Wakeup: wakes a thread that has nothing to do.
//
// It carries no data: what happened is read from cursors. Rings before a wait are not lost, and
// many count as one. Waiters give a time limit all the same, so that a wakeup nobody rang costs
// time, never progress.
//
// Threads: ring() anyone; wait() one thread.
// Source: eventfd(2).
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>

#include "pipeline/base/error.h"

namespace rollcall {

class Wakeup {
public:
    Wakeup() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { ensure(fd_ >= 0); }
    ~Wakeup() { close(fd_); }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    void notify() { (void)!eventfd_write(fd_, 1); }  // Fails only when it is ringing already.

    void wait(std::chrono::milliseconds longest) {
        pollfd waiting{fd_, POLLIN, 0};
        if (poll(&waiting, 1, static_cast<int>(longest.count())) <= 0) return;
        eventfd_t count = 0;
        (void)eventfd_read(fd_, &count);
    }

private:
    int fd_;
};

}  // namespace rollcall
