// SingleStore watch: asks the database now and then how its pipeline is, and shows that as metrics
// (rollcall_pipeline_*) and as a sentence for the operator's pages.
//
//     PIPELINES                  state, batches skipped
//     PIPELINES_CURSORS          for each partition: where the topic ends, what is loaded
//     PIPELINES_BATCHES_SUMMARY  batches that failed
//     PIPELINES_ERRORS           why
//
// Lag is counted in offsets, partition by partition: a message has one, and so has the marker at
// the end of a transaction. With kafka.transactions the last offset of a partition is a marker,
// which does not count; the others do. Lag in rows is that times rows_per_message, so it is the
// most that it may be. Lag in seconds is how long ago the topic first reached past the cursor, as
// seen by this watch; of what came before the daemon started it knows no more than that.
//
// LATEST_OFFSET is what the pipeline saw when it last looked, and stands still while it is stopped.
// Who can ask the brokers gives topic_end, which is believed if it is further on.
//
// A partition that ends before the cursor was created anew. That is said until the cursor is set
// back, for once the partition has grown past it nothing else tells. What the topic has dropped
// between the cursor and its own begin is lost, and counted.
//
// The history is lost when the database restarts, so counts of batches and errors may fall.
//
// Against a server that has no such tables it says "not a SingleStore", once, and rests.
//
// Source: https://docs.singlestore.com, information schema reference: the tables above.
// Threads: run() is its own; tests call step() instead. shard(), trouble() and status() are
// anyone's.
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

// Since when something has lagged behind an end that moves.
class LagClock {
public:
    // Now the end is there and `done` of it is done. Returns how long the oldest of the rest waits.
    [[nodiscard]] std::chrono::microseconds note(int64_t now_us, int64_t end, int64_t done);

    static constexpr size_t samples_max = 4096;

private:
    struct Sample {
        int64_t at_us;
        int64_t end;
    };
    std::deque<Sample> samples_;  // Ends past `done`, ascending.
};

// What the watch saw when it last looked. Numbers are of all partitions together.
struct PipelineStatus {
    std::string pipeline;          // Its name.
    bool not_singlestore = false;  // Then there is nothing to see.
    PipelineState state = PipelineState::unknown;
    int64_t topic_begin = 0;  // Offsets.
    int64_t topic_end = 0;
    int64_t lag_messages = 0;
    int64_t lag_rows = 0;  // At most.
    std::chrono::seconds lag{0};
    int64_t recreated_partitions = 0;
    int64_t expired_messages = 0;  // Dropped by the topic, and not loaded: now, not ever.
    int64_t skipped_batch_partitions = 0;
    int64_t skipped_messages = 0;
    int64_t failed_batches = 0;  // As the database remembers.
    int64_t errors = 0;
    bool failing = false;    // There are more of either than when it looked before.
    std::string last_error;  // "1933 Cannot get source metadata"; empty: none is known.
    std::chrono::seconds last_error_age{0};
    std::string wrong;  // What the operator should know, and do; empty: nothing. As in trouble().
};

class SinglestoreWatch {
public:
    // The sum of the ends of all partitions of the topic; nothing if it is not known now.
    using TopicEnd = std::function<std::optional<int64_t>()>;

    // catalog: the schema that has the tables.
    SinglestoreWatch(const Settings& settings, const Clock& clock, TopicEnd topic_end = {},
                     std::string catalog = "information_schema");
    ~SinglestoreWatch();
    SinglestoreWatch(const SinglestoreWatch&) = delete;
    SinglestoreWatch& operator=(const SinglestoreWatch&) = delete;

    void start();
    void begin_stop();
    void join();  // Waits for a database that does not answer as long as the settings allow.

    // Asks once. Returns how long to rest.
    [[nodiscard]] std::chrono::milliseconds step();

    [[nodiscard]] const MetricShard& shard() const { return shard_; }
    // "pipeline site_checkins_v1: ...", while something is wrong.
    [[nodiscard]] const HealthMessage& health_message() const { return health_message_; }
    [[nodiscard]] PipelineStatus status() const {
        const std::lock_guard lock(mutex_);
        return status_;
    }

private:
    template <class T = void>
    using Step = std::expected<T, std::string>;

    // A partition, as it was seen before.
    struct Partition {
        std::optional<int64_t> recreated;  // The cursor that it then ended before.
        int64_t expired_to = 0;            // What is lost below is counted.
    };

    void run();
    [[nodiscard]] Step<> look(PipelineStatus& now);
    [[nodiscard]] Step<> connect();
    [[nodiscard]] Step<Rows> ask(std::string_view what, std::string_view table,
                                 std::string_view also = "");
    [[nodiscard]] Step<std::string> look_at_state(PipelineStatus& now);
    [[nodiscard]] Step<> look_at_lag(PipelineStatus& now);
    void look_at_partition(PipelineStatus& now, const Rows::value_type& offsets);
    [[nodiscard]] Step<> look_at_errors(PipelineStatus& now);
    void show(const PipelineStatus& now);
    void say(PipelineStatus& now, const std::string& wrong, const std::string& last_error);

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
    bool looked_ = false;  // Once, to the end.
    std::string said_;     // In the log.
    MetricShard shard_;
    HealthMessage health_message_;
    mutable std::mutex mutex_;  // Of status_, for others; this thread alone writes it.
    PipelineStatus status_;
    Wakeup wakeup_;
    Cursor stopping_;  // Moved once, by begin_stop(): 1 means return.
    std::thread thread_;
};

}  // namespace rollcall
