#include "sinks/sql/ddl.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "pipeline/base/error.h"
#include "pipeline/base/json_text.h"

namespace rollcall {

namespace {

constexpr std::string_view utf8_text = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

// Maximum number of bytes that SingleStore should load from a Kafka partition in one batch.
// SingleStore limits the number of messages, not bytes. Its default of a million is meant for
// messages of one row.
constexpr uint64_t batch_bytes_most = 512 << 20;

std::string sqlite_type(Kind kind) {
    switch (kind) {
        case Kind::text:
        case Kind::time: return "TEXT";
        case Kind::integer:
        case Kind::flag: return "INTEGER";
        case Kind::real: return "REAL";
    }
    return "";
}

// Returns the clauses for the order of rows on disk and for the unique key over the id.
std::string_view keys(SqlDialect dialect) {
    switch (dialect) {
        // A unique key must contain the columns of the shard key.
        case SqlDialect::singlestore:
            return "SHARD KEY (site_id),\n"
                   "    SORT KEY (received_at),\n"
                   "    UNIQUE KEY site_checkins_once (site_id, id) USING HASH";
        // The key is a B-tree. Ids grow with time, so the B-tree grows at its right edge.
        case SqlDialect::mariadb: return "PRIMARY KEY (id, site_id)";
        case SqlDialect::sqlite: return "UNIQUE (id, site_id)";
    }
    return "";
}

std::string_view create_position(SqlDialect dialect) {
    switch (dialect) {
        case SqlDialect::singlestore:  // A rowstore, because each spool has one row that changes
                                       // often.
            return "CREATE ROWSTORE TABLE IF NOT EXISTS rollcall_position (\n"
                   "    spool VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,\n"
                   "    next_record BIGINT NOT NULL,\n"
                   "    run_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,\n"
                   "    PRIMARY KEY (spool)\n"
                   ")";
        case SqlDialect::mariadb:
            return "CREATE TABLE IF NOT EXISTS rollcall_position (\n"
                   "    spool VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,\n"
                   "    next_record BIGINT NOT NULL,\n"
                   "    run_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,\n"
                   "    PRIMARY KEY (spool)\n"
                   ") ENGINE = InnoDB";
        case SqlDialect::sqlite:
            return "CREATE TABLE IF NOT EXISTS rollcall_position (\n"
                   "    spool TEXT PRIMARY KEY,\n"
                   "    next_record INTEGER NOT NULL,\n"
                   "    run_id TEXT\n"
                   ")";
    }
    return "";
}

std::string column_definition(SqlDialect dialect, const ColumnInfo& column) {
    if (dialect == SqlDialect::sqlite)
        return fmt::format("{} {}", column.name, column_type(dialect, column));
    return fmt::format("{} {} {}", name_quoted(column.name), column_type(dialect, column),
                       is_required(column) ? "NOT NULL" : "NULL");
}

std::vector<std::string> json_members(const std::map<std::string, std::string>& members) {
    std::vector<std::string> json;
    for (const auto& [name, value] : members)
        json.push_back(fmt::format("{}:{}", json_text(name), json_text(value)));
    return json;
}

std::string json_object(const std::vector<std::string>& members) {
    return fmt::format("{{{}}}", fmt::join(members, ","));
}

Statements load_clause_list(ColumnList columns) {
    return {"FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\'",
            "LINES TERMINATED BY '\\n' STARTING BY ''", fmt::format("({})", column_names(columns))};
}

}  // namespace

std::string string_literal(std::string_view text) {
    std::string literal = "'";
    for (const char letter : text) {
        if (letter == '\'' || letter == '\\') literal += letter == '\'' ? '\'' : '\\';
        literal += letter;
    }
    return literal + "'";
}

std::string name_quoted(std::string_view name) {
    std::string quoted_name = "`";
    for (const char letter : name) quoted_name.append(letter == '`' ? 2 : 1, letter);
    return quoted_name + "`";
}

// --- tables ---

std::string column_type(SqlDialect dialect, const ColumnInfo& column) {
    if (dialect == SqlDialect::sqlite) return sqlite_type(column.kind);
    switch (column.kind) {
        case Kind::text:
            // VARCHAR limits characters, not bytes, so every text of at most `high` bytes fits.
            // Column `extra` is text, because a column of type JSON may refuse what RFC 8259
            // allows: MariaDB refuses half a surrogate pair and 32 levels of nesting. One such
            // report could then block the reports of all routers.
            return fmt::format("VARCHAR({}) {}", static_cast<int>(column.high), utf8_text);
        case Kind::integer: return "BIGINT";
        case Kind::flag: return "TINYINT";
        case Kind::real: return "DOUBLE";
        case Kind::time: return "DATETIME(6)";  // A TIMESTAMP cannot store times after 2038.
    }
    return "";
}

bool is_required(const ColumnInfo& column) {
    return column.name == info(Column::id).name || column.name == info(Column::site_id).name ||
           column.name == info(Column::received_at).name;
}

Statements create_tables(SqlDialect dialect, ColumnList columns) {
    std::string checkins = "CREATE TABLE IF NOT EXISTS site_checkins (\n";
    for (const auto& column : columns)
        checkins += fmt::format("    {},\n", column_definition(dialect, column));
    checkins += fmt::format("    {}\n)", keys(dialect));
    if (dialect == SqlDialect::mariadb) checkins += " ENGINE = InnoDB";
    return {std::move(checkins), std::string(create_position(dialect))};
}

std::string add_column(SqlDialect dialect, const ColumnInfo& column) {
    return fmt::format("ALTER TABLE site_checkins ADD COLUMN {}",
                       column_definition(dialect, column));
}

std::string add_run_to_position(SqlDialect dialect) {
    return fmt::format("ALTER TABLE rollcall_position ADD COLUMN run_id {}",
                       dialect == SqlDialect::sqlite
                           ? "TEXT"
                           : "VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL");
}

// --- loading the lines ---

std::string column_names(ColumnList columns) {
    std::string names;
    for (const auto& column : columns)
        names.append(names.empty() ? "" : ", ").append(name_quoted(column.name));
    return names;
}

std::string load_clauses(ColumnList columns) {
    return fmt::format("{}", fmt::join(load_clause_list(columns), "\n"));
}

std::string_view skip_duplicates(SqlDialect dialect) {
    // IGNORE skips duplicates, but it also changes values that do not fit their columns. The sink
    // detects such changes (singlestore/sink.h).
    return dialect == SqlDialect::singlestore ? "SKIP DUPLICATE KEY ERRORS" : "IGNORE";
}

// --- Kafka ---

std::string topic_name(std::string_view configured, ColumnList columns) {
    if (!configured.empty()) return std::string(configured);
    return fmt::format("site_checkins.v{}", schema_version(columns));
}

std::string pipeline_name(std::string_view topic) {
    std::string name(topic);
    std::ranges::replace(name, '.', '_');
    return name;
}

std::vector<std::string> pipeline_config(const PipelineSource& source) {
    auto config = source.config;
    // With read_committed, which is also librdkafka's default, the pipeline skips the messages of
    // failed transactions.
    config["isolation.level"] = "read_committed";
    return json_members(config);
}

Statements pipeline_clauses(const PipelineSource& source, ColumnList columns) {
    Statements clauses{
        fmt::format(
            "LOAD DATA KAFKA {}",
            string_literal(fmt::format("{}/{}", fmt::join(source.brokers, ","), source.topic))),
        fmt::format("CONFIG {}", string_literal(json_object(pipeline_config(source))))};
    if (!source.credentials.empty())
        clauses.push_back(fmt::format(
            "CREDENTIALS {}", string_literal(json_object(json_members(source.credentials)))));
    clauses.push_back(fmt::format("BATCH_INTERVAL {}", source.batch_interval.count()));
    if (source.rows_per_message > 1)
        clauses.push_back(fmt::format(
            "MAX_OFFSETS_PER_BATCH_PARTITION {}",
            std::max<uint64_t>(
                1, batch_bytes_most / std::max<uint64_t>(1, source.message_size_max.count))));
    clauses.emplace_back(skip_duplicates(SqlDialect::singlestore));
    clauses.emplace_back("STOP_ON_ERROR ON");  // OFF would skip batches that cannot be loaded.
    clauses.emplace_back("INTO TABLE site_checkins");
    std::ranges::move(load_clause_list(columns), std::back_inserter(clauses));
    return clauses;
}

Statements start_pipeline(const PipelineSource& source) {
    const std::string name = name_quoted(pipeline_name(source.topic));
    return {fmt::format("ALTER PIPELINE {} SET OFFSETS EARLIEST", name),
            fmt::format("START PIPELINE {}", name)};
}

Statements create_pipeline(const PipelineSource& source, ColumnList columns) {
    Statements statements{fmt::format("CREATE PIPELINE IF NOT EXISTS {} AS\n{}",
                                      name_quoted(pipeline_name(source.topic)),
                                      fmt::join(pipeline_clauses(source, columns), "\n"))};
    std::ranges::move(start_pipeline(source), std::back_inserter(statements));
    return statements;
}

// --- users ---

Statements create_users(SqlDialect dialect, const DatabaseUsers& users) {
    ensure(dialect != SqlDialect::sqlite);
    const std::string user = string_literal(users.daemon) + "@'%'";
    const std::string database = name_quoted(users.database);
    // The daemon also reads the names and types of the columns. In MariaDB, every user who may
    // insert may read them. SingleStore does not document who may read them, so the user gets
    // SELECT.
    const std::string_view to_checkins =
        dialect == SqlDialect::singlestore ? "SELECT, INSERT" : "INSERT";
    Statements statements{
        fmt::format("CREATE USER IF NOT EXISTS {} IDENTIFIED BY {}", user,
                    string_literal(users.password)),
        fmt::format("GRANT {} ON {}.site_checkins TO {}", to_checkins, database, user),
        fmt::format("GRANT SELECT, INSERT, UPDATE ON {}.rollcall_position TO {}", database, user),
    };
    if (dialect == SqlDialect::singlestore)  // SinglestoreWatch needs this right.
        statements.push_back(fmt::format("GRANT SHOW PIPELINE ON {}.* TO {}", database, user));
    return statements;
}

// --- all of it ---

std::string as_text(const Statements& statements) {
    const bool lacks_secret = std::ranges::any_of(statements, [](const std::string& statement) {
        return statement.find(hidden_secret) != statement.npos;
    });
    std::string text;
    if (lacks_secret)
        text += fmt::format("-- Put the password in the place of {}, and take these dashes away:\n",
                            hidden_secret);
    for (const auto& statement : statements)
        for (size_t begin = 0; begin <= statement.size();) {
            const size_t end = std::min(statement.find('\n', begin), statement.size());
            text += fmt::format("{}{}{}\n", lacks_secret ? "-- " : "",
                                std::string_view(statement).substr(begin, end - begin),
                                end == statement.size() ? ";" : "");
            begin = end + 1;
        }
    return text;
}

std::string schema_sql(SqlDialect dialect, const PipelineSource& source, const DatabaseUsers& users,
                       ColumnList columns) {
    std::string text = fmt::format(
        "-- The schema of rollcall for {}, version {}, as rollcalld writes it:\n"
        "--   rollcalld schema show --dialect {}\n",
        to_text(dialect), schema_version(columns), to_text(dialect));
    const auto append = [&](std::string_view title, const Statements& statements) {
        text += fmt::format("\n-- {}\n{}", title, as_text(statements));
    };
    append("Tables", create_tables(dialect, columns));
    if (dialect != SqlDialect::sqlite)
        append("The daemon's user, with what it needs and no more", create_users(dialect, users));
    if (dialect == SqlDialect::singlestore)
        append("The pipeline from Kafka, for a topic that has none yet",
               create_pipeline(source, columns));
    return text;
}

}  // namespace rollcall
