// SQLite sink: the embedded default. It stores rows and position in one transaction of one file.
//
//   site_checkins       the columns of columns.def; unique (id, site_id)
//   rollcall_position   spool (an incarnation), next_record, run_id: what open() returns
//
// received_at and reported_at are text, "2026-10-09 10:00:00.123456" in UTC: the date functions of
// SQLite read it, and the other databases show their DATETIME(6) so. open() adds the columns that a
// table of an older daemon lacks.
//
// A row that a constraint or a trigger of the table refuses, or that is too large, becomes a dead
// letter. No other error refuses a row (row_code() in the source).
//
// The journal is a WAL, so the sqlite3 program can read the file while the daemon writes. Each
// commit is synced (synchronous=FULL), because the spool drops the records that this sink has
// stored. Rows that are in the WAL only are lost with it, for example when the database is moved
// without it and the daemon is then killed. So settled() returns the position that the database
// itself had when the WAL was last copied into it completely.
//
// Size of the WAL: a checkpoint cannot pass commits that come after the start of a reader's
// transaction, so the WAL grows while a reader keeps one open. From a quarter of wal_size_max on
// the sink warns, and beyond it write() fails until the reader has ended. A checkpoint that
// completes cuts a WAL of more than 64 MiB.
//
// The sink notices when the database or its WAL is removed, moved or replaced (sqlite/files.h):
// write() fails if that was so when the commit returned, and poll() fails otherwise. open() then
// completes the old database from its WAL, if the sink still has both open, and opens the database
// that is there now, whose position says what it lacks.
//
// Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_upsert.html
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/delivery/sink.h"
#include "sinks/sql/query.h"
#include "sinks/sqlite/files.h"

namespace rollcall {

class SqliteSink final : public Sink {
public:
    explicit SqliteSink(std::string path, uint64_t wal_size_max = UINT64_MAX);
    ~SqliteSink() override;

    [[nodiscard]] Result<Position> open(const IncarnationId& incarnation) override;
    [[nodiscard]] Result<Position> position_of(const IncarnationId& incarnation) override;
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    [[nodiscard]] size_t duplicates() const override;
    [[nodiscard]] Result<void> poll() override;
    [[nodiscard]] uint64_t settled(uint64_t stored) const override;
    [[nodiscard]] const MetricShard* counters() const override { return &shard_; }

private:
    struct Database;  // The connection and its statements.

    [[nodiscard]] std::unexpected<Error> failure(std::string_view action, const Error& cause) const;
    [[nodiscard]] Result<void> close();
    [[nodiscard]] Result<void> limit_wal();
    [[nodiscard]] bool checkpoint_if_due();
    void measure_wal();

    std::string path_;
    uint64_t wal_size_max_;
    MetricShard shard_;
    bool wal_is_large_ = false;  // The warning is logged.
    SqliteFiles files_;
    uint64_t settled_ = 0;  // The position that the database has without its WAL.
    std::unique_ptr<Database> database_;
};

// Returns the path of the database: sqlite.path, or a file in state_dir.
[[nodiscard]] std::string sqlite_path(const Settings& settings, const std::string& state_dir);

// Opens the file for the schema command and returns what runs statements on it. create: makes the
// file if it is missing. Fails with not_owner if this user cannot write for the file's owner.
[[nodiscard]] Result<Query> sqlite_query(const std::string& path, bool create);

}  // namespace rollcall
