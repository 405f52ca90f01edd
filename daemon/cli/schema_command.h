// Schema command: rollcalld schema show, diff and apply, for the databases that the settings name.
//
// Threads: main. diff and apply block as long as the settings allow.
#pragma once

#include <expected>
#include <string>

#include "config/settings.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

// Who applies, if not the daemon's own user. Then the daemon's user is made too.
struct Administrator {
    std::string user;  // Empty: the daemon's.
    std::string password_file;
};

struct SchemaReport {
    std::string text;
    bool same;  // Nothing differs, or no longer.
};

// The statements. Those that need a password are comments, with *** in its place.
[[nodiscard]] std::string show_schema(const Settings& settings, SqlDialect dialect);

// What the live database has otherwise, with the statements that would mend it, shown likewise.
// An error is a sentence: what cannot be reached, and why. The default of sqlite.path lies in
// state_dir.
[[nodiscard]] std::expected<SchemaReport, std::string> diff_schema(const Settings& settings,
                                                                   SqlDialect dialect,
                                                                   const std::string& state_dir,
                                                                   const Administrator& who);
// Mends it: tables, then the daemon's user, then the pipeline, which needs topics to be there. What
// only a person can change is left, and said; so is what failed, and then what was done before. To
// apply again goes on from there.
[[nodiscard]] std::expected<SchemaReport, std::string> apply_schema(const Settings& settings,
                                                                    SqlDialect dialect,
                                                                    const std::string& state_dir,
                                                                    const Administrator& who);

}  // namespace rollcall
