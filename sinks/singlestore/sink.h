// SingleStore sink: stores into SingleStore or MariaDB without Kafka. It loads a batch from memory
// with LOAD DATA LOCAL INFILE, and stores the rows and the position in one transaction. The
// position is the number of the first spool record that is not stored yet, with the run of the
// record before it (pipeline/spool/lineage.h).
//
//     BEGIN
//     UPDATE rollcall_position ... WHERE the position is still the old one       must change a row
//     LOAD DATA LOCAL INFILE ... INTO TABLE site_checkins                       once or more
//     COMMIT
//
// The UPDATE is the first statement, and locks the row of the position until the end of the
// transaction. An earlier connection of this sink may have left a transaction open on the server.
// The UPDATE waits for the lock of that transaction, so rows are loaded again only after that
// transaction has ended. If the transaction was committed and only the response was lost, the table
// already contains the position after the batch. In this case the UPDATE changes no row and write()
// fails. The next open() then returns the position after the batch.
//
// Other daemons may store into the same table. The unique key over (id, site_id) refuses a row that
// the table already has. Every other row must be stored unchanged. SingleStore fails the LOAD DATA
// statement if a row or a value does not fit the table. MariaDB treats LOCAL like IGNORE: it cuts
// or replaces such values or skips such rows, and only warns. So with MariaDB the sink reads every
// warning and counts the rows. If a warning is not about a duplicate, the sink rolls the batch
// back.
//
// A batch may contain rows that the database can never store (see code_of() in database.h). The
// sink halves such a batch repeatedly, and loads and rolls back each part, until it has found the
// rows that cannot be stored. These rows become dead letters, and the other rows are stored. If the
// batch fails for another cause, the batch is retried without limit. The error names the row, the
// column and the cause.
//
// The sink uses a single connection for all routers.
//
// Source: https://mariadb.com/kb/en/load-data-infile/, sql/sql_load.cc of MariaDB (LOCAL, strict
// mode)
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/settings.h"
#include "pipeline/delivery/sink.h"
#include "sinks/sql/database.h"

namespace rollcall {

class SinglestoreSink final : public Sink {
public:
    explicit SinglestoreSink(const Settings& settings);

    [[nodiscard]] Result<Position> open(const IncarnationId& incarnation) override;
    [[nodiscard]] Result<Position> position_of(const IncarnationId& incarnation) override;
    [[nodiscard]] bool shared() const override { return true; }
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    [[nodiscard]] size_t duplicates() const override { return duplicates_; }

private:
    using RowNumbers = std::span<const uint32_t>;

    [[nodiscard]] Result<Position> connect(const IncarnationId& incarnation);
    [[nodiscard]] Result<std::optional<Position>> read_position(const IncarnationId& incarnation);
    [[nodiscard]] Result<Rows> query(const std::string& sql);
    [[nodiscard]] Result<void> run(const std::string& sql);
    [[nodiscard]] Result<void> check_tables();
    [[nodiscard]] Result<void> advance_position(const Position& end);

    // If a row can never be stored, the next five functions fail with a code for which
    // dead_reason_of() returns a reason.
    [[nodiscard]] Result<void> store(const Batch& batch, RowNumbers some);
    [[nodiscard]] Result<void> load(const Columns& rows, RowNumbers some);
    [[nodiscard]] Result<void> load_once(const Columns& rows, RowNumbers some);
    [[nodiscard]] Result<void> check_loaded(const Columns& rows, RowNumbers some, uint64_t stored);
    [[nodiscard]] Result<uint64_t> check_warnings(const Columns& rows, RowNumbers some);

    [[nodiscard]] Result<void> isolate(const Columns& rows, RowNumbers some,
                                       std::vector<Refusal>& found);
    [[nodiscard]] std::unexpected<Error> give_up(const Error& cause);

    const Settings& settings_;
    Database::Options options_;
    std::optional<Database> database_;  // The connection; empty after a failure.
    std::string incarnation_;
    Position position_;  // The position that the table contains.
    std::string load_sql_;
    std::unique_ptr<char[]> lines_;
    size_t duplicates_ = 0;
    std::vector<uint32_t> some_;  // The rows of the batch that will be stored.
};

}  // namespace rollcall
