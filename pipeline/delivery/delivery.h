// Delivery: the thread that moves records from the spool into one sink.
//
// The delivery merges records into a batch until the batch is full or its oldest check-in has
// waited age_max. It then passes the batch to the sink. When the sink fails, the delivery discards
// the batch, asks the sink for the position again and reads the spool from there. So no record is
// dropped, and none is stored twice. The next batch is limited to half the rows of the failed
// batch, because the failed batch may have been too large for the sink's timeout. A batch always
// has at least one record. Each later batch that the sink stores doubles the limit, up to rows_max.
//
// Deduplication: in the spool, the column `id` holds the report's fingerprint. A row whose
// fingerprint was seen within the window is left out of the batch, unless the row is marked as a
// first sending (row_id.h). In every other row, the row's id replaces the fingerprint. Whenever the
// delivery begins to read at a new position, it fills the window with the fingerprints of the
// records before this position. So a row of a failed batch is not taken for a duplicate of itself.
// A row that was left out of the batch is left out again. There is one exception. If a router
// repeats a report for longer than the window, the delivery can store a different copy of the
// report when it reads the spool again.
//
// The sink's position comes from a database or broker, so the delivery assumes nothing about it.
// Two cases are unexpected:
//   The position went back.   A backup was restored, a replica lagged, or the position was deleted.
//                  The delivery sends again what the spool still holds. It counts the records that
//                  neither the sink nor the spool holds any more.
//   The position includes records that this spool does not have.   Another daemon runs with a copy
//                  of state_dir, or the spool was restored from an older copy. From the lineage,
//                  the delivery learns which records of this spool the position includes. The
//                  spool gets a new incarnation, which has a position of its own (spool/lineage.h).
//
// Rows that the sink can never store become dead letters (dead_letters.h).
//
// A record whose content contradicts itself counts as lost, like a record that cannot be read
// (spool/lost_records.h). If the spool cannot be read for a while, for example because no file
// descriptor is free, the delivery waits and tries again, as for a sink that is down. One step
// skips a bounded amount of damage, and reads a bounded number of records to fill the window. So a
// request to stop is noticed in time.
//
// Errors:  step() fails only with an error whose action is halt. Any other failure is a health
//          message and a delay before the next attempt.
// Threads: run() is a thread of its own; tests call step() instead. The committer reads stored()
//          and settled(); the main thread reads heartbeat().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/heartbeat.h"
#include "pipeline/base/wakeup.h"
#include "pipeline/columns/columns.h"
#include "pipeline/columns/row_id.h"
#include "pipeline/delivery/dead_letters.h"
#include "pipeline/delivery/deduplication.h"
#include "pipeline/delivery/sink.h"
#include "pipeline/delivery/sink_health.h"
#include "pipeline/spool/reader.h"

namespace rollcall {

class Delivery {
public:
    struct Options {
        SinkName name;
        std::string spool_directory;
        SpoolId spool;    // Without a lineage, the id also serves as incarnation and run.
        size_t rows_max;  // At least the maximum number of rows in a record.
        size_t text_max;  // At least the maximum bytes of the texts in a record.
        std::chrono::milliseconds age_max;
        std::chrono::milliseconds retry_delay_max;
        std::chrono::milliseconds duplicate_window;  // If it is 0, every row is stored.
        size_t duplicates_max;
        bool counts_duplicates = false;  // True for one delivery. All find the same duplicates.
        // The quarantine of the spool (spool/lost_records.h), which all deliveries of the spool
        // share. If nullptr, the delivery has a quarantine of its own, which keeps no bytes.
        std::shared_ptr<Quarantine> quarantine = nullptr;
        uint64_t dead_letters_size_max = 0;  // Limit in bytes, see DeadLetters::Options.
        bool sync = false;                   // Whether dead letters are synced.
        Lineage* lineage = nullptr;          // The spool's lineage; nullptr for a replay.
        // The thread calls this function last, with the error that ends the daemon.
        std::function<void(const Error&)> on_halt = [](const Error&) {};
    };

    // spool_end: the end of the durable records. All five references must outlive the delivery.
    Delivery(Files& files, const Clock& clock, MetricShard& shard, const Cursor& spool_end,
             Sink& sink, Options options);
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    // Returns an error if the constructor could not open the descriptor that the delivery needs.
    // Call before start().
    [[nodiscard]] Result<void> check() const { return wakeup_.check(); }
    void start();
    // Makes the thread store the rest of the spool and then end. After `timeout`, the thread begins
    // no further step. How long the last step takes depends on the sink. If more than 4,096 records
    // are left, the thread gets only a twentieth of `timeout`. To store so many records can take
    // hours, and after the next start the delivery continues with them anyway.
    void begin_stop(std::chrono::milliseconds timeout);
    // Waits for the thread. Call it after begin_stop().
    void join();

    // Reads records into the batch, and passes the batch to the sink if it is due. Returns how long
    // the caller may wait before the next step. If `draining` is true, a batch is due even if it is
    // neither full nor old.
    [[nodiscard]] Result<std::chrono::milliseconds> step(bool draining = false);

