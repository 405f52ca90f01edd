// rollcalld token revoke: appends the id of a JSON Web Token to auth.revoked_file.
//
// When the command succeeds, the id is on disk. The daemon reads the file at the next reload.
//
// The command creates the file if it does not exist, with the mode 0640. If root runs the command,
// the new file gets the owner and group of auth.signing_keys_file, so that the daemon can read it.
// If that setting is empty, the new file gets the owner and group of the directory of
// auth.revoked_file. An existing file keeps its owner and mode. Concurrent commands wait for each
// other (flock(2)).
//
// Threads: main, without a daemon. Errors: bad_argument, not_owner, unreadable_file, and errors in
// the file's contents. Each error has an explanation.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Returns the lines to print: the change, and the next step for the operator. If the token is
// already revoked, succeeds without a change. After a failure the file has its previous contents.
[[nodiscard]] Result<std::string> revoke_token(const Settings& settings, std::string_view id);

}  // namespace rollcall
