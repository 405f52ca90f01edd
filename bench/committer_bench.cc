// Committer: how many check-ins it makes durable for 1 to 16 workers, without sockets and decoding.
//
// The rings stand for workers that are always faster than the committer: before each step of the
// committer, each ring publishes a full slot. So the result is the most that one committer can take
// from so many workers on this disk (TMPDIR, or the working directory). If all workers of a machine
// can accept more check-ins/s than that, the committer is the bottleneck. The benchmark prints the
// time of a check-in, check-ins/s, MB/s and syncs/s.

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>

#include "bench/bench.h"
#include "bench/reports.h"
#include "pipeline/ingest/committer.h"

using namespace rollcall;

namespace {

constexpr uint64_t segment_size = 32 << 20;
constexpr int steps_between_tidying = 64;

class Commits {
public:
    Commits(const std::string& directory, size_t workers, size_t rows)
        : writer_(files_, clock_, shard_, {directory, uint64_t{1} << 40, segment_size, true, {}}),
          committer_(writer_, wakeup_, shard_, [](const Error&) {}) {
        ensure(writer_.open().has_value());
        for (size_t worker = 0; worker < workers; ++worker) {
            auto& ring = rings_.emplace_back(1, rows, rows * 1024 + row_text_max);
            for (size_t row = 0; row < rows; ++row)
                add_report(*ring.claim(), static_cast<int64_t>(worker * rows + row),
                           1'790'000'000'000'000);
            committer_.add_source(ring, [] {});
        }
        committer_.add_reader(SinkName::discard, stored_, stored_);
    }

    void step() {
        for (auto& ring : rings_) {
            ensure(ring.claim() != nullptr);  // The slot still has its rows.
            ring.publish();
        }
        ensure(committer_.step().value() == rings_.size());
        stored_.advance(writer_.end().read());
        if (++steps_ % steps_between_tidying == 0) ensure(committer_.tidy_up().has_value());
    }

    [[nodiscard]] uint64_t steps() const { return steps_; }
    [[nodiscard]] double bytes() const {
        return static_cast<double>(shard_.read(Metric::spool_written_bytes_total, 0));
    }

private:
    Files files_;
    Clock clock_;
    MetricShard shard_;
    SpoolWriter writer_;
    Wakeup wakeup_;
    Committer committer_;
    std::deque<Ring<Columns>> rings_;
    Cursor stored_;
    uint64_t steps_ = 0;
};

void commit(const std::string& directory, size_t workers, size_t rows) {
    Commits commits(directory, workers, rows);
    const size_t of_step = workers * rows;
    double seconds = 0;
    size_t committed = 0;
    // A full run processes an eighth of the items (bench.h). The number of steps is a multiple of
    // 8, so that a full run has only whole steps.
    const size_t steps = std::min<size_t>(2000, 400'000 / of_step / 8 * 8);
    bench(fmt::format("committer, {} rings of {}", workers, rows), of_step * steps,
          [&](size_t checkins) {
              const auto begin = std::chrono::steady_clock::now();
              for (size_t done = 0; done < checkins; done += of_step) {
                  commits.step();
                  committed += of_step;
              }
              const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
              seconds += took.count();
              return commits.steps();
          });
    if (committed == 0) return;  // BENCH_ONLY has excluded this case.
    fmt::print("{:<32} {:>10.0f} /s  {:>8.1f} MB/s  {:>8.0f} syncs/s\n", "",
               static_cast<double>(committed) / seconds, commits.bytes() / 1e6 / seconds,
               static_cast<double>(commits.steps()) / seconds);
}

}  // namespace

int main() {
    const char* where = std::getenv("TMPDIR");
    std::string base = std::string(where != nullptr ? where : ".") + "/rollcall-committer-XXXXXX";
    ensure(mkdtemp(base.data()) != nullptr);
    for (const size_t rows : {16, 64, 256})
        for (const size_t workers : {1, 2, 4, 8, 16})
            commit(fmt::format("{}/{}-{}", base, workers, rows), workers, rows);
    std::filesystem::remove_all(base);
}
