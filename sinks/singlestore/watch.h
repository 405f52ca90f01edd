// SingleStore watch: polls the state of the pipeline in SingleStore. The watch publishes the state
// as metrics (rollcall_pipeline_*) and as a health message.
//
//     PIPELINES                  state, batches skipped
//     PIPELINES_CURSORS          for each partition: the end of the topic, and of the loaded part
//     PIPELINES_BATCHES_SUMMARY  batches that failed
//     PIPELINES_ERRORS           the causes of failures
//
// Lag is what the topic holds and the pipeline has not loaded yet. The watch counts lag in offsets,
// for each partition. Each message has an offset, and so has the marker at the end of a
// transaction. With kafka.transactions, the last offset of a partition is a marker. The watch does
// not count this last marker, but it counts all other markers. Lag in rows is the lag in offsets
// times rows_per_message, so it is an upper bound. For the lag in seconds, the watch notes the end
// of the topic at each poll. The lag is the time since the watch noted the oldest end that the
// pipeline has not reached yet. Time before the daemon's start does not count.
//
// LATEST_OFFSET is the end of the topic as the pipeline last saw it. So LATEST_OFFSET does not
// change while the pipeline is stopped. If the daemon also has a Kafka sink, the larger of
// LATEST_OFFSET and topic_end counts.
//
// If a partition ends before the pipeline's cursor, the topic was deleted and created again. The
// watch reports this until the operator sets the cursor back, even after the partition has grown
// beyond the cursor. Messages between the cursor and the first message of the topic are lost, and
// counted.
//
// A restart of the database deletes the history in PIPELINES_BATCHES_SUMMARY and PIPELINES_ERRORS,
// so the counts of batches and errors can decrease.
//
// A server without the table PIPELINES is not SingleStore. The watch logs that once and stops
// polling.
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

// LagClock: measures how long a reader has been behind the end of a log that grows.
class LagClock {
public:
    // end: the current end of the log. done: the end of the part that was read. Returns how long
    // the oldest unread part has waited.
    [[nodiscard]] std::chrono::microseconds note(int64_t now_us, int64_t end, int64_t done);

    static constexpr size_t samples_max = 4096;

private:
    struct Sample {
        int64_t at_us;
        int64_t end;
    };
    std::deque<Sample> samples_;  // Ends that the reader has not reached yet, ascending.
};

// PipelineStatus: the result of the last poll. Numbers are sums over all partitions.
struct PipelineStatus {
    std::string pipeline;
    bool not_singlestore = false;  // If true, the members below are not set.
    PipelineState state = PipelineState::unknown;
    int64_t topic_begin = 0;  // Sum of the first offsets of all partitions.
    int64_t topic_end = 0;
    int64_t lag_messages = 0;
    int64_t lag_rows = 0;  // Upper bound of the lag in rows.
    std::chrono::seconds lag{0};
    int64_t recreated_partitions = 0;
    int64_t expired_messages = 0;  // Messages that the topic has dropped before they were loaded.
    int64_t skipped_batch_partitions = 0;
    int64_t skipped_messages = 0;
    int64_t failed_batches = 0;  // Batches that failed since the database started.
    int64_t errors = 0;
    bool failing = false;    // failed_batches or errors has grown since the previous poll.
    std::string last_error;  // For example "1933 Cannot get source metadata"; may be empty.
    std::chrono::seconds last_error_age{0};
    std::string wrong;  // The health message; empty if nothing is wrong.
};

class SinglestoreWatch {
public:
    // Returns the sum of the ends of all partitions of the topic, or nothing if it is not known.
    using TopicEnd = std::function<std::optional<int64_t>()>;

    // catalog: the schema that contains the tables PIPELINES, PIPELINES_CURSORS and so on.
    SinglestoreWatch(const Settings& settings, const Clock& clock, TopicEnd topic_end = {},
                     std::string catalog = "information_schema");
    ~SinglestoreWatch();
    SinglestoreWatch(const SinglestoreWatch&) = delete;
    SinglestoreWatch& operator=(const SinglestoreWatch&) = delete;

    void start();
    void begin_stop();
    // Waits for the thread. If the database does not answer, join() can take as long as the
    // timeouts in the settings.
    void join();

    // Polls once. Returns how long to wait before the next poll.
    [[nodiscard]] std::chrono::milliseconds step();

    [[nodiscard]] const MetricShard& shard() const { return shard_; }
    // While the pipeline has a fault, the text is "pipeline site_checkins_v2: ...".
    [[nodiscard]] const HealthMessage& health_message() const { return health_message_; }
    [[nodiscard]] PipelineStatus status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    // Results of earlier polls about one partition.
    struct Partition {
        std::optional<int64_t> recreated;  // The cursor when the topic was found to be new.
        int64_t expired_to = 0;  // Expired messages below this offset are already counted.
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
    bool polled_ = false;  // True once a poll has succeeded.
    std::string logged_;   // The message that was logged last.
    MetricShard shard_;
    HealthMessage health_message_;
    mutable std::mutex mutex_;  // Guards status_, which only the watch's thread writes.
    PipelineStatus status_;
    Wakeup wakeup_;
    Cursor stopping_;  // Advanced once, by begin_stop(), to make the thread return.
    std::thread thread_;
};

}  // namespace rollcall
