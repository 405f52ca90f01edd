// SingleStore watch: polls the database for the state of its pipeline and shows it as metrics
// (rollcall_pipeline_*) and as a health message.
//
//     PIPELINES                  state, batches skipped
//     PIPELINES_CURSORS          for each partition: where the topic ends, what is loaded
//     PIPELINES_BATCHES_SUMMARY  batches that failed
//     PIPELINES_ERRORS           why
//
// Lag is counted in offsets, partition by partition. Each message has one, and so has the marker at
// the end of a transaction. With kafka.transactions the last offset of a partition is a marker,
// which does not count; the other markers do. Lag in rows is that number times rows_per_message, so
// it is an upper bound. Lag in seconds is the time since the topic first reached past the cursor,
// as seen by this watch; it starts at the daemon's start at the earliest.
//
// LATEST_OFFSET is the end that the pipeline saw last; it does not change while the pipeline is
// stopped. If the daemon also has a Kafka sink, topic_end is used if it is larger.
//
// If a partition ends before the cursor, its topic was deleted and created again. The watch reports
// this until somebody sets the cursor back, also after the partition has grown past the cursor.
// Messages between the cursor and the first message of the topic are lost, and counted.
//
// The database forgets its history when it restarts, so counts of batches and errors may fall.
//
// A server without these tables is not a SingleStore: the watch logs that once and stops polling.
//
// Source: https://docs.singlestore.com, information schema reference: the tables above.
// Threads: run() is a thread of its own; tests call step() instead. Any thread may call shard(),
//          health_message() and status().
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/health_message.h"
#include "pipeline/base/wakeup.h"
#include "sinks/sql/database.h"

namespace rollcall {

// LagClock: measures how long a reader has lagged behind a growing end.
class LagClock {
public:
    // Records the current end and the part that is done. Returns how long the oldest rest has
    // waited.
    [[nodiscard]] std::chrono::microseconds note(int64_t now_us, int64_t end, int64_t done);

    static constexpr size_t samples_max = 4096;

private:
    struct Sample {
        int64_t at_us;
        int64_t end;
    };
    std::deque<Sample> samples_;  // Ends that are not done yet, ascending.
};

// PipelineStatus: the result of the last poll. Numbers are sums over all partitions.
struct PipelineStatus {
    std::string pipeline;          // Its name.
    bool not_singlestore = false;  // If true, the members below are not set.
    PipelineState state = PipelineState::unknown;
    int64_t topic_begin = 0;  // Offsets.
    int64_t topic_end = 0;
    int64_t lag_messages = 0;
    int64_t lag_rows = 0;  // Upper bound.
    std::chrono::seconds lag{0};
    int64_t recreated_partitions = 0;
    int64_t expired_messages = 0;  // Dropped by the topic before they were loaded, as of now.
    int64_t skipped_batch_partitions = 0;
    int64_t skipped_messages = 0;
    int64_t failed_batches = 0;  // Since the database started.
    int64_t errors = 0;
    bool failing = false;    // failed_batches or errors has grown since the previous poll.
    std::string last_error;  // "1933 Cannot get source metadata"; empty if none is known.
    std::chrono::seconds last_error_age{0};
    std::string wrong;  // The health message; empty if nothing is wrong.
};

class SinglestoreWatch {
public:
    // Returns the sum of the ends of all partitions of the topic, if it is known.
    using TopicEnd = std::function<std::optional<int64_t>()>;

    // catalog: the schema that holds the tables.
    SinglestoreWatch(const Settings& settings, const Clock& clock, TopicEnd topic_end = {},
                     std::string catalog = "information_schema");
    ~SinglestoreWatch();
    SinglestoreWatch(const SinglestoreWatch&) = delete;
    SinglestoreWatch& operator=(const SinglestoreWatch&) = delete;

    void start();
    void begin_stop();
    // Waits for the thread: if the database does not answer, as long as the settings allow.
    void join();

    // Polls once. Returns how long to wait before the next poll.
    [[nodiscard]] std::chrono::milliseconds step();

    [[nodiscard]] const MetricShard& shard() const { return shard_; }
    // The text is "pipeline site_checkins_v2: ..." while the pipeline has a fault.
    [[nodiscard]] const HealthMessage& health_message() const { return health_message_; }
    [[nodiscard]] PipelineStatus status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    // The results of earlier polls for a partition.
    struct Partition {
        std::optional<int64_t> recreated;  // The cursor when the topic was created again.
        int64_t expired_to = 0;            // Expired messages below this offset are counted.
    };

    void run();
    [[nodiscard]] Result<void> poll(PipelineStatus& now);
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<Rows> select(std::string_view columns, std::string_view table,
                                      std::string_view clauses = "");
    [[nodiscard]] Result<std::string> poll_state(PipelineStatus& now);
    [[nodiscard]] Result<void> poll_lag(PipelineStatus& now);
    void add_partition(PipelineStatus& now, const Rows::value_type& offsets);
    [[nodiscard]] Result<void> poll_errors(PipelineStatus& now);
    void publish(const PipelineStatus& now);
    void report(PipelineStatus& now, const std::string& wrong, const std::string& last_error);

    const Settings& settings_;
    const Clock& clock_;
    TopicEnd topic_end_;
    std::string catalog_;
    std::string pipeline_;
    Database::Options options_;
    std::optional<Database> database_;
    bool not_singlestore_ = false;
    std::map<std::string, Partition> partitions_;
    LagClock lag_;
    bool polled_ = false;  // Whether a poll has succeeded.
    std::string logged_;   // The message that was logged last.
    MetricShard shard_;
    HealthMessage health_message_;
    mutable std::mutex mutex_;  // Guards status_, which only this thread writes.
    PipelineStatus status_;
    Wakeup wakeup_;
    Cursor stopping_;  // Advanced once by begin_stop(): 1 means return.
    std::thread thread_;
};

}  // namespace rollcall
