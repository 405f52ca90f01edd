// Schema command: rollcalld schema show, diff and apply, for the databases that the settings name.
//
// Threads: main. diff and apply may block for the timeouts in the settings.
#pragma once

#include <string>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

// A database user that runs the command in place of the daemon's user. If this user is given,
// apply_schema() also creates the daemon's user.
struct Administrator {
    std::string user;  // Empty if the daemon's user runs the command.
    std::string password_file;
};

struct SchemaReport {
    std::string text;
    bool same;  // No differences were found, or apply_schema() fixed all differences.
};

// Returns the SQL statements of the schema. Statements with a password are commented out, and ***
// replaces the password.
[[nodiscard]] std::string show_schema(const Settings& settings, SqlDialect dialect);

// Returns the differences between the live database and the schema, with the statements that would
// fix them. Secrets are hidden as in show_schema(). Fails if the database cannot be reached or
// queried. state_dir: the directory of the SQLite file if sqlite.path is empty.
[[nodiscard]] Result<SchemaReport> diff_schema(const Settings& settings, SqlDialect dialect,
                                               const std::string& state_dir,
                                               const Administrator& administrator);
// Fixes the differences: first the tables, then the daemon's user, then SingleStore's pipeline. The
// pipeline needs topics that already exist in Kafka. The report lists the differences that were
// fixed, those that the operator must fix by hand, and the statement that failed. A second call
// continues with this statement. Fails if the database cannot be reached.
[[nodiscard]] Result<SchemaReport> apply_schema(const Settings& settings, SqlDialect dialect,
                                                const std::string& state_dir,
                                                const Administrator& administrator);

}  // namespace rollcall
