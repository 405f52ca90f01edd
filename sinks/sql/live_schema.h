// Live schema: what a database has, against what ddl.h says it should have, column by column, and
// the statements that mend it.
//
// Only what adds is mended: tables, columns, a pipeline, the start of one that was never started. A
// column of another type, a key that is missing or refuses too much, an engine without transactions
// or a pipeline that was made otherwise is for a person to change. Columns that are not ours are
// left alone, if they may be NULL.
//
// Threads: as the query.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "sinks/sql/ddl.h"
#include "sinks/sql/query.h"

namespace rollcall {

struct Difference {
    std::string what;  // "column seq of site_checkins is missing".
    Statements mend;   // None: for a person to change.
};

template <class T>
using Found = std::expected<T, std::string>;

[[nodiscard]] Found<std::vector<Difference>> compare_tables(SqlDialect dialect, const Query& query,
                                                            ColumnList columns = columns_table);

// How the rows of a SingleStore's table lie, as far as it shows that.
[[nodiscard]] std::vector<Difference> compare_layout(const Query& query);

// Of a SingleStore only.
[[nodiscard]] Found<std::vector<Difference>> compare_pipeline(const PipelineSource& source,
                                                              const Query& query,
                                                              ColumnList columns = columns_table);

// Runs what mends them, in order, until one fails. Returns those that are for a person to change.
[[nodiscard]] Found<std::vector<Difference>> mend(const std::vector<Difference>& differences,
                                                  const Query& query);

// "column seq of site_checkins is missing, and 2 more differences".
[[nodiscard]] std::string in_short(const std::vector<Difference>& differences);

}  // namespace rollcall
