// TransactionSink: stores rows and position in one transaction, as a database does. What it holds
// outlives the process; an Endpoint is what one life of the process has of it. It may fail, or the
// process end, at every point of a transaction. Its unique key over (id, site_id) leaves out a row
// that it has already.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/delivery/sink.h"

namespace rollcall {

class TransactionSink {
public:
    enum class Point : uint8_t { open, begin, middle, commit, committed };

    // All that it holds; a test may keep it and bring it back, as a restored backup does.
    struct Content {
        std::set<std::pair<int64_t, std::string>> keys;  // Id and site of each row.
        std::multiset<int64_t> seqs;
        std::map<IncarnationId, Position> positions;
    };

    // Asked at each point; an error is the call's, and it may throw.
    std::function<Result<void>(Point)> before;

    // Which reports it refuses for good; none: empty.
    std::function<bool(int64_t seq)> refuses;

    [[nodiscard]] bool holds(int64_t seq) const { return content_.seqs.contains(seq); }
    // Returns a report that was stored twice.
    [[nodiscard]] std::optional<int64_t> repeated() const { return repeated_; }

    [[nodiscard]] const Content& content() const { return content_; }
    void restore(const Content& earlier) { content_ = earlier; }

    class Endpoint final : public Sink {
    public:
        explicit Endpoint(TransactionSink& sink) : sink_(sink) {}

        Result<Position> open(const IncarnationId& incarnation) override;
        Result<Position> position_of(const IncarnationId& incarnation) override;
        Result<void> write(const Batch& batch) override;

    private:
        TransactionSink& sink_;
        IncarnationId incarnation_{};
        Position position_;  // The one that open() or write() has seen last.
    };

private:
    void store(const Columns& rows, size_t row);

    Content content_;
    std::optional<int64_t> repeated_;
};

}  // namespace rollcall
