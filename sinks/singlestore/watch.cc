#include "sinks/singlestore/watch.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/base/log.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view pipelines = "PIPELINES";  // Only SingleStore has this table.
// Interval between two calls of step() if the server has no pipelines.
constexpr milliseconds wait_without_use{std::chrono::hours(24)};

PipelineState state_of(std::string_view word) {
    if (word == "Running") return PipelineState::running;
    if (word == "Stopped") return PipelineState::stopped;
    if (word == "Error") return PipelineState::error;
    return PipelineState::unknown;
}

// Returns the fault of the pipeline and its remedy; empty if there is no fault.
std::string wrong_with(const PipelineStatus& now, std::string_view state_word) {
    const std::string name = name_quoted(now.pipeline);
    std::vector<std::string> wrong;
    if (now.state == PipelineState::missing)
        wrong.emplace_back(
            "is missing, or singlestore.user lacks the right to see it; run `rollcalld schema "
            "apply`");
    else if (now.state == PipelineState::error)
        wrong.push_back("has stopped at an error; when that is fixed, START PIPELINE " + name);
    else if (now.state == PipelineState::stopped)
        wrong.push_back("is stopped; START PIPELINE " + name);
    else if (now.state == PipelineState::unknown)
        wrong.push_back(fmt::format("is in the state \"{}\"", state_word));
    if (now.recreated_partitions > 0)
        wrong.push_back(fmt::format(
            "the topic was created anew: {} of its partitions ended before the pipeline's cursor, "
            "and nothing is loaded from them; run STOP PIPELINE {}; ALTER PIPELINE {} SET OFFSETS "
            "EARLIEST; START PIPELINE {}",
            now.recreated_partitions, name, name, name));
    if (now.expired_messages > 0)
        wrong.push_back(fmt::format(
            "{} messages expired before they were loaded, and their rows are missing; the topic "
            "must keep messages for longer, see its retention.ms",
            now.expired_messages));
    if (now.skipped_batch_partitions > 0)
        wrong.push_back(fmt::format(
            "has skipped {0} batches (counted for each partition), and their rows are missing; run "
            "STOP PIPELINE {1}; ALTER PIPELINE {1} STOP_ON_ERROR ON; ALTER PIPELINE {1} SET "
            "OFFSETS "
            "to before these batches; START PIPELINE {1}. Rows that the table has are not stored "
            "again",
            now.skipped_batch_partitions, name));
    if (now.state == PipelineState::running && now.failing)
        wrong.emplace_back("batches fail and are tried again");
    return fmt::format("{}", fmt::join(wrong, "; "));
}

}  // namespace

microseconds LagClock::note(int64_t now_us, int64_t end, int64_t done) {
    while (!samples_.empty() && samples_.front().end <= done) samples_.pop_front();
    if (end <= done) return microseconds(0);
    // If the end is lower than before, the topic was created again. Then the new end replaces all
    // earlier ends, but the time since which the reader has been behind stays.
    if (!samples_.empty() && samples_.back().end > end) samples_ = {{samples_.front().at_us, end}};
    if (samples_.empty() || samples_.back().end < end) samples_.push_back({now_us, end});
    if (samples_.size() > samples_max) {  // Keep every second sample, and the last one.
        std::deque<Sample> kept;
        for (size_t i = 0; i < samples_.size(); i += 2) kept.push_back(samples_[i]);
        if (kept.back().end != samples_.back().end) kept.push_back(samples_.back());
        samples_ = std::move(kept);
    }
    return microseconds(now_us - samples_.front().at_us);
}

SinglestoreWatch::SinglestoreWatch(const Settings& settings, const Clock& clock, TopicEnd topic_end,
                                   std::string catalog)
    : settings_(settings),
      clock_(clock),
      topic_end_(std::move(topic_end)),
      catalog_(std::move(catalog)),
      pipeline_(pipeline_name(topic_name(settings.kafka.topic))) {
    status_.pipeline = pipeline_;
}

SinglestoreWatch::~SinglestoreWatch() { ensure(!thread_.joinable()); }

void SinglestoreWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void SinglestoreWatch::begin_stop() {
    stopping_.advance(1);
    wakeup_.notify();
}

void SinglestoreWatch::join() { thread_.join(); }

void SinglestoreWatch::run() {
    while (stopping_.read() == 0) wakeup_.wait(step());
}

