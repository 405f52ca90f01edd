// Schema command: rollcalld schema show, diff and apply, for the databases that the settings name.
//
// Threads: main. diff and apply may block for the timeouts in the settings.
#pragma once

#include <string>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

// The database user that runs the command, if it is not the daemon's user. In this case apply also
// creates the daemon's user.
struct Administrator {
    std::string user;  // Empty for the daemon's user.
    std::string password_file;
};

struct SchemaReport {
    std::string text;
    bool same;  // No differences were found, or apply_schema() fixed all.
};

// Returns the SQL statements. Statements with a password are commented out, and *** replaces the
// password.
[[nodiscard]] std::string show_schema(const Settings& settings, SqlDialect dialect);

// Returns the differences of the live database, with the statements that would fix them. Secrets
// are hidden as in show_schema(). Fails if the database cannot be reached or queried. state_dir
// contains the SQLite file if sqlite.path is empty.
[[nodiscard]] Result<SchemaReport> diff_schema(const Settings& settings, SqlDialect dialect,
                                               const std::string& state_dir,
                                               const Administrator& administrator);
// Fixes the differences: first the tables, then the daemon's user, then SingleStore's pipeline, for
// which the topics must already exist in Kafka. The report lists what was done, what the operator
// must change by hand, and the statement that failed. A second call continues with that statement.
// Fails if the database cannot be reached.
[[nodiscard]] Result<SchemaReport> apply_schema(const Settings& settings, SqlDialect dialect,
                                                const std::string& state_dir,
                                                const Administrator& administrator);

}  // namespace rollcall
