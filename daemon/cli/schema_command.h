// Schema command: rollcalld schema show, diff and apply, for the databases that the settings name.
//
// Threads: main. diff and apply block as long as the timeouts of the settings allow.
#pragma once

#include <string>

#include "config/settings.h"
#include "pipeline/base/error.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

// The database user that runs the command, if it is not the daemon's own. Then apply also creates
// the daemon's user.
struct Administrator {
    std::string user;  // Empty for the daemon's user.
    std::string password_file;
};

struct SchemaReport {
    std::string text;
    bool same;  // Nothing differs, or nothing differs any more.
};

// Returns the statements. Those that need a password are comments, with *** in its place.
[[nodiscard]] std::string show_schema(const Settings& settings, SqlDialect dialect);

// Returns what differs in the live database, with the statements that would fix it. Secrets are
// hidden as in show_schema(). Fails if the database cannot be reached or asked. state_dir holds the
// SQLite file if sqlite.path is empty.
[[nodiscard]] Result<SchemaReport> diff_schema(const Settings& settings, SqlDialect dialect,
                                               const std::string& state_dir,
                                               const Administrator& administrator);
// Fixes what differs: tables, then the daemon's user, then the pipeline, which needs the topics to
// exist. The report lists what was done, what the operator must change by hand, and the statement
// that failed. A second call continues from there. Fails if the database cannot be reached.
[[nodiscard]] Result<SchemaReport> apply_schema(const Settings& settings, SqlDialect dialect,
                                                const std::string& state_dir,
                                                const Administrator& administrator);

}  // namespace rollcall
