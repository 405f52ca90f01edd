// Wakeup: wakes a thread that waits for work.
//
// A wakeup contains no data: the thread reads from cursors what there is to do. A notification
// before a wait is not lost, and several notifications count as one. Each wait has a time limit, so
// that a missing notification delays the thread but never stops it.
//
// Errors:  check() returns too_many_files if the constructor found no free descriptor. Each wait
//          then lasts for its full time limit.
// Threads: any thread may call notify(); one thread calls wait().
// Source: eventfd(2).
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "pipeline/base/error.h"

namespace rollcall {

class Wakeup {
public:
    Wakeup() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), errno_(fd_ < 0 ? errno : 0) {}
    ~Wakeup() {
        if (fd_ >= 0) close(fd_);
    }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;

    // Returns whether the constructor has succeeded. Call it before any thread relies on this
    // object.
    [[nodiscard]] Result<void> check() const {
        if (fd_ >= 0) return {};
        return fail(Code::too_many_files, errno_);
    }

    // eventfd_write() fails only while a notification is already pending.
    void notify() { (void)!eventfd_write(fd_, 1); }

    void wait(std::chrono::milliseconds longest) {
        pollfd waiting{fd_, POLLIN, 0};
        if (poll(&waiting, 1, static_cast<int>(longest.count())) <= 0) return;
        eventfd_t count = 0;
        (void)eventfd_read(fd_, &count);
    }

private:
    int fd_;  // Negative if no descriptor was free.
    int errno_;
};

}  // namespace rollcall
