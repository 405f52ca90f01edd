// SQLite sink: the embedded default. It stores rows and position in one transaction of one file.
//
//   site_checkins       the columns of columns.def; unique (id, site_id)
//   rollcall_position   spool, next_record: what open() returns
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
// stored.
//
// Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_upsert.html
#pragma once

#include <memory>
#include <string>

#include "config/settings.h"
#include "pipeline/delivery/sink.h"
#include "sinks/sql/query.h"

namespace rollcall {

class SqliteSink final : public Sink {
public:
    explicit SqliteSink(std::string path);
    ~SqliteSink() override;

    [[nodiscard]] Result<uint64_t> open(const SpoolId& spool) override;
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    [[nodiscard]] size_t duplicates() const override;

private:
    struct Database;  // The connection and its statements.

    [[nodiscard]] std::unexpected<Error> failure(std::string_view action, const Error& cause) const;

    std::string path_;
    std::unique_ptr<Database> database_;
};

// Returns the path of the database: sqlite.path, or a file in state_dir.
[[nodiscard]] std::string sqlite_path(const Settings& settings, const std::string& state_dir);

// Opens the file for the schema command and returns what runs statements on it. create: makes the
// file if it is missing.
[[nodiscard]] Result<Query> sqlite_query(const std::string& path, bool create);

}  // namespace rollcall
