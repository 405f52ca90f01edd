// rollcalld token revoke: appends the id of a JSON Web Token to auth.revoked_file.
//
// The id is on disk when the command succeeds. The daemon reads the file at a reload.
//
// A new file can be read by the daemon: its mode is 0640, and if root creates it, its owner and
// group are those of auth.signing_keys_file, or else of the directory. An existing file keeps its
// owner and mode. Commands that run at the same time wait for each other (flock(2)).
//
// Threads: main, without a daemon. Errors: bad_argument, not_owner, unreadable_file and those of
// the file's contents; each has an explanation.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Returns what was done and what follows, as lines to print. Succeeds without a change if the token
// is revoked already. After a failure the file has its previous contents.
[[nodiscard]] Result<std::string> revoke_token(const Settings& settings, std::string_view id);

}  // namespace rollcall
