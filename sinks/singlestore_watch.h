// SingleStore watch: asks the database now and then how its pipeline is, and shows that as metrics
// (rollcall_pipeline_*) and as a sentence for the operator's pages.
//
//     PIPELINES                  state, batches skipped
//     PIPELINES_CURSORS          for each partition: where the topic ends, what is loaded
//     PIPELINES_BATCHES_SUMMARY  batches that failed
//     PIPELINES_ERRORS           why
//
// Lag in rows is the messages between cursor and end times rows_per_message, so at most that many.
// The last message of each partition does not count: it may be a transaction's marker, which is no
// row. Lag in seconds is how long ago the topic first reached past the cursor, as seen by this
// watch; of what came before the daemon started it knows no more than that.
//
// LATEST_OFFSET is what the pipeline saw when it last looked, and stands still while it is stopped.
// Who can ask the brokers gives topic_end, which is then believed instead.
//
// The history is lost when the database restarts, so counts of batches and errors may fall.
//
// Against a server that has no such tables it says "not a SingleStore", once, and rests.
//
// Source: https://docs.singlestore.com, information schema reference: the tables above.
// Threads: run() is its own; tests call step() instead. trouble() and slab() may be read by anyone.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/clock.h"
#include "pipeline/cursor.h"
#include "pipeline/doorbell.h"
#include "pipeline/trouble.h"
#include "sinks/database.h"

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

    [[nodiscard]] const Slab& slab() const { return slab_; }
    // "pipeline site_checkins_v1: ...", while something is wrong.
    [[nodiscard]] const Trouble& trouble() const { return trouble_; }

private:
    template <class T = void>
    using Step = std::expected<T, std::string>;

    void run();
    [[nodiscard]] Step<std::string> look();
    [[nodiscard]] Step<> connect();
    [[nodiscard]] Step<Rows> ask(std::string_view what, std::string_view table,
                                 std::string_view also = "");
    [[nodiscard]] Step<std::string> look_at_state();
    [[nodiscard]] Step<> look_at_lag();
    [[nodiscard]] Step<std::string> look_at_errors();
    void show_state(PipelineState state);
    void say(std::string sentence);

    const Settings& settings_;
    const Clock& clock_;
    TopicEnd topic_end_;
    std::string catalog_;
    std::string pipeline_;
    Database::Options options_;
    std::optional<Database> database_;
    bool not_singlestore_ = false;
    LagClock lag_;
    Slab slab_;
    Trouble trouble_;
    Doorbell bell_;
    Cursor stopping_;  // Moved once, by begin_stop(): 1 means return.
    std::thread thread_;
};

}  // namespace rollcall
