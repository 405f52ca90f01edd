#include "sinks/live_schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <regex>
#include <set>

namespace rollcall {

namespace {

struct LiveColumn {
    std::string type;
    bool required;
};
using LiveColumns = std::map<std::string, LiveColumn, std::less<>>;

// --- what to ask ---

// name, type, YES if it may be NULL, collation
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

// name of a unique key, one of its columns
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

// --- types, as databases tell them ---

std::string lower(std::string_view text) {
    std::string low(text);
    std::ranges::transform(low, low.begin(), [](unsigned char c) { return std::tolower(c); });
    return low;
}

// The width in bigint(20) says how it is shown, and newer servers leave it out.
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

Found<LiveColumns> live_columns(SqlDialect dialect, std::string_view table, const Query& query) {
    const auto rows = query(ask_columns(dialect, table));
    if (!rows) return std::unexpected(rows.error());
    LiveColumns columns;
    for (const auto& row : *rows)
        columns.emplace(
            lower(row[0].value_or("")),
            LiveColumn{live_type(row[1].value_or(""), row[3].value_or("")), row[2] == "NO"});
    return columns;
}

using Differences = std::vector<Difference>;

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
            by_hand(
                fmt::format("column {} of site_checkins must be allowed to be NULL", column.name));
    }
    for (const auto& [name, column] : live)
        if (column.required)
            by_hand(
                fmt::format("column {} of site_checkins is not rollcall's and must be allowed "
                            "to be NULL",
                            name));
    return differences;
}

// Of site_checkins: its own must be there, and no other may refuse a row, for what a key refuses is
// taken for a copy and left out.
Found<Differences> compare_unique_keys(SqlDialect dialect, const Query& query) {
    const auto rows = query(ask_unique_keys(dialect, "site_checkins"));
    if (!rows) return std::unexpected(rows.error());
    std::map<std::string, std::set<std::string>> keys;
    for (const auto& row : *rows) keys[row[0].value_or("")].insert(lower(row[1].value_or("")));
    const std::set<std::string> ours = {"id", "site_id"};
    Differences differences;
    if (std::ranges::none_of(keys, [&](const auto& key) { return key.second == ours; }))
        differences.push_back(
            {"site_checkins has no unique key over site_id and id: rows may come twice", {}});
    for (const auto& [name, columns] : keys)
        if (!std::ranges::includes(columns, ours))
            differences.push_back(
                {fmt::format("the unique key {} of site_checkins may refuse rows", name), {}});
    return differences;
}

// MariaDB's other engines know no transactions, and say nothing.
Found<Differences> compare_engines(const Query& query) {
    const auto rows = query(
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_name IN ('site_checkins', 'rollcall_position') AND engine <> 'InnoDB'");
    if (!rows) return std::unexpected(rows.error());
    Differences differences;
    for (const auto& row : *rows)
        differences.push_back({fmt::format("table {} is kept by {}, not InnoDB",
                                           row[0].value_or(""), row[1].value_or("")),
                               {}});
    return differences;
}

bool has_word(const std::string& text, std::string_view word) {
    return std::regex_search(text, std::regex(fmt::format("\\b{}\\b", word)));
}

}  // namespace

Found<std::vector<Difference>> compare_tables(SqlDialect dialect, const Query& query,
                                              ColumnList columns) {
    Differences differences;
    const auto append = [&](Found<Differences> found) {
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
        if (auto keys = append(compare_unique_keys(dialect, query)); !keys) return keys;
    }
    const auto position = live_columns(dialect, "rollcall_position", query);
    if (!position) return std::unexpected(position.error());
    if (position->empty())
        differences.push_back({"table rollcall_position is missing", {tables[1]}});
    else if (!position->contains("spool") || !position->contains("next_record"))
        differences.push_back({"rollcall_position has not the columns spool and next_record", {}});
    if (dialect == SqlDialect::mariadb)
        if (auto engines = append(compare_engines(query)); !engines) return engines;
    return differences;
}

Found<std::vector<Difference>> compare_pipeline(const PipelineSource& source, const Query& query,
                                                ColumnList columns) {
    const std::string name = pipeline_name(source.topic);
    const auto pipelines =
        query(fmt::format("SELECT pipeline_name FROM information_schema.pipelines"
                          " WHERE database_name = DATABASE() AND pipeline_name = {}",
                          quoted(name)));
    if (!pipelines) return std::unexpected(pipelines.error());
    if (pipelines->empty())
        return std::vector<Difference>{
            {fmt::format("pipeline {} is missing", name), create_pipeline(source, columns)}};
    const auto shown = query(fmt::format("SHOW CREATE PIPELINE {}", name));
    if (!shown) return std::unexpected(shown.error());
    std::string text;
    for (const auto& row : *shown)
        for (const auto& value : row) text.append(value.value_or("")).append("\n");
    std::vector<Difference> differences;
    for (const auto& column : columns)
        if (!has_word(text, column.name))
            differences.push_back({fmt::format("pipeline {} does not load column {}: lines of this "
                                               "version need a topic of their own, see kafka.topic",
                                               name, column.name),
                                   {}});
    return differences;
}

Found<std::vector<Difference>> mend(const std::vector<Difference>& differences,
                                    const Query& query) {
    std::vector<Difference> left;
    for (const auto& difference : differences) {
        if (difference.mend.empty()) left.push_back(difference);
        for (const auto& statement : difference.mend)
            if (const auto done = query(statement); !done) return std::unexpected(done.error());
    }
    return left;
}

std::string in_short(const std::vector<Difference>& differences) {
    if (differences.empty()) return "nothing differs";
    const size_t more = differences.size() - 1;
    return differences[0].what + (more == 0 ? "" : fmt::format(", and {} more differences", more));
}

}  // namespace rollcall
