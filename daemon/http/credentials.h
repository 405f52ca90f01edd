// credential_in: the credential in the head of an HTTP request. If the head has several
// credentials, the first one in this order counts:
//
//     Authorization: Bearer TOKEN             RFC 6750, section 2.1
//     Authorization: Basic SITE:TOKEN         RFC 7617; or `TOKEN:`, with an empty password
//     X-Rollcall-Token: TOKEN                 the name of the field is auth.token_header
//     ?key=TOKEN                              the name of the key is auth.token_query
//
// If the token names no site, the header field auth.site_header or the query key auth.site_query
// may name the site.
//
// Threads: pure functions; the buffer belongs to the caller.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/http/parser.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Fails with bad_credential if Authorization has another scheme or is malformed. The returned views
// point into the head and into `buffer`. The caller must cleanse the buffer after use.
[[nodiscard]] Result<Credential> credential_in(const HttpHead& head, const Settings& settings,
                                               std::string& buffer);

// Returns whether a header field is auth.token_header or auth.site_header. The contents of these
// two fields are never stored as values of a report.
[[nodiscard]] bool is_credential_field(std::string_view name, const Settings& settings);
// Returns the query without the pairs whose key is auth.token_query.
[[nodiscard]] std::string without_token(std::string_view query, const Settings& settings);

}  // namespace rollcall