milliseconds SinglestoreWatch::step() {
    if (not_singlestore_) return wait_without_use;
    shard_.add(Metric::pipeline_polls_total);
    PipelineStatus now = status_;  // Values that this poll cannot read keep their old value.
    if (const auto polled = poll(now); !polled) {
        shard_.add(Metric::pipeline_poll_errors_total);
        now.state = PipelineState::unknown;
        const std::string why = describe(polled.error());
        report(now, "its state is unknown, because the daemon cannot read it: " + why, {});
        database_.reset();
    }
    if (not_singlestore_) {
        now = PipelineStatus();
        now.pipeline = pipeline_;
        now.not_singlestore = true;
        health_message_.clear();
        database_.reset();
    }
    publish(now);
    return not_singlestore_ ? wait_without_use : settings_.singlestore.watch_interval;
}

// Fails if the database cannot be queried.
Result<void> SinglestoreWatch::poll(PipelineStatus& now) {
    if (!database_)
        if (const auto connected = connect(); !connected) return connected;
    const auto state = poll_state(now);
    if (!state) return std::unexpected(state.error());
    if (not_singlestore_) return {};
    if (const auto lag = poll_lag(now); !lag) return lag;
    if (const auto errors = poll_errors(now); !errors) return errors;
    polled_ = true;
    report(now, wrong_with(now, *state), now.last_error);
    return {};
}

Result<void> SinglestoreWatch::connect() {
    auto options = database_options(settings_);
    if (!options) return std::unexpected(options.error());
    options_ = *std::move(options);
    auto connected = Database::connect(options_);
    if (!connected) return std::unexpected(connected.error());
    database_ = *std::move(connected);
    return {};
}

// Selects the rows of this pipeline from a table of the catalog.
Result<Rows> SinglestoreWatch::select(std::string_view columns, std::string_view table,
                                      std::string_view clauses) {
    auto rows = database_->query(fmt::format(
        "SELECT {} FROM {}.{} WHERE DATABASE_NAME = DATABASE() AND PIPELINE_NAME = {} {}", columns,
        catalog_, table, string_literal(pipeline_), clauses));
    if (rows || rows.error().code != Code::table_missing) return rows;
    not_singlestore_ = table == pipelines;
    return fail(Code::table_missing, describe(rows.error()) + "; SingleStore 8.1 and later has it");
}

// Returns the state in the spelling of the database.
Result<std::string> SinglestoreWatch::poll_state(PipelineStatus& now) {
    const auto rows = select("STATE, SKIPPED_BATCH_PARTITIONS", pipelines);
    if (not_singlestore_) {
        log(LogLevel::notice, "pipeline watch: off, because {}:{} is not a SingleStore server",
            options_.host, options_.port);
        return std::string();
    }
    if (!rows) return std::unexpected(rows.error());
    now.state = PipelineState::missing;
    now.skipped_batch_partitions = 0;
    if (rows->empty()) return std::string();
    const std::string word = rows->front()[0].value_or("");
    now.state = state_of(word);
    now.skipped_batch_partitions = whole_number(rows->front()[1]);
    return word;
}

Result<void> SinglestoreWatch::poll_lag(PipelineStatus& now) {
    const auto rows = select(
        "SOURCE_PARTITION_ID, EARLIEST_OFFSET, LATEST_OFFSET, CURSOR_OFFSET,"
        " SUCCESSFUL_CURSOR_OFFSET",
        "PIPELINES_CURSORS");
    if (!rows) return std::unexpected(rows.error());
    now.topic_begin = now.topic_end = now.lag_messages = 0;
    now.recreated_partitions = now.expired_messages = now.skipped_messages = 0;
    for (const auto& offsets : *rows) add_partition(now, offsets);
    if (const auto end = topic_end_ ? topic_end_() : std::nullopt; end && *end > now.topic_end) {
        now.lag_messages += *end - now.topic_end;
        now.topic_end = *end;
    }
    now.lag_rows = now.lag_messages * static_cast<int64_t>(settings_.kafka.rows_per_message);
    now.lag = std::chrono::duration_cast<std::chrono::seconds>(
        lag_.note(clock_.steady_us(), now.topic_end, now.topic_end - now.lag_messages));
    return {};
}

