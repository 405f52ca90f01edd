#include "sinks/sqlite/sink.h"

#include <fmt/core.h>
#include <sqlite3.h>

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

// Why a row is refused for good; nothing: what happened may go away. What is in the way of the
// unique key over (id, site_id) is no error at all.
std::optional<DeadReason> refusal_of(int status) {
    switch (status & 0xff) {
        case SQLITE_CONSTRAINT: return DeadReason::constraint;  // Also RAISE() in a trigger.
        case SQLITE_MISMATCH: return DeadReason::invalid_value;
        case SQLITE_TOOBIG: return DeadReason::too_large;
        default: return {};
    }
}

using Connection = std::unique_ptr<sqlite3, DestroyWith<sqlite3_close_v2>>;
using Statement = std::unique_ptr<sqlite3_stmt, DestroyWith<sqlite3_finalize>>;

Statement prepare(sqlite3* connection, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(connection, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    return Statement(statement);
}

std::expected<Rows, std::string> run_query(sqlite3* connection, const std::string& sql) {
    const Statement statement = prepare(connection, sql);
    if (!statement) return std::unexpected(sqlite3_errmsg(connection));
    Rows rows;
    for (;;) {
        const int status = sqlite3_step(statement.get());
        if (status == SQLITE_DONE) return rows;
        if (status != SQLITE_ROW) return std::unexpected(sqlite3_errmsg(connection));
        auto& row = rows.emplace_back();
        for (int place = 0; place < sqlite3_column_count(statement.get()); ++place) {
            const auto* text =
                reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), place));
            row.push_back(text == nullptr ? std::nullopt : std::optional<std::string>(text));
        }
    }
}

}  // namespace

struct SqliteSink::Database {
    Connection connection;
    Statement insert;
    Statement position;
    std::string spool;
    std::vector<Refusal> refused;  // Of the batch, ascending.
    size_t duplicates = 0;         // Rows of it that were there.

