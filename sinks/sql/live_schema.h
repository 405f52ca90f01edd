// Live schema: compares what a database has with what ddl.h says it must have, column by column,
// and offers the statements that fix each difference.
//
// A fix only ever adds: a table, a column, a pipeline, the start of a pipeline that was never
// started. The operator must change the rest by hand: a column of another type, a key that is
// missing or refuses too much, an engine without transactions, a pipeline with other clauses.
// Additional columns are no difference if they may be NULL.
//
// Errors:  those of the query. The differences are a report and not an error.
// Threads: those of the query.
#pragma once

#include <string>
#include <vector>

#include "sinks/sql/ddl.h"
#include "sinks/sql/query.h"

namespace rollcall {

struct Difference {
    std::string what;  // "column seq of site_checkins is missing".
    Statements fix;    // Empty if the operator must change it by hand.
};
using Differences = std::vector<Difference>;

[[nodiscard]] Result<Differences> compare_tables(SqlDialect dialect, const Query& query,
                                                 ColumnList columns = columns_table);

// Compares the shard key and the sort key of a SingleStore table, as far as the server shows them.
[[nodiscard]] Differences compare_layout(const Query& query);

// Compares the pipeline of a SingleStore; the other databases have none.
[[nodiscard]] Result<Differences> compare_pipeline(const PipelineSource& source, const Query& query,
                                                   ColumnList columns = columns_table);

// Runs the fixes in order until a statement fails. Returns the differences that have no fix.
[[nodiscard]] Result<Differences> apply_fixes(const Differences& differences, const Query& query);

// Returns a summary: "column seq of site_checkins is missing, and 2 more differences".
[[nodiscard]] std::string in_short(const Differences& differences);

}  // namespace rollcall
