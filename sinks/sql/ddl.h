// DDL: the statements that create the tables of columns.def in three databases, and the SingleStore
// pipeline that loads rows from Kafka.
//
//   site_checkins       a row for each check-in; unique (site_id, id)
//   rollcall_position   spool: the incarnation, which is the id of a spool in one directory
//                       (pipeline/spool/lineage.h)
//                       next_record: the first record that is not stored
//                       run_id: the id of the daemon's run that wrote the record before
//                       next_record; NULL in rows of older daemons
//
// No other part of the program writes a CREATE statement or the columns of a LOAD DATA.
//
// Columns are only ever added. Each column has the number of the table's version in which it was
// added. A topic holds lines of one version, so the default name of a topic ends with the version.
// A new column is added to the table by ALTER. A new pipeline loads the new topic into the table.
// The old pipeline lists its columns by name, so it can still load the rest of the old topic at the
// same time.
//
// Dialects: SingleStore 8.1 and later, MariaDB 10.11 and later, SQLite 3.38 and later. The
// generated statements were run only on MariaDB and SQLite: see README.md.
//
// Source: https://docs.singlestore.com/db/latest/reference/sql-reference/ (CREATE TABLE, CREATE
// PIPELINE, LOAD DATA, GRANT); https://mariadb.com/kb/en/create-table/
// Threads: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

enum class SqlDialect : uint8_t { singlestore, mariadb, sqlite };
inline constexpr std::string_view dialect_names[] = {"singlestore", "mariadb", "sqlite"};
constexpr std::string_view to_text(SqlDialect dialect) {
    return dialect_names[static_cast<size_t>(dialect)];
}

using ColumnList = std::span<const ColumnInfo>;
using Statements = std::vector<std::string>;  // Without the final semicolons.

// Returns the version of the table that has these columns.
constexpr size_t schema_version(ColumnList columns = columns_table) {
    return std::ranges::max(columns, {}, &ColumnInfo::since).since;
}
static_assert(std::ranges::is_sorted(columns_table, {}, &ColumnInfo::since),
              "columns.def is append only: a new column comes last");

// --- tables ---

// Returns a type such as "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin".
[[nodiscard]] std::string column_type(SqlDialect dialect, const ColumnInfo& column);
// Returns true if the table refuses a row without a value in this column.
[[nodiscard]] bool is_required(const ColumnInfo& column);
// Returns the statements that create both tables if they do not exist.
[[nodiscard]] Statements create_tables(SqlDialect dialect, ColumnList columns = columns_table);
[[nodiscard]] std::string add_column(SqlDialect dialect, const ColumnInfo& column);
// Returns the statement that adds the column run_id to a rollcall_position table of an older
// daemon.
[[nodiscard]] std::string add_run_to_position(SqlDialect dialect);

// --- loading the lines of sinks/text/tsv.h ---

// Returns "`id`, `site_id`, ...". The names are quoted because SingleStore reserves many words.
[[nodiscard]] std::string column_names(ColumnList columns = columns_table);
// Returns the clauses after INTO TABLE site_checkins: FIELDS, LINES, and the columns by name.
[[nodiscard]] std::string load_clauses(ColumnList columns = columns_table);
// Returns the clause that makes LOAD DATA leave out rows that the table already has.
[[nodiscard]] std::string_view skip_duplicates(SqlDialect dialect);

// --- Kafka ---

// Returns `configured`. If `configured` is empty, returns the default name, such as
// "site_checkins.v2".
[[nodiscard]] std::string topic_name(std::string_view configured,
                                     ColumnList columns = columns_table);

struct PipelineSource {
    List brokers;  // Addresses at which SingleStore's nodes reach the brokers.
    std::string topic;
    Count rows_per_message = 1;
    Bytes message_size_max;
    Millis batch_interval{1000};
    // Properties of librdkafka. pipeline_config() adds isolation.level to them.
    std::map<std::string, std::string> config;
    std::map<std::string, std::string> credentials;  // The properties that are secret.
};

// Returns "site_checkins_v2" for the topic "site_checkins.v2". The name is unique, because Kafka
// does not allow two topics whose names differ only in `.` and `_`.
[[nodiscard]] std::string pipeline_name(std::string_view topic);
// Returns the members of the JSON object in the CONFIG clause.
[[nodiscard]] std::vector<std::string> pipeline_config(const PipelineSource& source);
// Returns the clauses after CREATE PIPELINE ... AS; the last one lists the columns.
[[nodiscard]] Statements pipeline_clauses(const PipelineSource& source,
                                          ColumnList columns = columns_table);
// Returns the statements that start a pipeline which has loaded nothing yet. The pipeline then
// begins with the earliest message.
[[nodiscard]] Statements start_pipeline(const PipelineSource& source);
// Returns the statements that create and start the pipeline of a topic that has no pipeline yet.
[[nodiscard]] Statements create_pipeline(const PipelineSource& source,
                                         ColumnList columns = columns_table);

// --- users ---

struct DatabaseUsers {
    std::string database;
    std::string daemon;  // The user as which rollcalld logs in.
    std::string password;
};

// Returns the statements that create the daemon's user. The user gets only the rights that the
// daemon needs. Do not call this for SQLite, which has no users.
[[nodiscard]] Statements create_users(SqlDialect dialect, const DatabaseUsers& users);

// Returns `text` as a string literal of SingleStore and MariaDB.
[[nodiscard]] std::string string_literal(std::string_view text);
// Returns `name` as a quoted identifier of SingleStore and MariaDB.
[[nodiscard]] std::string name_quoted(std::string_view name);

// The text that replaces a secret in printed statements.
inline constexpr std::string_view hidden_secret = "***";
// Returns the statements as text, each with a semicolon and on lines of its own. If a statement
// contains hidden_secret, all statements become comments, because they depend on each other.
[[nodiscard]] std::string as_text(const Statements& statements);

// Returns the whole schema as the text of a file.
[[nodiscard]] std::string schema_sql(SqlDialect dialect, const PipelineSource& source,
                                     const DatabaseUsers& users,
                                     ColumnList columns = columns_table);

}  // namespace rollcall
