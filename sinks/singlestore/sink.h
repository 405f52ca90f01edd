// SingleStore sink: stores into SingleStore or MariaDB without Kafka. A batch goes by LOAD DATA
// LOCAL INFILE from memory; rows and position in one transaction.
//
//     BEGIN
//     UPDATE rollcall_position ... WHERE next_record = what open() found      one row, or give up
//     LOAD DATA LOCAL INFILE ... INTO TABLE site_checkins                     once or more
//     COMMIT
//
// The position goes first. Its row is locked until the end, so what an earlier connection has left
// half done on the server is over, one way or the other, before a row is loaded again; and if that
// was a commit whose answer was lost, the position is no longer the one expected.
//
// A row that is there already is left out, by the unique key over (id, site_id): other daemons
// store into the same table. Nothing else is left out. MariaDB takes LOCAL for IGNORE, which cuts
// and replaces values and leaves rows out with a warning, so there every warning is read, the rows
// are counted, and the batch is rolled back if anything but a duplicate was met. In SingleStore
// such a value fails the statement.
//
// A batch that holds a row which the database will never take (refusal_of() in database.h) is cut
// in two again and again, each part loaded and rolled back, until those rows stand alone. They
// become dead letters, and the others are stored. A batch that fails otherwise is tried again for
// as long as it takes, and said: trouble() names the row, the column and the reason.
//
// One connection, whatever the number of routers.
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

    [[nodiscard]] Result<uint64_t> open(const SpoolId& spool) override;
    [[nodiscard]] bool shared() const override { return true; }
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    [[nodiscard]] size_t duplicates() const override { return duplicates_; }
    [[nodiscard]] std::string trouble() const override { return trouble_; }

private:
    // A failure of the database is retried; the sentence is for trouble().
    template <class T = void>
    using Step = std::expected<T, std::string>;

    [[nodiscard]] Step<uint64_t> connect(const SpoolId& spool);
    [[nodiscard]] Step<Rows> query(const std::string& sql);
    [[nodiscard]] Step<> check_tables();
    [[nodiscard]] Step<> move_position(uint64_t end_record);
    struct Unloaded {
        std::string sentence;
        std::optional<DeadReason> reason;  // A row will never be taken; nothing: it may go away.
    };
    using Loaded = std::expected<void, Unloaded>;
    using RowNumbers = std::span<const uint32_t>;

    [[nodiscard]] Loaded store(const Batch& batch, RowNumbers some);
    [[nodiscard]] Step<> isolate(const Columns& rows, RowNumbers some, std::vector<Refusal>& found);
    [[nodiscard]] Loaded load(const Columns& rows, RowNumbers some);
    [[nodiscard]] Loaded load_once(const Columns& rows, RowNumbers some);
    [[nodiscard]] Loaded check_loaded(const Columns& rows, RowNumbers some, uint64_t stored);
    [[nodiscard]] std::unexpected<Error> fell(std::string why);

    const Settings& settings_;
    Database::Options options_;
    std::optional<Database> database_;  // Not after a failure.
    std::string spool_;
    uint64_t position_ = 0;
    std::string load_sql_;
    std::unique_ptr<char[]> lines_;
    size_t duplicates_ = 0;
    std::vector<uint32_t> some_;  // Rows of the batch that are to be stored.
    std::string trouble_;
};

}  // namespace rollcall
