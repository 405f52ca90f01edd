// MemorySink: a sink that stores its rows in memory and fails on demand.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "pipeline/delivery/sink.h"

namespace rollcall {

class MemorySink final : public Sink {
public:
    enum class Failure { none, open, before_commit, after_commit };

    Failure fails = Failure::none;  // The next call of this kind fails.
    std::vector<int64_t> seqs;      // The seq of every stored row, in order.
    std::vector<int64_t> ids;
    std::vector<size_t> batches;  // Number of rows in each batch.
    uint64_t position = 0;
    RunId run{};  // Batch::run of the last batch. open() returns it with `position`.
    int opened = 0;
    int polled = 0;
    bool poll_fails = false;
    uint64_t settled_end = UINT64_MAX;  // The sink may lose the records from this number on.
    bool is_shared = false;
    std::unique_ptr<MetricShard> shard = std::make_unique<MetricShard>();
    std::string explanation;          // Explanation of the errors; empty for the default.
    size_t rows_in_time = 1'000'000;  // Batches of more rows fail, as if by a timeout.
    std::set<int64_t> refuses;        // The seqs of rows that are refused permanently.
    size_t had = 0;                   // Number of duplicates that the sink reports per batch.

    Result<Position> open(const IncarnationId&) override {
        if (fails == Failure::open) return fail_once();
        ++opened;
        return Position{position, run};
    }

    [[nodiscard]] bool shared() const override { return is_shared; }
    [[nodiscard]] size_t duplicates() const override { return had; }

    Result<void> write(const Batch& batch) override {
        if (fails == Failure::before_commit) return fail_once();
        if (batch.rows.rows() > rows_in_time) return fail(Code::sink_down);
        std::vector<Refusal> refused;
        for (size_t row = 0; row < batch.rows.rows(); ++row)
            if (refuses.contains(batch.rows.integer(row, Column::seq)))
                refused.push_back({row, DeadReason::constraint, "it says no"});
        if (!refused.empty()) {
            if (!batch.keep_refused) return fail(Code::sink_down);
            if (auto kept = batch.keep_refused(refused); !kept) return kept;
        }
        for (size_t row = 0; row < batch.rows.rows(); ++row) {
            if (refuses.contains(batch.rows.integer(row, Column::seq))) continue;
            seqs.push_back(batch.rows.integer(row, Column::seq));
            ids.push_back(batch.rows.integer(row, Column::id));
        }
        batches.push_back(batch.rows.rows());
        position = batch.end_record;
        run = batch.run;
        if (fails == Failure::after_commit) return fail_once();
        return {};
    }

    Result<void> poll() override {
        ++polled;
        if (poll_fails) return fail(Code::sink_down, "gone");
        return {};
    }
    [[nodiscard]] uint64_t settled(uint64_t stored) const override {
        return std::min(stored, settled_end);
    }
    [[nodiscard]] const MetricShard* counters() const override { return shard.get(); }

private:
    std::unexpected<Error> fail_once() {
        fails = Failure::none;
        return explanation.empty() ? fail(Code::sink_down) : fail(Code::sink_down, explanation);
    }
};

}  // namespace rollcall
