// SQLite sink: the embedded default. It stores the rows and the sink's position in the spool in one
// file, in one transaction.
//
//   site_checkins       the columns of columns.def; unique (id, site_id)
//   rollcall_position   spool (an incarnation: the id of a spool in one directory), next_record and
//                       run_id; open() returns the position in the last two columns
//
// received_at and reported_at are text in UTC, such as "2026-10-09 10:00:00.123456". The date
// functions of SQLite can read this format, and the other databases print their DATETIME(6) in it.
// open() adds the columns that a table of an older daemon lacks.
//
// A row becomes a dead letter in three cases: it is too large, a value has a type that the column
// does not accept, or a constraint or a trigger of the table refuses it. No other error refuses a
// row (see row_code() in sink.cc).
//
// The journal is a write-ahead log (WAL), so the sqlite3 program can read the file while the daemon
// writes. Each commit is synced (synchronous=FULL), because the spool drops the records that this
// sink has stored. Rows that are only in the WAL can be lost. For example, the database is moved
// without its WAL, and the daemon is then killed. So settled() returns the position that the
// database itself had when the whole WAL was last copied into it.
//
// Size of the WAL: a checkpoint copies the WAL into the database. The checkpoint must stop at the
// first commit after the start of a reader's transaction. So the WAL grows while a reader keeps a
// transaction open. The sink logs a warning when the WAL reaches a quarter of wal_size_max. Above
// wal_size_max, write() fails until the reader has ended its transaction. After a complete
// checkpoint, a WAL of more than 64 MiB is truncated.
//
// The sink detects that the database or its WAL was removed, moved or replaced (sqlite/files.h). If
// this happened before a commit returned, write() fails. If it happened later, the next poll()
// fails. The next open() first completes the old database from its WAL, if the sink still has both
// open. It then opens the database that is now at the path. The position in that database shows
// which records it lacks.
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
    bool wal_is_large_ = false;  // True once the warning about the size was logged.
    SqliteFiles files_;
    uint64_t settled_ = 0;  // The position in the database file itself, without its WAL.
    std::unique_ptr<Database> database_;
};

// Returns the path of the database: sqlite.path, or a file in state_dir.
[[nodiscard]] std::string sqlite_path(const Settings& settings, const std::string& state_dir);

// Opens the file for the schema command, and returns a function that runs statements on it. If
// `create` is true, creates the file if it is missing. Fails with not_owner if this user cannot
// create files that the file's owner can write.
[[nodiscard]] Result<Query> sqlite_query(const std::string& path, bool create);

}  // namespace rollcall
