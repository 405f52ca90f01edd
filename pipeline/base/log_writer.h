// LogWriter: a thread that writes the log lines. Other threads therefore do not block while
// standard error is not read, for example because the journal hangs or the terminal is stopped.
//
// Lines wait in a queue of limited size. A line that does not fit is dropped and counted
// (rollcall_log_dropped_lines_total). After the waiting lines, the thread writes a line with the
// number of dropped lines. The last quarter of the queue is reserved for errors. So lines about
// refused clients do not displace the reason for an exit.
//
// The thread can block in write(2) for any length of time. The destructor of the LogWriter waits
// for the thread only for a limited time and then abandons it. An abandoned thread can still use
// the queue, because the thread shares the ownership of the queue.
//
// Threads: any thread may call add() and flush(), which never block on the descriptor. At most one
// LogWriter exists at a time. It receives the lines of log() from its construction to its
// destruction. No other thread may log while a LogWriter is constructed or destroyed.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "config/metrics.h"
#include "pipeline/base/log.h"

namespace rollcall {

class LogWriter {
public:
    // fd: the descriptor to which lines are written. It must stay open, because an abandoned thread
    // can still write to it.
    // queue_bytes_max: limit for the bytes of waiting lines and of lines that are being written.
    LogWriter(int fd, size_t queue_bytes_max);
    // Waits until all lines are written, but not longer than flush_time_max.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    void add(LogLevel level, std::string_view line);
    // Waits until all lines are written. Returns false if that takes more time than `longest`.
    bool flush(std::chrono::milliseconds longest = flush_time_max);

    [[nodiscard]] const MetricShard& shard() const;

    static constexpr std::chrono::milliseconds flush_time_max{500};

private:
    class Queue;

    std::shared_ptr<Queue> queue_;  // Shared with the thread, which may outlive this object.
};

}  // namespace rollcall