void SinglestoreWatch::add_partition(PipelineStatus& now, const Rows::value_type& offsets) {
    if (!offsets[2]) return;  // The pipeline has not seen the partition yet.
    Partition& partition = partitions_[offsets[0].value_or("")];
    const int64_t begin = whole_number(offsets[1]);
    const int64_t end = whole_number(offsets[2]);
    const int64_t cursor = offsets[3] ? whole_number(offsets[3]) : begin;
    if (end < cursor)
        partition = {.recreated = cursor};
    else if (partition.recreated && cursor < *partition.recreated)
        partition.recreated.reset();
    const int64_t marker = settings_.kafka.transactions ? 1 : 0;
    const int64_t loaded_to = partition.recreated ? begin : std::max(begin, cursor);
    now.topic_begin += begin;
    now.topic_end += end;
    now.lag_messages += std::max<int64_t>(end - marker - loaded_to, 0);
    now.recreated_partitions += partition.recreated ? 1 : 0;
    now.expired_messages += std::max<int64_t>(begin - cursor, 0);
    shard_.add(Metric::pipeline_expired_messages_total,
               std::max<int64_t>(begin - std::max(cursor, partition.expired_to), 0));
    partition.expired_to = std::max(partition.expired_to, begin);
    if (offsets[4]) now.skipped_messages += std::max<int64_t>(cursor - whole_number(offsets[4]), 0);
}

Result<void> SinglestoreWatch::poll_errors(PipelineStatus& now) {
    const auto failed =
        select("COUNT(*)", "PIPELINES_BATCHES_SUMMARY", "AND BATCH_STATE = 'Failed'");
    if (!failed) return std::unexpected(failed.error());
    // The table contains two rows for an error of a leaf node. The second row comes from the
    // aggregator and begins with LEAF ERROR. Do not count the second row.
    constexpr std::string_view once =
        "AND ERROR_TYPE = 'Error' AND ERROR_MESSAGE NOT LIKE 'LEAF ERROR%'";
    const auto count = select("COUNT(*)", "PIPELINES_ERRORS", once);
    if (!count) return std::unexpected(count.error());
    const auto last = select("ERROR_CODE, ERROR_MESSAGE, UNIX_TIMESTAMP() - ERROR_UNIX_TIMESTAMP",
                             "PIPELINES_ERRORS",
                             fmt::format("{} ORDER BY ERROR_UNIX_TIMESTAMP DESC LIMIT 1", once));
    if (!last) return std::unexpected(last.error());
    const int64_t failed_before = std::exchange(now.failed_batches, whole_number((*failed)[0][0]));
    const int64_t errors_before = std::exchange(now.errors, whole_number((*count)[0][0]));
    now.failing = polled_ && (now.failed_batches > failed_before || now.errors > errors_before);
    now.last_error.clear();
    if (last->empty()) return {};
    const auto& error = last->front();
    now.last_error =
        fmt::format("{} {}", error[0].value_or(""), in_one_line(error[1].value_or("")));
    now.last_error_age = std::chrono::seconds(std::max<int64_t>(whole_number(error[2]), 0));
    return {};
}

void SinglestoreWatch::publish(const PipelineStatus& now) {
    for (size_t i = 0; i < std::size(pipeline_state_names); ++i)
        shard_.set(Metric::pipeline_state, !now.not_singlestore && i == label_of(now.state), i);
    const std::pair<Metric, int64_t> values[] = {
        {Metric::pipeline_topic_begin_messages, now.topic_begin},
        {Metric::pipeline_topic_end_messages, now.topic_end},
        {Metric::pipeline_lag_messages, now.lag_messages},
        {Metric::pipeline_lag_rows, now.lag_rows},
        {Metric::pipeline_lag_seconds, now.lag.count()},
        {Metric::pipeline_recreated_partitions, now.recreated_partitions},
        {Metric::pipeline_skipped_batch_partitions, now.skipped_batch_partitions},
        {Metric::pipeline_skipped_messages, now.skipped_messages},
        {Metric::pipeline_failed_batches, now.failed_batches},
        {Metric::pipeline_errors, now.errors},
    };
    for (const auto& [metric, value] : values) shard_.set(metric, value);
    const std::lock_guard lock(mutex_);
    status_ = now;
}

// Sets the health message. Logs it when it changes, but not if only the age of the last error
// changes.
void SinglestoreWatch::report(PipelineStatus& now, const std::string& wrong,
                              const std::string& last_error) {
    now.wrong = wrong.empty() ? "" : fmt::format("pipeline {}: {}", pipeline_, wrong);
    std::string message = wrong.empty() ? "" : now.wrong + last_error;
    if (!wrong.empty() && !last_error.empty())
        now.wrong +=
            fmt::format("; last error, {} s ago: {}", now.last_error_age.count(), last_error);
    health_message_.set(now.wrong);
    if (message == logged_) return;
    if (wrong.empty())
        log(LogLevel::notice, "pipeline {}: running without errors", pipeline_);
    else
        log(LogLevel::warning, "{}", now.wrong);
    logged_ = std::move(message);
}

}  // namespace rollcall
