// TransactionSink: a store that commits rows and position in one transaction, like a database. Its
// contents survive the simulated process; an Endpoint is the connection of one process. The sink
// may fail, or the process may end, at every point of a transaction. A unique key over (id,
// site_id) skips rows that are already stored.
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

    // The whole contents; a test may copy and restore them, like a backup.
    struct Content {
        std::set<std::pair<int64_t, std::string>> keys;  // Id and site of each row.
        std::multiset<int64_t> seqs;
        std::map<IncarnationId, Position> positions;
    };

    // Called at each point; an error that it returns is the result of the call. It may throw.
    std::function<Result<void>(Point)> before;

    // Returns true for reports that the sink refuses for good. If it is empty, none are refused.
    std::function<bool(int64_t seq)> refuses;

    [[nodiscard]] bool holds(int64_t seq) const { return content_.seqs.contains(seq); }
    // Returns a report that was stored twice, if there is one.
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
        Position position_;  // The last position that open() or write() has seen.
    };

private:
    void store(const Columns& rows, size_t row);

    Content content_;
    std::optional<int64_t> repeated_;
};

}  // namespace rollcall
