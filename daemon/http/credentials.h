// Credential: the credential in the head of an HTTP request. The first that is there counts:
//
//     Authorization: Bearer TOKEN             RFC 6750, section 2.1
//     Authorization: Basic SITE:TOKEN         RFC 7617; or TOKEN alone, with nothing behind it
//     X-Rollcall-Token: TOKEN                 as auth.token_header names it
//     ?key=TOKEN                              as auth.token_query names it
//
// Beside a token that says nothing of a site, the header field auth.site_header or the query key
// auth.site_query may name one.
//
// Threads: pure functions, but for the buffer.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/http/parser.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/error.h"

namespace rollcall {

// bad_credential if Authorization is of another scheme or none at all. What is returned lies in the
// head and in `buffer`, which is to be cleansed when it is not needed any more.
[[nodiscard]] Result<Credential> credential_in(const HttpHead& head, const Settings& settings,
                                               std::string& buffer);

// Where a credential may stand nothing else does: such a header field is no value of a report, and
// a query is one without its token.
[[nodiscard]] bool is_credential_field(std::string_view name, const Settings& settings);
[[nodiscard]] std::string without_token(std::string_view query, const Settings& settings);

}  // namespace rollcall
