#include "sinks/sqlite_sink.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <bit>
#include <set>

#include "pipeline/log.h"
#include "sinks/utc_text.h"

namespace rollcall {

namespace {

constexpr int busy_timeout_ms = 5000;

constexpr const char* sql_type(Kind kind) {
    switch (kind) {
        case Kind::text: return "TEXT";
        case Kind::time: return "TEXT";
        case Kind::integer: return "INTEGER";
        case Kind::flag: return "INTEGER";
        case Kind::real: return "REAL";
    }
    return "";
}

struct CloseConnection {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

}  // namespace

struct SqliteSink::Database {
    Connection connection;
    Statement insert;
    Statement position;
    std::string spool;

    bool run(const std::string& sql) {
        return sqlite3_exec(connection.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    }

    Statement prepare(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v3(connection.get(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           nullptr);
        return Statement(statement);
    }

    static bool step(const Statement& statement) {
        const bool done = sqlite3_step(statement.get()) == SQLITE_DONE;
        return sqlite3_reset(statement.get()) == SQLITE_OK && done;
    }

    bool connect(const std::string& path);
    bool create_tables();
    bool add_missing_columns();
    bool prepare_statements();
    bool read_position(uint64_t& next_record);
    bool store(const Batch& batch);
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

bool SqliteSink::Database::create_tables() {
    std::string columns;
    for (const auto& column : columns_table)
        columns += fmt::format("{} {}, ", column.name, sql_type(column.kind));
    return run(
        fmt::format("BEGIN IMMEDIATE;"
                    "CREATE TABLE IF NOT EXISTS site_checkins ({}UNIQUE (id, site_id));"
                    "CREATE TABLE IF NOT EXISTS rollcall_position"
                    " (spool TEXT PRIMARY KEY, next_record INTEGER NOT NULL);"
                    "COMMIT;",
                    columns));
}

bool SqliteSink::Database::add_missing_columns() {
    std::set<std::string, std::less<>> present;
    const Statement list = prepare("SELECT name FROM pragma_table_info('site_checkins')");
    if (!list) return false;
    while (sqlite3_step(list.get()) == SQLITE_ROW)
        present.emplace(reinterpret_cast<const char*>(sqlite3_column_text(list.get(), 0)));
    for (const auto& column : columns_table) {
        if (present.contains(column.name)) continue;
        if (!run(fmt::format("ALTER TABLE site_checkins ADD COLUMN {} {}", column.name,
                             sql_type(column.kind))))
            return false;
    }
    return true;
}

bool SqliteSink::Database::prepare_statements() {
    std::string names;
    std::string places;
    for (const auto& column : columns_table) {
        names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
        places += places.empty() ? "?" : ", ?";
    }
    insert =
        prepare(fmt::format("INSERT INTO site_checkins ({}) VALUES ({})"
                            " ON CONFLICT (id, site_id) DO NOTHING",
                            names, places));
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

bool SqliteSink::Database::store(const Batch& batch) {
    if (!run("BEGIN IMMEDIATE")) return false;
    for (size_t row = 0; row < batch.rows.rows(); ++row)
        if (!insert_row(batch.rows, row)) return false;
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
    if (!database.create_tables() || !database.add_missing_columns())
        return failure("cannot create the tables");
    if (!database.prepare_statements() || !database.read_position(next_record))
        return failure("cannot read the position");
    return next_record;
}

Result<void> SqliteSink::write(const Batch& batch) {
    if (!database_->store(batch)) return failure("cannot store a batch");
    said_ = false;
    return {};
}

}  // namespace rollcall
