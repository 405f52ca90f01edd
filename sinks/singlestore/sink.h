// SingleStore sink: stores into SingleStore or MariaDB without Kafka. A batch goes by LOAD DATA
// LOCAL INFILE from memory; rows and position are stored in one transaction.
//
//     BEGIN
//     UPDATE rollcall_position ... WHERE the position is what is known       one row, or give up
//     LOAD DATA LOCAL INFILE ... INTO TABLE site_checkins                     once or more
//     COMMIT
//
// The position is written first, and its row stays locked until the end. So a transaction that an
// earlier connection left on the server is committed or rolled back before a row is loaded again.
// If it was a commit whose response was lost, the position differs from the expected one.
//
// Other daemons store into the same table: the unique key over (id, site_id) refuses a row that the
// table has. No other row may be left out. MariaDB takes LOCAL for IGNORE, which cuts and
// replaces values and skips rows with a warning. So there the sink reads every warning, counts the
// rows, and rolls the batch back if it finds anything but duplicates. In SingleStore such a value
// fails the statement.
//
// A batch that holds a row which the database can never store (code_of() in database.h) is halved
// repeatedly, and each part is loaded and rolled back, until those rows are alone. They
// become dead letters, and the others are stored. A batch that fails for another cause is tried
// again for as long as it takes; the error names the row, the column and the cause.
//
// The sink uses one connection, whatever the number of routers.
//
// Source: https://mariadb.com/kb/en/load-data-infile/, sql/sql_load.cc there (LOCAL, strict mode)
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

    // These fail with a code of dead_reason_of() if a row can never be stored.
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
    Position position_;  // The position in the table.
    std::string load_sql_;
    std::unique_ptr<char[]> lines_;
    size_t duplicates_ = 0;
    std::vector<uint32_t> some_;  // Rows of the batch that are to be stored.
};

}  // namespace rollcall
