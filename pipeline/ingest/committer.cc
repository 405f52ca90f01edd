#include "pipeline/ingest/committer.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_wait = 100ms;   // Between two calls of tidy_up().
constexpr auto retry_wait = 20ms;   // While the spool cannot grow.
constexpr int busy_steps_max = 64;  // Between two calls of tidy_up(), if never idle.

}  // namespace

Committer::Committer(SpoolWriter& spool, Wakeup& wakeup, MetricShard& shard,
                     std::function<void(const Error&)> on_halt)
    : spool_(spool), wakeup_(wakeup), shard_(shard), on_halt_(std::move(on_halt)) {}

Committer::~Committer() { ensure(!thread_.joinable()); }

void Committer::add_source(Ring<Columns>& ring, std::function<void()> wake) {
    sources_.push_back({ring, std::move(wake)});
}

void Committer::add_reader(SinkName sink, const Cursor& stored) {
    readers_.push_back({sink, stored});
}

void Committer::start() {
    thread_ = std::thread([this] { run(); });
}

void Committer::stop() {
    stopping_.advance(1);
    wakeup_.notify();
    thread_.join();
}

void Committer::run() {
    bool full = false;
    int busy_steps = 0;
    for (;;) {
        // Read this before the step, so that the step sees all slots published before stop().
        const bool last = stopping_.read() != 0;
        auto done = step();
        const bool busy = done && *done > 0 && ++busy_steps < busy_steps_max;
        if (!busy && (done || done.error().action() != Action::halt)) {
            busy_steps = 0;
            if (const auto tidied = tidy_up(); !tidied)
                done = std::unexpected(tidied.error());
            else if (!done)
                done = step();
        }
        if (!done && done.error().action() == Action::halt) return on_halt_(done.error());
        if (full == done.has_value()) {
            full = !full;
            shard_.set(Metric::spool_full, full);
            log(full ? LogLevel::warning : LogLevel::notice, "spool: {}",
                !full ? "takes check-ins again"
                : done.error().code == Code::disk_full
                    ? "full; check-ins wait until a sink catches up or the disk has room"
                    : "no file can be opened; check-ins wait until the process may open another");
        }
        if (!done) {
            shard_.add(Metric::spool_retries_total);
            if (last) return;
            wakeup_.wait(retry_wait);
        } else if (*done == 0) {
            if (last) return;
            wakeup_.wait(idle_wait);
        }
    }
}

Result<void> Committer::append(Source& source, size_t& slots) {
    const uint64_t published = source.ring.published();
    while (source.written < published) {
        if (const auto done = spool_.append(source.ring.at(source.written)); !done) return done;
        ++source.written;
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
            if (source.ring.durable() == source.written) continue;
            source.ring.advance_durable(source.written);
            source.wake();
        }
    }
    if (!appended) return std::unexpected(appended.error());
    return slots;
}

Result<void> Committer::tidy_up() {
    uint64_t stored_by_all = spool_.end().own();
    for (const auto& reader : readers_) {
        const uint64_t stored = reader.stored.read();
        stored_by_all = std::min(stored_by_all, stored);
        shard_.set(Metric::spool_backlog_bytes, static_cast<int64_t>(spool_.bytes_from(stored)),
                   label_of(reader.sink));
    }
    return spool_.drop(stored_by_all);
}

}  // namespace rollcall
