#include "sinks/singlestore_watch.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "pipeline/log.h"
#include "sinks/ddl.h"

namespace rollcall {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view pipelines = "PIPELINES";  // Who has this table is a SingleStore.
constexpr milliseconds rest_of_no_use{std::chrono::hours(24)};

PipelineState state_of(std::string_view word) {
    if (word == "Running") return PipelineState::running;
    if (word == "Stopped") return PipelineState::stopped;
    if (word == "Error") return PipelineState::error;
    return PipelineState::unknown;
}

}  // namespace

microseconds LagClock::note(int64_t now_us, int64_t end, int64_t done) {
    while (!samples_.empty() && samples_.front().end <= done) samples_.pop_front();
    if (end <= done) return microseconds(0);
    if (samples_.empty() || samples_.back().end < end) samples_.push_back({now_us, end});
    if (samples_.size() > samples_max) {  // Every second one will do; the first and last stay.
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
      pipeline_(pipeline_name(topic_name(settings.kafka.topic))) {}

SinglestoreWatch::~SinglestoreWatch() { ensure(!thread_.joinable()); }

void SinglestoreWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void SinglestoreWatch::begin_stop() {
    stopping_.advance(1);
    bell_.ring();
}

void SinglestoreWatch::join() { thread_.join(); }

void SinglestoreWatch::run() {
    while (stopping_.read() == 0) bell_.wait(step());
}

milliseconds SinglestoreWatch::step() {
    if (not_singlestore_) return rest_of_no_use;
    slab_.add(Metric::pipeline_polls_total);
    auto found = look();
    if (!found) {
        slab_.add(Metric::pipeline_poll_errors_total);
        show_state(PipelineState::unknown);
        database_.reset();
    }
    say(found ? *std::move(found) : std::move(found.error()));
    if (!not_singlestore_) return settings_.singlestore.watch_interval;
    database_.reset();
    return rest_of_no_use;
}

// What is wrong with the pipeline; an error is that it cannot be asked.
auto SinglestoreWatch::look() -> Step<std::string> {
    if (!database_)
        if (const auto connected = connect(); !connected) return std::unexpected(connected.error());
    auto wrong = look_at_state();
    if (!wrong || not_singlestore_) return wrong;
    if (const auto lag = look_at_lag(); !lag) return std::unexpected(lag.error());
    const auto last_error = look_at_errors();
    if (!last_error) return last_error;
    if (!wrong->empty() && !last_error->empty()) *wrong += "; last error: " + *last_error;
    return wrong;
}

auto SinglestoreWatch::connect() -> Step<> {
    auto options = database_options(settings_);
    if (!options) return std::unexpected(options.error());
    options_ = *std::move(options);
    auto connected = Database::connect(options_);
    if (!connected) return std::unexpected(sentence(options_, connected.error()));
    database_ = *std::move(connected);
    return {};
}

auto SinglestoreWatch::ask(std::string_view what, std::string_view table, std::string_view also)
    -> Step<Rows> {
    auto rows = database_->query(fmt::format(
        "SELECT {} FROM {}.{} WHERE DATABASE_NAME = DATABASE() AND PIPELINE_NAME = {} {}", what,
        catalog_, table, quoted(pipeline_), also));
    if (rows) return *std::move(rows);
    not_singlestore_ = table == pipelines && rows.error().missing_table;
    return std::unexpected(sentence(options_, rows.error()));
}

auto SinglestoreWatch::look_at_state() -> Step<std::string> {
    const auto rows = ask("STATE, SKIPPED_BATCH_PARTITIONS", pipelines);
    if (not_singlestore_) {
        log(LogLevel::notice, "{}:{} is not a SingleStore: there is no pipeline to watch",
            options_.host, options_.port);
        return std::string();
    }
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) {
        show_state(PipelineState::missing);
        return "is missing, or this user may not see it; rollcalld schema apply makes both right";
    }
    const std::string word = rows->front()[0].value_or("");
    const PipelineState state = state_of(word);
    const int64_t skipped = whole_number(rows->front()[1]);
    show_state(state);
    slab_.set(Metric::pipeline_skipped_batch_partitions, skipped);
    if (state == PipelineState::error)
        return fmt::format("has stopped at an error; when that is mended, START PIPELINE {}",
                           pipeline_);
    if (state == PipelineState::stopped)
        return fmt::format("is stopped; START PIPELINE {}", pipeline_);
    if (state == PipelineState::unknown) return fmt::format("is in the state \"{}\"", word);
    if (skipped > 0)
        return fmt::format(
            "has skipped {} batches of partitions, whose rows are missing; see "
            "STOP_ON_ERROR",
            skipped);
    return std::string();
}

auto SinglestoreWatch::look_at_lag() -> Step<> {
    const auto rows =
        ask("COUNT(*), SUM(LATEST_OFFSET), SUM(CURSOR_OFFSET),"
            " SUM(GREATEST(CURSOR_OFFSET - SUCCESSFUL_CURSOR_OFFSET, 0))",
            "PIPELINES_CURSORS");
    if (!rows) return std::unexpected(rows.error());
    const auto& sums = rows->front();
    const int64_t markers = whole_number(sums[0]);
    const auto asked = topic_end_ ? topic_end_() : std::nullopt;
    const int64_t end = asked.value_or(whole_number(sums[1])) - markers;
    const int64_t done = whole_number(sums[2]);
    const auto waits = lag_.note(clock_.steady_us(), end, done);
    slab_.set(
        Metric::pipeline_lag_rows,
        std::max<int64_t>(end - done, 0) * static_cast<int64_t>(settings_.kafka.rows_per_message));
    slab_.set(Metric::pipeline_lag_seconds,
              std::chrono::duration_cast<std::chrono::seconds>(waits).count());
    slab_.set(Metric::pipeline_skipped_messages, whole_number(sums[3]));
    return {};
}

// The last one.
auto SinglestoreWatch::look_at_errors() -> Step<std::string> {
    const auto failed = ask("COUNT(*)", "PIPELINES_BATCHES_SUMMARY", "AND BATCH_STATE = 'Failed'");
    if (!failed) return std::unexpected(failed.error());
    slab_.set(Metric::pipeline_failed_batches, whole_number(failed->front()[0]));
    // An error of a leaf stands there twice, once as what the aggregator makes of it.
    constexpr std::string_view once =
        "AND ERROR_TYPE = 'Error' AND ERROR_MESSAGE NOT LIKE 'LEAF ERROR%'";
    const auto count = ask("COUNT(*)", "PIPELINES_ERRORS", once);
    if (!count) return std::unexpected(count.error());
    slab_.set(Metric::pipeline_errors, whole_number(count->front()[0]));
    const auto last = ask("ERROR_CODE, ERROR_MESSAGE", "PIPELINES_ERRORS",
                          fmt::format("{} ORDER BY ERROR_UNIX_TIMESTAMP DESC LIMIT 1", once));
    if (!last) return std::unexpected(last.error());
    if (last->empty()) return std::string();
    return fmt::format("{} {}", last->front()[0].value_or(""),
                       in_one_line(last->front()[1].value_or("")));
}

void SinglestoreWatch::show_state(PipelineState state) {
    for (size_t i = 0; i < std::size(pipeline_state_names); ++i)
        slab_.set(Metric::pipeline_state, i == label_of(state) ? 1 : 0, i);
}

// The log hears it when it changes.
void SinglestoreWatch::say(std::string what) {
    if (!what.empty()) what = fmt::format("pipeline {}: {}", pipeline_, what);
    const std::string before = trouble_.sentence();
    if (what == before) return;
    if (what.empty())
        log(LogLevel::notice, "pipeline {}: runs", pipeline_);
    else
        log(LogLevel::warning, "{}", what);
    trouble_.say(std::move(what));
}

}  // namespace rollcall
