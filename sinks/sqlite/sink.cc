#include "sinks/sqlite/sink.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <vector>

#include "pipeline/base/destroy.h"
#include "pipeline/base/log.h"
#include "sinks/sql/live_schema.h"
#include "sinks/text/utc_text.h"

namespace rollcall {

namespace {

constexpr int busy_timeout_ms = 5000;
// After a commit, the sink copies the WAL into the database if the WAL has at least this number of
// pages (the default of SQLite).
constexpr int checkpoint_pages = 1000;
// Size to which the WAL is truncated after a complete checkpoint. Source: sqlite.org/pragma.html,
// journal_size_limit.
constexpr uint64_t wal_kept_bytes = uint64_t{64} << 20;
constexpr uint64_t wal_frame_head_bytes = 24;  // sqlite.org/fileformat2.html, section 4.1.

// Returns the code for a row that can never be stored, or statement_failed if the cause may be
// temporary. A conflict with the unique key over (id, site_id) is not an error.
Code row_code(int status) {
    switch (status & 0xff) {
        case SQLITE_CONSTRAINT: return Code::row_constraint;  // Includes RAISE() in a trigger.
        case SQLITE_MISMATCH: return Code::row_value_invalid;
        case SQLITE_TOOBIG: return Code::row_too_large;
        default: return Code::statement_failed;
    }
}

// Estimates the maximum number of bytes that a batch adds to the WAL. This number is more than the
// bytes of the batch's rows, because a changed page also holds other rows, and the indexes of the
// table change too.
uint64_t bytes_of(const Columns& rows) {
    constexpr uint64_t numbers_bytes = 1024;
    return rows.rows() * numbers_bytes + 2 * uint64_t{rows.text_bytes()};
}

using Connection = std::unique_ptr<sqlite3, DestroyWith<sqlite3_close_v2>>;
using Statement = std::unique_ptr<sqlite3_stmt, DestroyWith<sqlite3_finalize>>;

// Returns an error with the library's message about the last call.
std::unexpected<Error> last_error(sqlite3* connection) {
    if (connection == nullptr) return fail(Code::statement_failed, "no memory");
    const int status = sqlite3_errcode(connection);
    const int kind = status & 0xff;
    // After other errors, the library may still return the errno of an earlier call.
    const bool has_errno = kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR || kind == SQLITE_FULL;
    return fail(row_code(status), has_errno ? sqlite3_system_errno(connection) : 0,
                sqlite3_errmsg(connection));
}

Result<Statement> prepare(sqlite3* connection, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(connection, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (statement == nullptr) return last_error(connection);
    return Statement(statement);
}

Result<Rows> run_query(sqlite3* connection, const std::string& sql) {
    const auto prepared = prepare(connection, sql);
    if (!prepared) return std::unexpected(prepared.error());
    sqlite3_stmt* const statement = prepared->get();
    Rows rows;
    for (;;) {
        const int status = sqlite3_step(statement);
        if (status == SQLITE_DONE) return rows;
        if (status != SQLITE_ROW) return last_error(connection);
        auto& row = rows.emplace_back();
        for (int place = 0; place < sqlite3_column_count(statement); ++place) {
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, place));
            row.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
        }
    }
}

}  // namespace

struct SqliteSink::Database {
    Connection connection;
    Statement insert;
    Statement first_position;  // Inserts the position.
    Statement position;        // Updates the position.
    std::string incarnation;
    std::optional<Position> known;  // The position in the table; empty if there is none.
    std::vector<Refusal> refused;   // Refused rows of the batch, ascending.
    size_t duplicates = 0;          // Rows of the batch that were in the table already.
    int wal_pages = 0;              // Pages of the WAL at the last commit; 0 if there is no WAL.
    uint64_t page_bytes = 0;

