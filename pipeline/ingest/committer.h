// Committer: the thread that makes check-ins durable.
//
// A step takes every published slot of every ring, appends each as a record, syncs once for all,
// and moves each ring's `durable`. Group commit is natural: while one sync runs the next slots
// fill, and nobody waits for a timer.
//
//   spool cannot grow   what is appended is synced and acknowledged; the rest stays in its slots,
//                       workers stop reading, the step is tried again
//   any other error     nothing more is acknowledged; on_halt ends the process
//
// Between steps it drops the segments that every sink has stored and no duplicate window needs, and
// says how large the backlogs are; when it is never idle, every few steps.
// The spool counts as full when a step fails although that was done.
//
// Threads: run() is its own; tests call step() instead.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/ingest/ring.h"
#include "pipeline/spool/writer.h"

namespace rollcall {

class Committer {
public:
    struct Source {
        Ring<Columns>& ring;
        std::function<void()> wake;  // Called when the ring's `durable` has moved.
        uint64_t written = 0;        // Slots below are appended.
    };
    struct Reader {
        SinkName sink;
        const Cursor& stored;  // Moved by the delivery: records below may be dropped.
    };

    Committer(SpoolWriter& spool, Wakeup& wakeup, MetricShard& shard,
              std::function<void(const Error&)> on_halt);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    // All before start().
    void add_source(Ring<Columns>& ring, std::function<void()> wake);
    void add_reader(SinkName sink, const Cursor& stored);

    void start();
    // Makes durable what is published, and ends the thread. The workers have stopped.
    void stop();

    // How many slots became durable.
    [[nodiscard]] Result<size_t> step();
    // Drops what every sink has stored, and reports the backlogs.
    [[nodiscard]] Result<void> tidy_up();

private:
    void run();
    [[nodiscard]] Result<void> append(Source& source, size_t& slots);
    [[nodiscard]] bool idle() const;

    SpoolWriter& spool_;
    Wakeup& wakeup_;
    MetricShard& shard_;
    std::function<void(const Error&)> on_halt_;
    std::vector<Source> sources_;
    std::vector<Reader> readers_;
    Cursor stopping_;  // Moved once, by stop(): 1 means finish and return.
    std::thread thread_;
};

}  // namespace rollcall
