// TransactionSink: stores rows and position in one transaction, as a database does. What it holds
// outlives the process; a Endpoint is what one life of the process has of it. It may fail, or the
// process end, at every point of a transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "pipeline/delivery/sink.h"

namespace rollcall {

class TransactionSink {
public:
    enum class Point : uint8_t { open, begin, middle, commit, committed };

    // Asked at each point; an error is the call's, and it may throw.
    std::function<Result<void>(Point)> before;

    // Which reports it refuses for good; none: empty.
    std::function<bool(int64_t seq)> refuses;

    [[nodiscard]] bool holds(int64_t seq) const { return seqs_.contains(seq); }
    // Of a report that was stored twice.
    [[nodiscard]] std::optional<int64_t> repeated() const { return repeated_; }

    class Endpoint final : public Sink {
    public:
        explicit Endpoint(TransactionSink& sink) : sink_(sink) {}

        Result<uint64_t> open(const SpoolId& spool) override;
        Result<void> write(const Batch& batch) override;

    private:
        TransactionSink& sink_;
        SpoolId spool_{};
    };

private:
    void store(const std::vector<int64_t>& seqs);

    std::set<int64_t> seqs_;
    std::map<SpoolId, uint64_t> positions_;
    std::optional<int64_t> repeated_;
};

}  // namespace rollcall
