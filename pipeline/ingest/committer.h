// Committer: the thread that makes check-ins durable.
//
// A step appends every published slot of every ring to the spool as a record, syncs once, and
// advances each ring's `durable`. This is group commit without a timer: the next slots fill while a
// sync runs.
//
//   spool cannot grow   the committer syncs and acknowledges what it has appended; the other slots
//                       wait, workers apply backpressure, and the step is retried
//   any other error     the committer acknowledges nothing more; on_halt ends the process
//
// Between steps, or every few steps if it is never idle, the committer drops the segments that
// every sink has stored and no duplicate window needs, and reports the backlogs. The spool counts
// as full if a step fails even after that.
//
// Threads: start() runs the committer in its own thread; tests call step() instead.
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
        std::function<void()> wake;  // Called when the ring's `durable` has advanced.
        uint64_t written = 0;        // Slots below this are appended.
    };
    struct Reader {
        SinkName sink;
        const Cursor& stored;  // Advanced by the delivery: records below it may be dropped.
    };

    Committer(SpoolWriter& spool, Wakeup& wakeup, MetricShard& shard,
              std::function<void(const Error&)> on_halt);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    // Call these before start().
    void add_source(Ring<Columns>& ring, std::function<void()> wake);
    void add_reader(SinkName sink, const Cursor& stored);

    void start();
    // Makes all published slots durable, and ends the thread. Call it after the workers stopped.
    void stop();

    // Returns the number of slots that became durable.
    [[nodiscard]] Result<size_t> step();
    // Drops segments that every sink has stored, and reports the backlogs.
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
    Cursor stopping_;  // Advanced once, by stop(): 1 means finish and return.
    std::thread thread_;
};

}  // namespace rollcall
