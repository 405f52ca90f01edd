// TransactionSink: a store that commits rows and position in one transaction, like a database. Its
// contents survive the simulated process; an Endpoint is the connection of one process. At every
// point of a transaction, the sink may fail or the process may end. A unique key over (id, site_id)
// skips rows that are already stored.
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

    // The whole content. A test may copy and restore it, like a backup.
    struct Content {
        std::set<std::pair<int64_t, std::string>> keys;  // Id and site of each row.
        std::multiset<int64_t> seqs;
        std::map<IncarnationId, Position> positions;
    };

    // Called at each Point of open() and write(). A returned error becomes the error of open() or
    // write(). An exception ends the simulated process.
    std::function<Result<void>(Point)> before;

    // Called after each commit. Returns true if the table itself now contains everything that its
    // journal (a separate file with the last commits) contains. An empty function stands for
    // "always".
    std::function<bool()> settles;

    // Returns true for reports that the sink refuses permanently. If the function is empty, no
    // report is refused.
    std::function<bool(int64_t seq)> refuses;

    [[nodiscard]] bool holds(int64_t seq) const {
        return content_.seqs.contains(seq) || moved_.contains(seq);
    }
    // Returns a report that was stored twice; nothing if there is none.
    [[nodiscard]] std::optional<int64_t> repeated() const { return repeated_; }

    [[nodiscard]] const Content& content() const { return content_; }
    void restore(const Content& earlier) { content_ = earlier; }

    // Moves the table away without its journal, as an operator might do, and puts an empty table in
    // its place. If a process still has the old table open, it writes the contents of the journal
    // to the old table when it opens the new table. If the process ends before it opens the new
    // table, the contents that only the journal had are lost.
    void replace();

    class Endpoint final : public Sink {
    public:
        explicit Endpoint(TransactionSink& sink) : sink_(sink) {}

        Result<Position> open(const IncarnationId& incarnation) override;
        Result<Position> position_of(const IncarnationId& incarnation) override;
        Result<void> write(const Batch& batch) override;
        Result<void> poll() override;
        [[nodiscard]] uint64_t settled(uint64_t stored) const override;

    private:
        [[nodiscard]] bool is_replaced() const { return table_ && *table_ != sink_.tables_; }
        void complete_moved_table();

        TransactionSink& sink_;
        IncarnationId incarnation_{};
        Position position_;              // The last position that open() or write() has seen.
        std::optional<uint64_t> table_;  // The table that this endpoint has open.
    };

private:
    void store(const Columns& rows, size_t row);
    void move_away(const Content& table);

    Content content_;
    Content settled_;                // The table without its journal.
    std::optional<Content> orphan_;  // A table that was moved away, with its journal.
    std::set<int64_t> moved_;        // The reports in all tables that were moved away.
    uint64_t tables_ = 0;            // Number of times that the table was replaced.
    std::optional<int64_t> repeated_;
};

}  // namespace rollcall
