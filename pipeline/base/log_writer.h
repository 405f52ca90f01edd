// LogWriter: a thread that writes the lines of the log, so that no other thread ever waits for the
// reader of standard error: a journal that hangs, or a terminal whose output is stopped.
//
// Lines wait in a queue of limited size. A line that does not fit is dropped and counted
// (rollcall_log_dropped_lines_total). Only errors may use the last quarter of the queue, so that
// lines about refused clients do not displace the reason why the daemon ends. When the lines that
// wait have been written, another line states how many were dropped behind them.
//
// The thread may block in write(2) for any time. It shares the queue with the LogWriter, which
// waits for the thread with a limit when it is destroyed, and then leaves the thread behind.
//
// Threads: any thread may call add() and flush(); they never wait for the descriptor. At most one
//          LogWriter exists at a time; it takes the lines of log() from its construction to its
//          destruction, which both happen while no other thread logs.
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
    // queue_bytes_max: bytes of lines that may wait, including those that are being written.
    LogWriter(int fd, size_t queue_bytes_max);
    // Waits for at most flush_time_max until all lines are written.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    void add(LogLevel level, std::string_view line);
    // Waits until all lines are written. Returns false if they are not after `longest`.
    bool flush(std::chrono::milliseconds longest = flush_time_max);

    [[nodiscard]] const MetricShard& shard() const;

    static constexpr std::chrono::milliseconds flush_time_max{500};

private:
    class Queue;

    std::shared_ptr<Queue> queue_;  // Shared with the thread, which may outlive this object.
};

}  // namespace rollcall
