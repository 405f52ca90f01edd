// SQLite sink: the embedded default. Rows and position in one transaction of one file.
//
//   site_checkins       the columns of columns.def; unique (id, site_id)
//   rollcall_position   spool, next_record: what open() returns
//
// received_at and reported_at are text, "2026-10-09 10:00:00.123456" in UTC: what the date
// functions of SQLite read, and how the other databases show their DATETIME(6). A table made by an
// older daemon gets the columns it lacks.
//
// A row that a constraint or a trigger of the table refuses, or that is too large, is left out and
// becomes a dead letter; nothing else is (refusal_of() in the source).
//
// The journal is a WAL, so the file can be read with the sqlite3 program while the daemon writes.
// Each commit is synced (synchronous=FULL): the spool drops what this sink calls stored.
//
// Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/lang_upsert.html
#pragma once

#include <expected>
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

    [[nodiscard]] std::unexpected<Error> failure(const char* doing);

    std::string path_;
    std::unique_ptr<Database> database_;
    bool said_ = false;  // The failure is in the log; once is enough until it works again.
};

// Where the settings put the database.
[[nodiscard]] std::string sqlite_path(const Settings& settings, const std::string& state_dir);

// Runs statements on the file for the schema command. create: the file may be missing.
[[nodiscard]] std::expected<Query, std::string> sqlite_query(const std::string& path, bool create);

}  // namespace rollcall