    bool run(const std::string& sql) {
        return sqlite3_exec(connection.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    }

    Statement prepare(const std::string& sql) { return rollcall::prepare(connection.get(), sql); }

    static bool step(const Statement& statement) {
        const bool done = sqlite3_step(statement.get()) == SQLITE_DONE;
        return sqlite3_reset(statement.get()) == SQLITE_OK && done;
    }

    bool connect(const std::string& path);
    bool make_tables();
    bool prepare_statements();
    bool read_position(uint64_t& next_record);
    Result<bool> store(const Batch& batch);
    bool insert_rows(const Columns& rows, bool may_refuse);
    bool insert_row(const Columns& rows, size_t row);
    void bind(const Columns& rows, size_t row, size_t column);
};

bool SqliteSink::Database::connect(const std::string& path) {
    sqlite3* opened = nullptr;
    const int status =
        sqlite3_open_v2(path.c_str(), &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    connection.reset(opened);
    if (status != SQLITE_OK) return false;
    sqlite3_busy_timeout(opened, busy_timeout_ms);
    return run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
}

// A table that a person has made otherwise is left as it is.
bool SqliteSink::Database::make_tables() {
    const Query query = [this](const std::string& sql) { return run_query(connection.get(), sql); };
    if (!run("BEGIN IMMEDIATE")) return false;
    const auto differences = compare_tables(SqlDialect::sqlite, query);
    return differences && mend(*differences, query) && run("COMMIT");
}

bool SqliteSink::Database::prepare_statements() {
    std::string places;
    for (size_t i = 0; i < columns_count; ++i) places += places.empty() ? "?" : ", ?";
    insert =
        prepare(fmt::format("INSERT INTO site_checkins ({}) VALUES ({})"
                            " ON CONFLICT (id, site_id) DO NOTHING",
                            column_names(), places));
    position = prepare(
        "INSERT INTO rollcall_position (spool, next_record) VALUES (?, ?)"
        " ON CONFLICT (spool) DO UPDATE SET next_record = excluded.next_record");
    return insert && position;
}

bool SqliteSink::Database::read_position(uint64_t& next_record) {
    const Statement ask = prepare("SELECT next_record FROM rollcall_position WHERE spool = ?");
    if (!ask) return false;
    sqlite3_bind_text(ask.get(), 1, spool.c_str(), -1, SQLITE_STATIC);
    const int status = sqlite3_step(ask.get());
    next_record =
        status == SQLITE_ROW ? static_cast<uint64_t>(sqlite3_column_int64(ask.get(), 0)) : 0;
    return status == SQLITE_ROW || status == SQLITE_DONE;
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
            if (!has_utc_text(us)) return;  // NULL.
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

bool SqliteSink::Database::insert_row(const Columns& rows, size_t row) {
    sqlite3_clear_bindings(insert.get());
    for (uint64_t rest = rows.mask(row); rest != 0; rest &= rest - 1)
        bind(rows, row, static_cast<size_t>(std::countr_zero(rest)));
    return step(insert);
}

// False: a row failed, and not for good; or a trigger has rolled back the transaction.
bool SqliteSink::Database::insert_rows(const Columns& rows, bool may_refuse) {
    auto left_out = refused.begin();
    for (size_t row = 0; row < rows.rows(); ++row) {
        if (left_out != refused.end() && left_out->row == row) {
            ++left_out;
            continue;
        }
        if (insert_row(rows, row)) {
            if (sqlite3_changes(connection.get()) == 0) ++duplicates;
            continue;
        }
        const auto reason = refusal_of(sqlite3_errcode(connection.get()));
        if (!reason || !may_refuse) return false;
        left_out = refused.insert(left_out, {row, *reason, sqlite3_errmsg(connection.get())}) + 1;
        if (sqlite3_get_autocommit(connection.get()) != 0) return false;
    }
    return true;
}

// False: the database says why.
Result<bool> SqliteSink::Database::store(const Batch& batch) {
    refused.clear();
    for (size_t before = 0;; before = refused.size()) {
        duplicates = 0;
        if (!run("BEGIN IMMEDIATE")) return false;
        if (insert_rows(batch.rows, batch.keep_refused != nullptr)) break;
        // After RAISE(ROLLBACK) all is begun anew without that row.
        if (refused.size() == before || sqlite3_get_autocommit(connection.get()) == 0) return false;
    }
    if (!refused.empty())
        if (auto kept = batch.keep_refused(refused); !kept) return std::unexpected(kept.error());
    sqlite3_bind_text(position.get(), 1, spool.c_str(), -1, SQLITE_STATIC);
    sqlite3_bind_int64(position.get(), 2, static_cast<int64_t>(batch.end_record));
    return step(position) && run("COMMIT");
}

SqliteSink::SqliteSink(std::string path) : path_(std::move(path)) {}

SqliteSink::~SqliteSink() = default;

std::unexpected<Error> SqliteSink::failure(const char* doing) {
    sqlite3* const connection = database_->connection.get();
    log(said_ ? LogLevel::debug : LogLevel::warning, "sqlite: {}: {}", doing,
        connection != nullptr ? sqlite3_errmsg(connection) : "no memory");
    said_ = true;
    return fail(Code::sink_down, connection != nullptr ? sqlite3_system_errno(connection) : 0);
}

Result<uint64_t> SqliteSink::open(const SpoolId& spool) {
    // Closing a connection rolls back what an error left open.
    database_ = std::make_unique<Database>();
    Database& database = *database_;
    database.spool = to_text(spool);
    uint64_t next_record = 0;
    if (!database.connect(path_)) return failure("cannot open");
    if (!database.make_tables()) return failure("cannot create the tables");
    if (!database.prepare_statements() || !database.read_position(next_record))
        return failure("cannot read the position");
    return next_record;
}

Result<void> SqliteSink::write(const Batch& batch) {
    const auto stored = database_->store(batch);
    if (!stored || !*stored) {
        const auto failed =
            stored ? failure("cannot store a batch") : std::unexpected<Error>(stored.error());
        (void)database_->run("ROLLBACK");  // Others may write until the next attempt.
        return failed;
    }
    said_ = false;
    return {};
}

size_t SqliteSink::duplicates() const { return database_->duplicates; }

std::string sqlite_path(const Settings& settings, const std::string& state_dir) {
    return settings.sqlite.path.empty() ? state_dir + "/rollcall.db" : settings.sqlite.path;
}

std::expected<Query, std::string> sqlite_query(const std::string& path, bool create) {
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(
        path.c_str(), &opened, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), nullptr);
    std::shared_ptr<sqlite3> connection(opened, DestroyWith<sqlite3_close_v2>());
    if (status != SQLITE_OK)
        return std::unexpected(fmt::format("{}: {}", path, sqlite3_errmsg(opened)));
    sqlite3_busy_timeout(opened, busy_timeout_ms);
    return Query([path, connection = std::move(connection)](const std::string& sql) {
        auto rows = run_query(connection.get(), sql);
        if (!rows) rows.error() = fmt::format("{}: {}", path, rows.error());
        return rows;
    });
}

}  // namespace rollcall
