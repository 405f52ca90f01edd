// Delivery: a thread for each sink that moves records from the spool into it.
//
// It merges records into a batch until the batch is full or its oldest check-in has waited
// age_max, and hands it to the sink. When the sink fails, the batch is forgotten: the sink is asked
// again where it was, and the spool is read from there. Nothing is dropped, nothing is stored
// twice. The next batch is half as large, down to a record, for this one may have been more than
// the sink can take in its time; each that is stored doubles the next.
//
// In the spool the column `id` holds the report's fingerprint. A row whose fingerprint was seen
// within the window is left out of the batch, unless it says by its sign that it is no copy
// (row_id.h); the others get their id in its place. Whenever the
// spool is read from a position, the window is made anew from the records before it; so a row of
// the batch that failed is not taken for a copy of itself, and what was left out is left out again.
// Only of a report that is sent for longer than the window another copy may then be the one stored.
//
// A sink may say that it is further than this daemon has brought it: another one runs with a copy
// of the state_dir, or the spool is an older copy of itself. What it then calls stored are other
// rows, so the sink is moved back, and gets all of ours.
//
// Rows that the sink refuses for good become dead letters (dead_letters.h), and the rest is stored.
//
// A record that contradicts itself is lost, as one that cannot be read is (spool/lost_records.h).
// When the spool cannot be read for a while, such as for want of file descriptors, that is as if
// the sink were down.
//
// Threads: run() is its own; tests call step() instead. stored() is read by the committer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/health_message.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/columns/row_id.h"
#include "pipeline/delivery/dead_letters.h"
#include "pipeline/delivery/deduplication.h"
#include "pipeline/delivery/sink.h"
#include "pipeline/spool/reader.h"

namespace rollcall {

class Delivery {
public:
    struct Options {
        SinkName name;
        SpoolId spool;
        size_t rows_max;  // At least those of a record, and so is text_max.
        size_t text_max;  // Bytes.
        std::chrono::milliseconds age_max;
        std::chrono::milliseconds retry_delay_max;
        std::chrono::milliseconds duplicate_window;  // 0: every row is stored.
        size_t duplicates_max;
        bool counts_duplicates;          // One delivery does, for each of them meets the same.
        uint64_t quarantine_size_max;    // Bytes.
        uint64_t dead_letters_size_max;  // Bytes.
        bool sync;
    };

    Delivery(Files& files, std::string spool_directory, const Cursor& spool_end, Sink& sink,
             const Clock& clock, MetricShard& shard, Options options,
             std::function<void(const Error&)> on_halt);
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    void start();
    // Stores what the spool holds, as far as that is possible within `longest`; ends the thread.
    void stop(std::chrono::milliseconds longest);

    // Reads, and writes a batch if one is due. Returns how long there is nothing to do.
    // draining: a batch is due though it is neither full nor old.
    [[nodiscard]] Result<std::chrono::milliseconds> step(bool draining = false);

    [[nodiscard]] const Cursor& stored() const { return stored_; }
    // Why the sink is down, while it is.
    [[nodiscard]] const HealthMessage& health_message() const { return health_message_; }
    // Number of records of the spool that this delivery could not read, and that were not counted
    // before.
    [[nodiscard]] uint64_t lost_records() const { return lost_records_.records(); }
    [[nodiscard]] bool caught_up() const { return opened_ && stored_.own() == spool_end_.read(); }

private:
    void run();
    [[nodiscard]] Result<void> open();
    [[nodiscard]] Result<void> look_back();
    [[nodiscard]] Result<void> fill();
    [[nodiscard]] Result<bool> append(const Record& record);
    void drop_duplicates(uint64_t record, size_t first_row);
    [[nodiscard]] int64_t fingerprint(size_t row) const;
    bool came_before(int64_t fingerprint, int64_t received_us);
    [[nodiscard]] Result<void> write();
    void count_dead_letters();
    [[nodiscard]] std::chrono::milliseconds fell_back(const Error& error);
    void came_back();
    [[nodiscard]] std::chrono::milliseconds age() const;
    void begin_batch();

    Files& files_;
    std::string spool_directory_;
    const Cursor& spool_end_;
    Sink& sink_;
    const Clock& clock_;
    MetricShard& shard_;
    Options options_;
    std::function<void(const Error&)> on_halt_;
    RowIds ids_;
    LostRecords lost_records_;
    SpoolReader reader_;
    DeadLetters dead_letters_;
    std::string refused_trouble_;      // Why they could not be kept.
    int64_t dead_letters_due_us_ = 0;  // When they are counted next, by the steady clock.
    Columns batch_;
    std::vector<RowPlace> places_;  // Of the rows in the batch.
    uint64_t batch_first_;          // The first record in the batch.
    uint64_t reached_;            // The sink has stored no record from here on, as far as we know.
    int64_t batch_begun_us_ = 0;  // When its first row was read, by the steady clock.
    DeduplicationWindow seen_;
    std::vector<uint32_t> repeated_;  // Rows of the record that is read.
    size_t batch_duplicates_ = 0;     // Rows left out of the batch.
    bool batch_full_ = false;
    size_t batch_rows_most_;  // Of the next one; rows_max unless the sink has failed lately.
    bool opened_ = false;
    HealthMessage health_message_;
    std::chrono::milliseconds retry_delay_{0};
    int64_t stop_before_us_ = 0;  // Set before stopping_ is moved.
    Wakeup wakeup_;
    Cursor stored_;    // Moved here: records below it are in the sink.
    Cursor stopping_;  // Moved once, by stop(): 1 means drain and return.
    std::thread thread_;
};

}  // namespace rollcall
