// rollcalld token: makes tokens and keys, and says what a token is.
//
// Nothing is written to a file: what is printed is for whoever runs it to put where it belongs.
//
// Threads: main, without a daemon.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "pipeline/base/clock.h"

namespace rollcall {

struct TokenWish {
    std::string site;
    std::string tenant = {};
    std::string expires = {};  // As a duration; empty: never.
    std::string key_id = {};   // Empty: the first that signs.
    bool stored = false;       // Also where there is a key that signs.
};

// A signed token, if auth.signing_keys_file has a key that signs; else a random one, and below it
// its line for auth.tokens_file. Or why not.
[[nodiscard]] std::expected<std::string, std::string> new_token(const Settings& settings,
                                                                const TokenWish& wish,
                                                                const Clock& clock);

// A line for auth.signing_keys_file, with a key that signs.
[[nodiscard]] std::expected<std::string, std::string> new_key(std::string_view id);

struct TokenReport {
    std::string text;
    bool good;  // The daemon would take it now.
};
// Or what is wrong with the files.
[[nodiscard]] std::expected<TokenReport, std::string> show_token(const Settings& settings,
                                                                 std::string_view token,
                                                                 const Clock& clock);

}  // namespace rollcall
