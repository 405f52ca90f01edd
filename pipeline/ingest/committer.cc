#include "pipeline/ingest/committer.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_wait = 100ms;   // Maximum time between two calls of tidy_up() when idle.
constexpr auto retry_wait = 20ms;   // Time between retries while the spool cannot grow.
constexpr int busy_steps_max = 64;  // Maximum steps between two calls of tidy_up() when busy.

}  // namespace

Committer::Committer(SpoolWriter& spool, Wakeup& wakeup, MetricShard& shard,
                     std::function<void(const Error&)> on_halt)
    : spool_(spool), wakeup_(wakeup), shard_(shard), on_halt_(std::move(on_halt)) {}

Committer::~Committer() { ensure(!thread_.joinable()); }

void Committer::add_source(Ring<Columns>& ring, std::function<void()> on_durable) {
    sources_.push_back({&ring, std::move(on_durable)});
}

void Committer::add_reader(SinkName sink, const Cursor& stored, const Cursor& settled) {
    readers_.push_back({sink, &stored, &settled});
}

void Committer::start() {
    heartbeat_.begin_step();
    thread_ = std::thread([this] {
        run();
        heartbeat_.end_step();
    });
}

void Committer::stop() {
    stopping_.advance(1);
    wakeup_.notify();
    thread_.join();
}

void Committer::run() {
    name_this_thread("committer");
    int busy_steps = 0;
    for (;;) {
        // Read stopping_ before the step, so that the last step sees everything that was published
        // before stop().
        const bool last = stopping_.read() != 0;
        heartbeat_.next_step();
        const auto done = try_step(busy_steps);
        if (!done && done.error().action() == Action::halt) return on_halt_(done.error());
        note_full(done);
        if (done && *done > 0) continue;
        if (last) return;
        wakeup_.wait(done ? idle_wait : retry_wait);
    }
}

// Calls step(). If the step did nothing or failed, or if many steps had work without a pause, frees
// space in the spool. Then tries a failed step once more.
Result<size_t> Committer::try_step(int& busy_steps) {
    auto done = step();
    if (done && *done > 0 && ++busy_steps < busy_steps_max) return done;
    if (!done && done.error().action() == Action::halt) return done;
    busy_steps = 0;
    if (const auto tidied = tidy_up(); !tidied) return std::unexpected(tidied.error());
    return done ? done : step();
}

// Publishes and logs that the spool became full, or that it is no longer full.
void Committer::note_full(const Result<size_t>& done) {
    if (!done) shard_.add(Metric::spool_retries_total);
    const bool full = !done;
    if (full == full_.read()) return;
    full_.set(full);
    shard_.set(Metric::spool_full, full);
    log(full ? LogLevel::warning : LogLevel::notice, "spool: {}",
        !full ? "accepting check-ins again"
        : done.error().code == Code::disk_full
            ? "full; check-ins wait until the disk has room or the sink that is furthest behind "
              "has stored more. Free disk space, raise spool.size_max, or bring back that sink "
              "(rollcall_spool_backlog_bytes)"
            : "no file can be opened; check-ins wait until the process may open another. Raise "
              "LimitNOFILE= of the service");
}

Result<void> Committer::append(Source& source, size_t& slots) {
    const uint64_t published = source.ring->published();
    while (source.appended < published) {
        if (const auto done = spool_.append(source.ring->at(source.appended)); !done) return done;
        ++source.appended;
        ++slots;
    }
    return {};
}

Result<size_t> Committer::step() {
    size_t slots = 0;
    Result<void> appended;
    for (auto& source : sources_)
        if (appended = append(source, slots); !appended) break;
    if (!appended && appended.error().action() == Action::halt)
        return std::unexpected(appended.error());

    if (slots > 0) {
        if (const auto synced = spool_.sync(); !synced) return std::unexpected(synced.error());
        for (auto& source : sources_) {
            if (source.ring->durable() == source.appended) continue;
            source.ring->advance_durable(source.appended);
            source.on_durable();
        }
    }
    if (!appended) return std::unexpected(appended.error());
    return slots;
}

Result<void> Committer::tidy_up() {
    uint64_t stored_by_all = spool_.end().own();
    uint64_t settled_by_all = stored_by_all;
    uint64_t largest_backlog = 0;
    for (const auto& reader : readers_) {
        const uint64_t stored = reader.stored->read();
        const uint64_t backlog = spool_.bytes_from(stored);
        stored_by_all = std::min(stored_by_all, stored);
        settled_by_all = std::min(settled_by_all, reader.settled->read());
        largest_backlog = std::max(largest_backlog, backlog);
        shard_.set(Metric::spool_backlog_bytes, static_cast<int64_t>(backlog),
                   label_of(reader.sink));
    }
    backlog_bytes_.set(largest_backlog);
    return spool_.drop(stored_by_all, settled_by_all);
}

SpoolLoad Committer::load() const {
    SpoolLoad load{.backlog_bytes = backlog_bytes_.read(),
                   .written_bytes = spool_.written_bytes(),
                   .sync_began_us = {},
                   .full = full_.read()};
    if (const int64_t began_us = spool_.sync_began_us(); began_us != 0)
        load.sync_began_us = began_us;
    return load;
}

}  // namespace rollcall
