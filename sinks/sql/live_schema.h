// Live schema: compares a database with the schema in ddl.h, column by column, and offers
// statements that fix a difference where that is possible.
//
// A fix only ever adds something: a table, a column, a pipeline, or the start of a pipeline that
// was never started. The operator must fix everything else by hand: for example a column whose type
// differs, a missing unique key, or a pipeline whose clauses differ. An additional unique key that
// could refuse rows must also be removed by hand. An additional column is no difference if it may
// be NULL.
//
// Errors:  those of the query. A difference is part of the result and is not an error.
// Threads: those of the query.
#pragma once

#include <string>
#include <vector>

#include "sinks/sql/ddl.h"
#include "sinks/sql/query.h"

namespace rollcall {

struct Difference {
    std::string what;  // For example "column seq of site_checkins is missing".
    Statements fix;    // Empty if the operator must fix it by hand.
};
using Differences = std::vector<Difference>;

[[nodiscard]] Result<Differences> compare_tables(SqlDialect dialect, const Query& query,
                                                 ColumnList columns = columns_table);

// Compares the shard key and the sort key of a SingleStore table, if the server shows them.
[[nodiscard]] Differences compare_layout(const Query& query);

// Compares the pipeline of SingleStore. The other databases have no pipelines.
[[nodiscard]] Result<Differences> compare_pipeline(const PipelineSource& source, const Query& query,
                                                   ColumnList columns = columns_table);

// Runs the fixes in order until a statement fails. Returns the differences that have no fix.
[[nodiscard]] Result<Differences> apply_fixes(const Differences& differences, const Query& query);

// Returns a summary such as "column seq of site_checkins is missing, and 2 more differences".
[[nodiscard]] std::string in_short(const Differences& differences);

}  // namespace rollcall
