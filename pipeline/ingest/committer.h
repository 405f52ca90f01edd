// Committer: the thread that makes check-ins durable.
//
// A step appends every published slot of every ring to the spool as a record. It then syncs once
// for all these records and advances the `durable` cursor of each ring. This is group commit
// without a timer: during a sync, the workers fill the next slots.
//
//   spool cannot grow   The committer syncs and acknowledges the slots that it has appended. The
//                       other slots stay in their rings, so the workers apply backpressure. The
//                       committer retries the step.
//   any other error     The committer acknowledges nothing more, and on_halt ends the process.
//
// Between two steps, or every few steps under constant load, the committer drops segments that
// every sink has stored. It keeps a segment that a sink or a deduplication window still needs. It
// also publishes the backlog of each sink. If the spool cannot grow even after segments were
// dropped, the spool counts as full.
//
// Threads: run() is its own thread; tests call step() instead.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/heartbeat.h"
#include "pipeline/base/latest.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/ingest/ring.h"
#include "pipeline/ingest/spool_load.h"
#include "pipeline/spool/writer.h"

namespace rollcall {

class Committer {
public:
    Committer(SpoolWriter& spool, Wakeup& wakeup, MetricShard& shard,
              std::function<void(const Error&)> on_halt);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    // Adds the ring of a worker. The committer calls on_durable when it has advanced the ring's
    // `durable` cursor. Call before start().
    void add_source(Ring<Columns>& ring, std::function<void()> on_durable);
    // Adds a sink. The sink's delivery advances both cursors: the sink has stored the records below
    // `stored`, and cannot lose the records below `settled`. Call before start().
    void add_reader(SinkName sink, const Cursor& stored, const Cursor& settled);

    void start();
    // Makes the published slots durable and ends the thread. The workers must have stopped before.
    void stop();

    // Returns the number of slots that became durable.
    [[nodiscard]] Result<size_t> step();
    // Drops the segments that are no longer needed, and publishes the backlog of each sink.
    [[nodiscard]] Result<void> tidy_up();

    // Any thread may call load() and heartbeat().
    [[nodiscard]] SpoolLoad load() const;
    [[nodiscard]] const Heartbeat& heartbeat() const { return heartbeat_; }

private:
    struct Source {
        Ring<Columns>* ring;
        std::function<void()> on_durable;
        uint64_t appended = 0;  // Slots below this number are in the spool, perhaps not synced.
    };
    struct Reader {
        SinkName sink;
        const Cursor* stored;
        const Cursor* settled;
    };

    void run();
    [[nodiscard]] Result<size_t> try_step(int& busy_steps);
    void note_full(const Result<size_t>& done);
    [[nodiscard]] Result<void> append(Source& source, size_t& slots);

    SpoolWriter& spool_;
    Wakeup& wakeup_;
    MetricShard& shard_;
    std::function<void(const Error&)> on_halt_;
    std::vector<Source> sources_;
    std::vector<Reader> readers_;
    Latest<uint64_t> backlog_bytes_;  // Backlog of the slowest sink.
    Latest<bool> full_;
    Heartbeat heartbeat_;
    Cursor stopping_;  // 1 after stop(): the thread does a last step and ends.
    std::thread thread_;
};

}  // namespace rollcall