    Result<void> run(const std::string& sql) {
        if (sqlite3_exec(connection.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            return last_error(connection.get());
        return {};
    }

    Result<void> step(const Statement& statement) {
        const bool done = sqlite3_step(statement.get()) == SQLITE_DONE;
        if (sqlite3_reset(statement.get()) == SQLITE_OK && done) return {};
        return last_error(connection.get());
    }

    // Copies the WAL into the database and syncs the database. Returns true if the database is
    // complete without its WAL. Also returns true if the file system does not support a WAL.
    [[nodiscard]] bool checkpoint(int mode) {
        int pages = 0;
        int copied = 0;
        const int status =
            sqlite3_wal_checkpoint_v2(connection.get(), nullptr, mode, &pages, &copied);
        if (pages >= 0) wal_pages = pages;
        return status == SQLITE_OK && pages == copied;
    }

    // Does the same as checkpoint(), and truncates the WAL to zero bytes. Fails at once if a reader
    // uses the WAL.
    [[nodiscard]] bool truncate_wal() {
        sqlite3_busy_timeout(connection.get(), 0);
        const bool complete = checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
        sqlite3_busy_timeout(connection.get(), busy_timeout_ms);
        return complete;
    }

    [[nodiscard]] uint64_t wal_bytes() const {
        return static_cast<uint64_t>(wal_pages) * (page_bytes + wal_frame_head_bytes);
    }

    Result<void> connect(const std::string& path);
    Result<void> make_tables();
    Result<void> prepare_statements();
    Result<std::optional<Position>> read_position(const IncarnationId& of);
    Result<void> insert_batch(const Batch& batch);
    Result<void> commit(const Position& end);
    Result<void> insert_rows(const Columns& rows, bool may_refuse);
    Result<void> insert_row(const Columns& rows, size_t row);
    void bind(const Columns& rows, size_t row, size_t column);
};

Result<void> SqliteSink::Database::connect(const std::string& path) {
    sqlite3* opened = nullptr;
    const int status =
        sqlite3_open_v2(path.c_str(), &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    connection.reset(opened);
    if (status != SQLITE_OK) return last_error(opened);
    sqlite3_busy_timeout(opened, busy_timeout_ms);
    // This hook replaces SQLite's own hook, which makes checkpoints automatically.
    sqlite3_wal_hook(
        opened,
        [](void* database, sqlite3*, const char*, int pages) {
            static_cast<Database*>(database)->wal_pages = pages;
            return SQLITE_OK;
        },
        this);
    if (auto set = run(fmt::format(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = {};",
            wal_kept_bytes));
        !set)
        return set;
    const auto page_size = run_query(opened, "PRAGMA page_size");
    if (!page_size) return std::unexpected(page_size.error());
    page_bytes = std::stoull(page_size->at(0).at(0).value());
    return {};
}

// Creates missing tables and columns. Leaves other differences as they are.
Result<void> SqliteSink::Database::make_tables() {
    const Query query = [this](const std::string& sql) { return run_query(connection.get(), sql); };
    if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
    const auto differences = compare_tables(SqlDialect::sqlite, query);
    if (!differences) return std::unexpected(differences.error());
    if (const auto fixed = apply_fixes(*differences, query); !fixed)
        return std::unexpected(fixed.error());
    return run("COMMIT");
}

Result<void> SqliteSink::Database::prepare_statements() {
    std::string places;
    for (size_t i = 0; i < columns_count; ++i) places += places.empty() ? "?" : ", ?";
    auto insertion =
        prepare(connection.get(), fmt::format("INSERT INTO site_checkins ({}) VALUES ({})"
                                              " ON CONFLICT (id, site_id) DO NOTHING",
                                              column_names(), places));
    if (!insertion) return std::unexpected(insertion.error());
    insert = *std::move(insertion);
    auto first = prepare(connection.get(),
                         "INSERT INTO rollcall_position (spool, next_record, run_id)"
                         " VALUES (?1, ?2, ?3) ON CONFLICT (spool) DO NOTHING");
    if (!first) return std::unexpected(first.error());
    first_position = *std::move(first);
    auto update = prepare(connection.get(),
                          "UPDATE rollcall_position SET next_record = ?2, run_id = ?3"
                          " WHERE spool = ?1 AND next_record = ?4"
                          " AND COALESCE(run_id, spool) = ?5");
    if (!update) return std::unexpected(update.error());
    position = *std::move(update);
    return {};
}

Result<std::optional<Position>> SqliteSink::Database::read_position(const IncarnationId& of) {
    const auto selection =
        prepare(connection.get(),
                "SELECT next_record, COALESCE(run_id, spool) FROM rollcall_position"
                " WHERE spool = ?");
    if (!selection) return std::unexpected(selection.error());
    const std::string name = to_text(of);
    sqlite3_bind_text(selection->get(), 1, name.c_str(), -1, SQLITE_STATIC);
    switch (sqlite3_step(selection->get())) {
        case SQLITE_ROW: {
            const auto* run =
                reinterpret_cast<const char*>(sqlite3_column_text(selection->get(), 1));
            return Position{static_cast<uint64_t>(sqlite3_column_int64(selection->get(), 0)),
                            spool_id_of(run == nullptr ? "" : run).value_or(RunId{})};
        }
        case SQLITE_DONE: return std::nullopt;
        default: return last_error(connection.get());
    }
}

void SqliteSink::Database::bind(const Columns& rows, size_t row, size_t number) {
    const auto column = static_cast<Column>(number);
    const int place = static_cast<int>(number) + 1;
    switch (info(column).kind) {
        case Kind::text: {
            const std::string_view text = rows.text(row, column);
            sqlite3_bind_text(insert.get(), place, text.data(), static_cast<int>(text.size()),
                              SQLITE_STATIC);
            return;
        }
        case Kind::time: {
            const int64_t us = rows.integer(row, column);
            if (!has_utc_text(us)) return;  // The value stays NULL.
            std::array<char, utc_text_size> text;
            write_utc(us, text.data());
            sqlite3_bind_text(insert.get(), place, text.data(), static_cast<int>(text.size()),
                              SQLITE_TRANSIENT);
            return;
        }
        case Kind::real: sqlite3_bind_double(insert.get(), place, rows.real(row, column)); return;
        case Kind::integer:
        case Kind::flag: sqlite3_bind_int64(insert.get(), place, rows.integer(row, column)); return;
    }
}

Result<void> SqliteSink::Database::insert_row(const Columns& rows, size_t row) {
    sqlite3_clear_bindings(insert.get());
    for (uint64_t rest = rows.mask(row) & table_mask; rest != 0; rest &= rest - 1)
        bind(rows, row, static_cast<size_t>(std::countr_zero(rest)));
    return step(insert);
}

// Inserts all rows except those in `refused`. If may_refuse is true, adds to `refused` each row
// that the table can never store. Fails if a row fails for another cause, or if a trigger has
// rolled back the transaction.
Result<void> SqliteSink::Database::insert_rows(const Columns& rows, bool may_refuse) {
    auto left_out = refused.begin();
    for (size_t row = 0; row < rows.rows(); ++row) {
        if (left_out != refused.end() && left_out->row == row) {
            ++left_out;
            continue;
        }
        const auto inserted = insert_row(rows, row);
        if (inserted) {
            if (sqlite3_changes(connection.get()) == 0) ++duplicates;
            continue;
        }
        const auto reason = dead_reason_of(inserted.error().code);
        if (!reason || !may_refuse) return inserted;
        left_out = refused.insert(left_out, {row, *reason, describe(inserted.error())}) + 1;
        if (sqlite3_get_autocommit(connection.get()) != 0) return inserted;
    }
    return {};
}

// Begins a transaction and inserts the rows of the batch. Collects the refused rows in `refused`.
Result<void> SqliteSink::Database::insert_batch(const Batch& batch) {
    refused.clear();
    for (size_t before = 0;; before = refused.size()) {
        duplicates = 0;
        if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
        auto inserted = insert_rows(batch.rows, batch.keep_refused != nullptr);
        if (inserted) return inserted;
        // RAISE(ROLLBACK) in a trigger ends the transaction. Begin again without the refused row.
        if (refused.size() == before || sqlite3_get_autocommit(connection.get()) == 0)
            return inserted;
    }
}

// Stores the position and commits. Fails if another process has changed the position.
Result<void> SqliteSink::Database::commit(const Position& end) {
    const Statement& statement = known ? position : first_position;
    const std::string run_of_end = to_text(end.run);
    const std::string run_of_known = known ? to_text(known->run) : "";
    sqlite3_bind_text(statement.get(), 1, incarnation.c_str(), -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement.get(), 2, static_cast<int64_t>(end.next_record));
    sqlite3_bind_text(statement.get(), 3, run_of_end.c_str(), -1, SQLITE_TRANSIENT);
    if (known) {
        sqlite3_bind_int64(statement.get(), 4, static_cast<int64_t>(known->next_record));
        sqlite3_bind_text(statement.get(), 5, run_of_known.c_str(), -1, SQLITE_TRANSIENT);
    }
    if (auto moved = step(statement); !moved) return moved;
    if (sqlite3_changes(connection.get()) == 0)
        return fail(Code::statement_failed,
                    "another process changed the position of this spool; the daemon reads the "
                    "position again");
    wal_pages = 0;
    if (auto committed = run("COMMIT"); !committed) return committed;
    known = end;
    return {};
}

SqliteSink::SqliteSink(std::string path, uint64_t wal_size_max)
    : path_(std::move(path)), wal_size_max_(wal_size_max), files_(path_) {}

SqliteSink::~SqliteSink() = default;

std::unexpected<Error> SqliteSink::failure(std::string_view action, const Error& cause) const {
    return sink_down(in_context(fmt::format("cannot {} {}", action, path_), cause));
}

// Closes the connection. If another process has moved or replaced the files, first completes the
// open database from its WAL. Then removes or renames the WAL, so that no other database uses it.
Result<void> SqliteSink::close() {
    if (!database_) return {};
    if (files_.check()) {
        database_.reset();  // Rolls back a transaction that an error has left open.
        return {};
    }
    (void)database_->run("ROLLBACK");
    // The checkpoint does not wait for readers.
    sqlite3_busy_timeout(database_->connection.get(), 0);
    const bool complete = database_->checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    database_.reset();
    return files_.remove_orphans(complete ? SqliteFiles::Wal::empty
                                          : SqliteFiles::Wal::holds_commits);
}

Result<Position> SqliteSink::open(const IncarnationId& incarnation) {
    settled_ = 0;
    if (auto closed = close(); !closed) return failure("open", closed.error());
    if (auto room = files_.check_room(0); !room) return failure("open", room.error());
    if (auto prepared = files_.prepare(); !prepared) return failure("open", prepared.error());
    database_ = std::make_unique<Database>();
    Database& database = *database_;
    database.incarnation = to_text(incarnation);
    if (auto connected = database.connect(path_); !connected)
        return failure("open", connected.error());
    if (auto made = database.make_tables(); !made)
        return failure("create the tables in", made.error());
    const auto position = database.read_position(incarnation);
    if (!position) return failure("read the position from", position.error());
    database.known = *position;
    if (auto prepared = database.prepare_statements(); !prepared)
        return failure("prepare statements for", prepared.error());
    if (auto remembered = files_.remember(); !remembered)
        return failure("open", remembered.error());
    const Position stored = position->value_or(Position{});
    if (database.checkpoint(SQLITE_CHECKPOINT_PASSIVE)) settled_ = stored.next_record;
    measure_wal();
    return stored;
}

Result<Position> SqliteSink::position_of(const IncarnationId& incarnation) {
    const auto position = database_->read_position(incarnation);
    if (!position) return failure("read the position from", position.error());
    return position->value_or(Position{});
}

Result<void> SqliteSink::write(const Batch& batch) {
    Database& database = *database_;
    if (auto limited = limit_wal(); !limited) return limited;
    if (auto room = files_.check_room(bytes_of(batch.rows)); !room)
        return failure("store a batch in", room.error());
    Result<void> kept;
    Result<void> stored = database.insert_batch(batch);
    if (stored && !database.refused.empty()) kept = batch.keep_refused(database.refused);
    if (stored && kept) stored = database.commit(batch.position());
    if (stored && kept) {
        if (checkpoint_if_due()) settled_ = batch.end_record;
        measure_wal();
        return poll();
    }
    (void)database.run("ROLLBACK");  // Lets other processes write until the next attempt.
    if (!kept) return kept;
    return failure("store a batch in", stored.error());
}

// Fails if the WAL has reached its limit and cannot be truncated because of a reader.
Result<void> SqliteSink::limit_wal() {
    if (database_->wal_bytes() < wal_size_max_ || database_->truncate_wal()) return {};
    return fail(
        Code::sink_down,
        fmt::format("{}-wal has grown to {} MiB (sqlite.wal_size_max) because a reader keeps a "
                    "transaction open; end that reader (fuser {}-wal lists its process)",
                    path_, database_->wal_bytes() >> 20, path_));
}

// Returns true if the database is complete without its WAL after this call.
bool SqliteSink::checkpoint_if_due() {
    Database& database = *database_;
    if (database.wal_pages != 0 && database.wal_pages < checkpoint_pages) return false;
    const bool complete = database.checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    if (complete && database.wal_bytes() > wal_kept_bytes) (void)database.truncate_wal();
    return complete;
}

void SqliteSink::measure_wal() {
    const uint64_t bytes = database_->wal_bytes();
    shard_.set(Metric::sqlite_wal_size_bytes, static_cast<int64_t>(bytes));
    const bool is_large = bytes >= wal_size_max_ / 4;
    if (is_large && !wal_is_large_)
        log(LogLevel::warning,
            {.message = "sink sqlite: the write-ahead log grows because a reader keeps a "
                        "transaction open",
             .details = {{"file", path_ + "-wal"}, {"bytes", bytes}, {"limit", wal_size_max_}},
             .note = "at the limit (sqlite.wal_size_max) the sink waits, and check-ins stay in the "
                     "spool. End the reader: fuser lists the processes that have the file open"});
    wal_is_large_ = is_large;
}

Result<void> SqliteSink::poll() {
    if (const auto unchanged = files_.check(); !unchanged) return sink_down(unchanged.error());
    return {};
}

size_t SqliteSink::duplicates() const { return database_->duplicates; }

uint64_t SqliteSink::settled(uint64_t stored) const { return std::min(stored, settled_); }

std::string sqlite_path(const Settings& settings, const std::string& state_dir) {
    return settings.sqlite.path.empty() ? state_dir + "/rollcall.db" : settings.sqlite.path;
}

Result<Query> sqlite_query(const std::string& path, bool create) {
    if (create) {
        if (auto owner = check_owner(path); !owner) return std::unexpected(owner.error());
        if (auto made = SqliteFiles(path).prepare(); !made)
            return std::unexpected(in_context(path, made.error()));
    }
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    std::shared_ptr<sqlite3> connection(opened, DestroyWith<sqlite3_close_v2>());
    if (status != SQLITE_OK)
        return fail(Code::unreadable_file, fmt::format("{}: {}", path, sqlite3_errmsg(opened)));
    sqlite3_busy_timeout(opened, busy_timeout_ms);
    return Query([path, connection = std::move(connection)](const std::string& sql) {
        auto rows = run_query(connection.get(), sql);
        if (!rows) rows.error() = in_context(path, rows.error());
        return rows;
    });
}

}  // namespace rollcall
