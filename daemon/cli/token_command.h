// rollcalld token: creates tokens and keys, and explains tokens.
//
// These functions write to no file. The operator copies the text that they return into a file or a
// router. For the command `token revoke`, which writes to a file, see revoke_token.h.
//
// Threads: main, without a daemon. Errors: bad_argument, and errors in the files. Each error has an
// explanation.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/error.h"

namespace rollcall {

struct TokenRequest {
    std::string site;
    std::string tenant = {};
    std::string expires = {};  // A duration; empty if the token never expires.
    std::string key_id = {};   // Empty for the first HS256 key in the file.
    bool stored = false;       // Create a stored token even if there is an HS256 key.
};

struct NewToken {
    std::string text;     // The lines to print: the token, and for a stored token its line for
                          // auth.tokens_file.
    std::string id = {};  // The id for revoking the token; empty for a stored token.
};
// Returns a JSON Web Token (HS256) if auth.signing_keys_file has an HS256 key. If there is no such
// key, returns a random token, followed by a line for auth.tokens_file.
[[nodiscard]] Result<NewToken> new_token(const Settings& settings, const TokenRequest& request,
                                         const Clock& clock);

// Returns a line for auth.signing_keys_file with a new HS256 key.
[[nodiscard]] Result<std::string> new_key(std::string_view id);

struct TokenReport {
    std::string text;
    bool accepted;  // Whether the daemon would accept the token now.
};
// Explains a token. Fails if a file cannot be read.
[[nodiscard]] Result<TokenReport> show_token(const Settings& settings, std::string_view token,
                                             const Clock& clock);

}  // namespace rollcall