    // Shows the beginning and the end of each step. A step includes the calls into the sink.
    [[nodiscard]] const Heartbeat& heartbeat() const { return heartbeat_; }
    [[nodiscard]] const Cursor& stored() const { return stored_; }
    // The sink cannot lose the records below this cursor (Sink::settled()).
    [[nodiscard]] const Cursor& settled() const { return settled_; }
    // Returns the state of the sink, with the reason while the sink is down.
    [[nodiscard]] const SinkHealth& health() const { return health_; }
    // Detects a sink that does not respond. The main thread calls it once a second.
    void measure_health() { health_.measure(heartbeat_); }
    // Returns the number of lost records that this delivery was the first to find.
    [[nodiscard]] uint64_t lost_records() const { return lost_records_.records(); }
    [[nodiscard]] bool caught_up() const { return opened_ && stored_.own() == spool_end_.read(); }

private:
    void run();
    [[nodiscard]] uint64_t records_left() const;
    [[nodiscard]] int64_t stop_time_left_us() const;
    [[nodiscard]] Result<std::chrono::milliseconds> attempt_step(bool draining);
    // The meaning of a sink's position for the records of this spool.
    struct Held {
        uint64_t below;        // The sink has the records below this number.
        bool is_ours = true;   // False if the position includes records that this spool lacks.
        bool is_known = true;  // False if the position says nothing about this spool's records.
    };

    // The progress of opening the sink.
    struct Opening {
        uint64_t from;  // The first record that the sink lacks.
        bool is_ours;   // See Held.
        std::optional<Cursor> window_end;
        std::optional<SpoolReader> window;  // Reads the records whose fingerprints fill the window.
    };

    [[nodiscard]] Result<bool> open();
    [[nodiscard]] Result<void> begin_open();
    [[nodiscard]] Result<void> end_open();
    [[nodiscard]] Result<Held> find_start();
    [[nodiscard]] Held held_by(const Position& position) const;
    [[nodiscard]] Result<Held> held_by_earlier(std::span<const IncarnationId> incarnations);
    [[nodiscard]] Result<void> leave_position(const IncarnationId& incarnation,
                                              const Position& position, const Held& held);
    void note_setback(uint64_t from);
    void count_missing();
    [[nodiscard]] RunId run_before(uint64_t record) const;
    [[nodiscard]] Result<bool> begin_window();
    [[nodiscard]] Result<bool> fill_window();
    [[nodiscard]] Result<void> fill_batch();
    [[nodiscard]] Result<bool> append(const Record& record);
    void drop_duplicates(const Record& record, size_t first_row);
    void translate_signs(std::span<const uint8_t> columns_at, size_t first_row);
    [[nodiscard]] std::optional<uint64_t> fingerprint(size_t row) const;
    bool seen_before(std::optional<uint64_t> fingerprint, int64_t received_us);
    [[nodiscard]] Result<void> write();
    void advance_stored(uint64_t end);
    void retreat_stored(uint64_t end);
    void count_batch(size_t refused);
    void count_dead_letters();
    [[nodiscard]] std::chrono::milliseconds mark_down(const Error& error);
    void mark_up();
    void measure_backlog();
    [[nodiscard]] std::chrono::milliseconds age() const;
    void begin_batch();

    Files& files_;
    const Clock& clock_;
    MetricShard& shard_;
    const Cursor& spool_end_;
    Sink& sink_;
    Options options_;
    RunId ids_run_;
    RowIds ids_;  // Computes the ids of the rows that run ids_run_ wrote.
    LostRecords lost_records_;
    SpoolReader reader_;
    DeadLetters dead_letters_;
    int64_t dead_letters_due_us_ = 0;  // Steady time of the next count of dead letters.

    Columns batch_;
    std::vector<RowPlace> places_;  // Place in the spool of each row of the batch.
    uint64_t batch_first_;          // The first record of the batch.
    int64_t batch_begun_us_ = 0;    // Steady time at which the first row of the batch was read.
    size_t batch_duplicates_ = 0;   // Rows that were left out of the batch.
    bool batch_full_ = false;
    size_t batch_rows_limit_;  // At most rows_max; lower after the sink has failed.

    DeduplicationWindow window_;
    std::vector<uint32_t> repeated_;  // Duplicate rows of the record that is being read.

    // Records of the current run at or above this number were never sent to the sink, so the sink
    // cannot have stored them.
    uint64_t attempted_end_;
    std::optional<Opening> opening_;
    bool opened_ = false;
    bool was_opened_ = false;     // True once the sink was open. Then stored_ is its position.
    uint64_t missing_below_ = 0;  // Missing records below this number are already counted.
    SinkHealth health_;
    std::chrono::milliseconds retry_delay_{0};
    // Steady time since which the sink has lacked records, as far as the delivery knows. 0 while
    // the sink is up.
    int64_t lacks_since_us_ = 0;
    // The steady time at which the stop began, and how long the stop may take. Set before stopping_
    // advances.
    int64_t stop_begun_us_ = 0;
    std::chrono::milliseconds stop_timeout_{0};
    Heartbeat heartbeat_;
    Wakeup wakeup_;
    Cursor stored_;    // Advanced by the delivery: the sink holds the records below it.
    Cursor settled_;   // Advanced by the delivery: the spool need not keep the records below it.
    Cursor stopping_;  // 1 after begin_stop(): the thread stores the rest of the spool and ends.
    std::thread thread_;
};

}  // namespace rollcall
