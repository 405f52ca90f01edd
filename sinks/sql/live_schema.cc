#include "sinks/sql/live_schema.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <utility>

namespace rollcall {

namespace {

struct LiveColumn {
    std::string type;
    bool required;
};
using LiveColumns = std::map<std::string, LiveColumn, std::less<>>;

// --- questions to the database ---

// Returns the query for the columns of a table. Each row of the result has a column's name, its
// type, YES if the column may be NULL, and its collation.
std::string ask_columns(SqlDialect dialect, std::string_view table) {
    if (dialect == SqlDialect::sqlite)
        return fmt::format(
            "SELECT name, type, CASE \"notnull\" WHEN 0 THEN 'YES' ELSE 'NO' END, NULL"
            " FROM pragma_table_info('{}')",
            table);
    return fmt::format(
        "SELECT column_name, column_type, is_nullable, collation_name"
        " FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = '{}'",
        table);
}

// Returns the query for the unique keys. Each row of the result has the name of a key and one of
// its columns.
std::string ask_unique_keys(SqlDialect dialect, std::string_view table) {
    if (dialect == SqlDialect::sqlite)
        return fmt::format(
            "SELECT list.name, info.name FROM pragma_index_list('{}') AS list,"
            " pragma_index_info(list.name) AS info WHERE list.\"unique\" = 1",
            table);
    return fmt::format(
        "SELECT index_name, column_name FROM information_schema.statistics"
        " WHERE table_schema = DATABASE() AND table_name = '{}' AND non_unique = 0",
        table);
}

// --- types as databases spell them ---

std::string lower(std::string_view text) {
    std::string low(text);
    std::ranges::transform(low, low.begin(), [](unsigned char c) { return std::tolower(c); });
    return low;
}

// Returns a type in lower case, without the width in a type such as bigint(20), and with the
// collation after a varchar. The width affects only the display, and newer servers omit it.
std::string live_type(std::string_view type, std::string_view collation) {
    static const std::regex width("^((?:tiny|big)?int)\\(\\d+\\)");
    std::string words = std::regex_replace(lower(type), width, "$1");
    if (words.starts_with("varchar") && !collation.empty())
        words.append(" ").append(lower(collation));
    return words;
}

std::string wanted_type(SqlDialect dialect, const ColumnInfo& column) {
    const std::string type = lower(column_type(dialect, column));
    if (dialect == SqlDialect::sqlite) return type;
    return column.kind == Kind::text ? type.substr(0, type.find(' ')) + " utf8mb4_bin" : type;
}

Result<LiveColumns> live_columns(SqlDialect dialect, std::string_view table, const Query& query) {
    const auto rows = query(ask_columns(dialect, table));
    if (!rows) return std::unexpected(rows.error());
    LiveColumns columns;
    for (const auto& row : *rows)
        columns.emplace(
            lower(row[0].value_or("")),
            LiveColumn{live_type(row[1].value_or(""), row[3].value_or("")), row[2] == "NO"});
    return columns;
}

Differences compare_columns(SqlDialect dialect, LiveColumns live, ColumnList columns) {
    Differences differences;
    const auto by_hand = [&](std::string what) { differences.push_back({std::move(what), {}}); };
    for (const auto& column : columns) {
        const auto found = live.find(column.name);
        if (found == live.end()) {
            differences.push_back(
                {fmt::format("column {} of site_checkins is missing", column.name),
                 {add_column(dialect, column)}});
            continue;
        }
        const auto [type, required] = found->second;
        live.erase(found);
        if (const std::string wanted = wanted_type(dialect, column); type != wanted)
            by_hand(
                fmt::format("column {} of site_checkins is {}, not {}", column.name, type, wanted));
        if (required && !is_required(column))
            by_hand(fmt::format("column {} of site_checkins must allow NULL", column.name));
    }
    for (const auto& [name, column] : live)
        if (column.required)
            by_hand(
                fmt::format("column {} of site_checkins was not created by rollcall; it must "
                            "allow NULL",
                            name));
    return differences;
}

// Checks that the table has the expected unique key, and no other unique key that may refuse a row.
// If another key refused a row, the sink would treat the row as a duplicate and leave it out.
Result<Differences> compare_unique_keys(SqlDialect dialect, std::string_view table,
                                        const std::set<std::string>& ours, const Query& query) {
    const auto rows = query(ask_unique_keys(dialect, table));
    if (!rows) return std::unexpected(rows.error());
    std::map<std::string, std::set<std::string>> keys;
    for (const auto& row : *rows) keys[row[0].value_or("")].insert(lower(row[1].value_or("")));
    Differences differences;
    if (std::ranges::none_of(keys, [&](const auto& key) { return key.second == ours; }))
        differences.push_back({fmt::format("{} has no unique key over {}: rows may be stored twice",
                                           table, fmt::join(ours, " and ")),
                               {}});
    for (const auto& [name, columns] : keys)
        if (!std::ranges::includes(columns, ours))
            differences.push_back(
                {fmt::format(
                     "{} has another unique key, {}: rows that violate it would be left out as "
                     "duplicates; drop that key",
                     table, name),
                 {}});
    return differences;
}

Differences compare_position(SqlDialect dialect, const LiveColumns& live) {
    const bool sqlite = dialect == SqlDialect::sqlite;
    Differences differences;
    for (const auto& [name, wanted] : std::map<std::string_view, std::string_view>{
             {"spool", sqlite ? "text" : "varchar(36) utf8mb4_bin"},
             {"next_record", sqlite ? "integer" : "bigint"},
             {"run_id", sqlite ? "text" : "varchar(36) utf8mb4_bin"}}) {
        const auto found = live.find(name);
        if (found == live.end() && name == "run_id") {
            differences.push_back(
                {"column run_id of rollcall_position is missing", {add_run_to_position(dialect)}});
            continue;
        }
        if (found == live.end())
            differences.push_back(
                {fmt::format("column {} of rollcall_position is missing; its type must be {}", name,
                             wanted),
                 {}});
        else if (found->second.type != wanted)
            differences.push_back({fmt::format("column {} of rollcall_position is {}, not {}", name,
                                               found->second.type, wanted),
                                   {}});
    }
    return differences;
}

// Checks the engines of MariaDB's tables. Engines other than InnoDB accept a ROLLBACK but do not
// undo anything, so the rows of a failed batch would stay in the table.
Result<Differences> compare_engines(const Query& query) {
    const auto rows = query(
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_name IN ('site_checkins', 'rollcall_position') AND engine <> 'InnoDB'");
    if (!rows) return std::unexpected(rows.error());
    Differences differences;
    for (const auto& row : *rows)
        differences.push_back({fmt::format("table {} uses the engine {}, not InnoDB",
                                           row[0].value_or(""), row[1].value_or("")),
                               {}});
    return differences;
}

// --- the output of SHOW CREATE ---

// Normalizes SQL: converts it to lower case outside of string literals, with single spaces between
// words. Removes quotes around names, table names before column names, and the comment marks that
// hide a word from MySQL.
std::string plain(std::string_view sql) {
    std::string text;
    const auto is_name = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    for (size_t i = 0; i < sql.size(); ++i) {
        const auto c = static_cast<unsigned char>(sql[i]);
        if (c == '\'') {
            const size_t begin = i;
            for (++i; i < sql.size() && sql[i] != '\''; ++i) i += sql[i] == '\\' ? 1 : 0;
            text += sql.substr(begin, i - begin + 1);
        } else if (sql.substr(i).starts_with("/*!")) {
            for (i += 2; i + 1 < sql.size() && std::isdigit(sql[i + 1]) != 0;) ++i;
        } else if (sql.substr(i).starts_with("*/")) {
            ++i;
        } else if (c == '.') {
            while (!text.empty() && is_name(text.back())) text.pop_back();
        } else if (std::isspace(c) != 0) {
            if (!text.empty() && text.back() != ' ' && text.back() != '(' && text.back() != ',')
                text += ' ';
        } else if (c != '`') {
            if ((c == ')' || c == ',') && text.ends_with(' ')) text.pop_back();
            text += static_cast<char>(std::tolower(c));
        }
    }
    return text;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}
bool has_words(std::string_view text, std::string_view words) {
    return contains(fmt::format(" {} ", text), fmt::format(" {} ", words));
}

// Returns the whole result of a SHOW statement as one normalized text.
Result<std::string> shown(const Query& query, const std::string& sql) {
    const auto rows = query(sql);
    if (!rows) return std::unexpected(rows.error());
    std::string text;
    for (const auto& row : *rows)
        for (const auto& value : row) text.append(value.value_or("")).append(" ");
    return plain(text);
}

// --- the pipeline ---

// Clauses that would change, skip or replace rows. The first text of a pair occurs in a pipeline
// that has the clause. The second text is the clause's name in messages.
constexpr std::pair<std::string_view, std::string_view> unwanted_clauses[] = {
    {" replace ", "REPLACE"},
    {" ignore ", "IGNORE"},
    {" with transform ", "WITH TRANSFORM"},
    {") set ", "SET"},
    {") where ", "WHERE"},
    {") on duplicate key ", "ON DUPLICATE KEY UPDATE"},
};

std::vector<std::string> loaded_columns(std::string_view pipeline) {
    const std::string_view table = " into table site_checkins ";
    size_t at = pipeline.find(table);
    at = pipeline.find('(', at == pipeline.npos ? pipeline.size() : at + table.size());
    std::vector<std::string> columns;
    while (at < pipeline.size() && pipeline[at] != ')') {
        const size_t end = std::min(pipeline.find_first_of(",)", at + 1), pipeline.size());
        columns.emplace_back(pipeline.substr(at + 1, end - at - 1));
        at = end;
    }
    return columns;
}

std::string without_spaces(std::string text) {
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
    return text;
}

// Returns true if a pipeline that has no STOP_ON_ERROR clause stops at an error.
bool stops_by_default(const Query& query) {
    const auto rows = query("SELECT @@pipelines_stop_on_error");
    if (!rows || rows->empty()) return false;
    const std::string word = lower(rows->front()[0].value_or(""));
    return word == "1" || word == "on";
}

using Sentences = std::vector<std::string>;

void compare_clauses(const PipelineSource& source, const std::string& live, const Query& query,
                     Sentences& wrong) {
    for (const auto& clause : pipeline_clauses(source)) {
        // This loop skips CONFIG, whose members are compared below, and the columns, which
        // compare_loaded_columns() compares. It skips CREDENTIALS, because SingleStore does not
        // show them.
        if (clause.starts_with("CONFIG ") || clause.starts_with("CREDENTIALS ") ||
            clause.starts_with("(") || has_words(live, plain(clause)))
            continue;
        if (clause.starts_with("STOP_ON_ERROR ") && !has_words(live, "stop_on_error off") &&
            stops_by_default(query))
            continue;
        wrong.push_back("is made without " + clause);
    }
    for (const auto& member : pipeline_config(source)) {
        const std::string literal = string_literal(member);
        if (!contains(without_spaces(live), without_spaces(literal.substr(1, literal.size() - 2))))
            wrong.push_back("is made without " + member + " in its CONFIG");
    }
    for (const auto& [words, what] : unwanted_clauses)
        if (contains(live, words)) wrong.push_back(fmt::format("is made with {}", what));
}

void compare_loaded_columns(const std::string& live, ColumnList columns, Sentences& wrong) {
    const auto loaded = loaded_columns(live);
    if (std::ranges::equal(loaded, columns, {}, {}, &ColumnInfo::name)) return;
    const size_t before = wrong.size();
    for (const auto& column : columns)
        if (std::ranges::find(loaded, column.name) == loaded.end())
            wrong.push_back(fmt::format(
                "does not load column {}: rows of this version need a new topic (kafka.topic) and "
                "a new pipeline",
                column.name));
    if (wrong.size() == before)
        wrong.emplace_back(
            "must load exactly the columns that rollcalld schema show prints, in their order");
}

}  // namespace

Result<Differences> compare_tables(SqlDialect dialect, const Query& query, ColumnList columns) {
    Differences differences;
    const auto append = [&](Result<Differences> found) {
        if (found) std::ranges::move(*found, std::back_inserter(differences));
        return found;
    };
    const Statements tables = create_tables(dialect, columns);
    auto live = live_columns(dialect, "site_checkins", query);
    if (!live) return std::unexpected(live.error());
    if (live->empty()) {
        differences.push_back({"table site_checkins is missing", {tables[0]}});
    } else {
        differences = compare_columns(dialect, *std::move(live), columns);
        if (auto keys =
                append(compare_unique_keys(dialect, "site_checkins", {"id", "site_id"}, query));
            !keys)
            return keys;
    }
    const auto position = live_columns(dialect, "rollcall_position", query);
    if (!position) return std::unexpected(position.error());
    if (position->empty()) {
        differences.push_back({"table rollcall_position is missing", {tables[1]}});
    } else {
        append(compare_position(dialect, *position));
        if (auto keys = append(compare_unique_keys(dialect, "rollcall_position", {"spool"}, query));
            !keys)
            return keys;
    }
    if (dialect == SqlDialect::mariadb)
        if (auto engines = append(compare_engines(query)); !engines) return engines;
    return differences;
}

Differences compare_layout(const Query& query) {
    const auto table = shown(query, "SHOW CREATE TABLE site_checkins");
    // If the user lacks the right to see the table, the other comparisons report that.
    if (!table) return {};
    struct Key {
        std::string_view name;
        std::regex shape;  // Older versions print CLUSTERED COLUMNSTORE.
        std::string_view column;
    };
    static const Key keys[] = {
        {"shard key", std::regex(R"(shard key (?:\w+ )?\(([^)]*)\))"), "site_id"},
        {"sort key",
         std::regex(R"(sort key (?:\w+ )?\(([^)]*)\)|)"
                    R"(key (?:\w+ )?\(([^)]*)\) using clustered columnstore)"),
         "received_at"},
    };
    Differences differences;
    for (const auto& [name, shape, column] : keys) {
        std::smatch found;
        if (!std::regex_search(*table, found, shape)) continue;
        if (const std::string live = found[1].matched ? found[1] : found[found.size() - 1];
            live != column)
            differences.push_back(
                {fmt::format("the {} of site_checkins is ({}), not ({})", name, live, column), {}});
    }
    return differences;
}

Result<Differences> compare_pipeline(const PipelineSource& source, const Query& query,
                                     ColumnList columns) {
    const std::string name = pipeline_name(source.topic);
    const std::string is_this =
        "WHERE database_name = DATABASE() AND pipeline_name = " + string_literal(name);
    const auto pipelines = query("SELECT state FROM information_schema.pipelines " + is_this);
    if (!pipelines) return std::unexpected(pipelines.error());
    Differences differences;
    if (pipelines->empty()) {
        differences.push_back(
            {fmt::format("pipeline {} is missing", name), create_pipeline(source, columns)});
        return differences;
    }
    const auto live = shown(query, "SHOW CREATE PIPELINE " + name_quoted(name));
    if (!live) return std::unexpected(live.error());
    Sentences wrong;
    compare_clauses(source, *live, query, wrong);
    compare_loaded_columns(*live, columns, wrong);
    for (const auto& sentence : wrong)
        differences.push_back({fmt::format("pipeline {} {}", name, sentence), {}});
    if (!differences.empty() || pipelines->front()[0] != "Stopped") return differences;
    const auto loaded = query("SELECT COUNT(*) FROM information_schema.pipelines_cursors " +
                              is_this + " AND cursor_offset > earliest_offset");
    if (!loaded) return std::unexpected(loaded.error());
    if (!loaded->empty() && whole_number(loaded->front()[0]) == 0)
        differences.push_back(
            {fmt::format("pipeline {} was never started", name), start_pipeline(source)});
    return differences;
}

Result<Differences> apply_fixes(const Differences& differences, const Query& query) {
    Differences left;
    for (const auto& difference : differences) {
        if (difference.fix.empty()) left.push_back(difference);
        for (const auto& statement : difference.fix)
            if (const auto done = query(statement); !done)
                return std::unexpected(in_context(difference.what, done.error()));
    }
    return left;
}

std::string in_short(const Differences& differences) {
    if (differences.empty()) return "nothing differs";
    const size_t more = differences.size() - 1;
    return differences[0].what + (more == 0 ? "" : fmt::format(", and {} more differences", more));
}

}  // namespace rollcall
