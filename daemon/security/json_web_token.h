// JSON Web Token: a signed token in compact form. It contains the name of the site, so the daemon
// needs no list of tokens.
//
//   |  HEADER.PAYLOAD.SIGNATURE     each in base64url
//
// These functions verify no signature. parse_json_web_token() returns the key id that the token
// names. Call read_claims() only after this key has verified `signature` over `signing_input`.
// auth.signing_keys_file states the algorithm of each key, and the token's `alg` must be the same.
// The daemon never chooses an algorithm by `alg` (RFC 8725, section 3.1).
//
// Accepted tokens have `alg` HS256, RS256, ES256 or EdDSA. An accepted token has no `crit`, because
// the daemon supports no extension (RFC 7515, section 4.1.11). No member that the daemon reads may
// occur twice. `sub` is the site.
//
// Threads: pure functions. Units: seconds since 1970, UTC.
// Sources: RFC 7515 (compact form, header), RFC 7519 (claims), RFC 8725 (best practices).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/security/signatures.h"

namespace rollcall {

// A token whose signature has not been verified.
struct JsonWebToken {
    Algorithm algorithm;
    std::string key_id;              // Empty if the header has no `kid`.
    std::string_view signing_input;  // Points into the token.
    std::string payload;
    std::string signature;
};

struct Claims {
    std::string site;
    std::string tenant = {};  // Empty if the token has no tenant.
    int64_t expires_s = 0;    // 0 if the token never expires.
    int64_t not_before_s = 0;
    int64_t issued_s = 0;  // 0 if the token does not state it.
    std::string id = {};   // Empty if the token has none.
};

// Returns true if the text has the three parts of a JSON Web Token. Allocates nothing.
[[nodiscard]] bool looks_like_json_web_token(std::string_view token);

// Returns nothing if the text is not a JSON Web Token that this daemon supports.
[[nodiscard]] std::optional<JsonWebToken> parse_json_web_token(std::string_view token);

// Rules for the claims of a token, from the settings auth.jwt_*.
struct ClaimRules {
    std::string_view audience;      // A token with `aud` must name this audience.
    std::string_view issuer;        // Required value of `iss`; empty accepts any token.
    std::string_view tenant_claim;  // Name of the claim with the tenant; empty ignores tenants.
};

// Returns nothing if a claim is malformed or breaks the rules, or if no claim names the site.
[[nodiscard]] std::optional<Claims> read_claims(const JsonWebToken& token, const ClaimRules& rules);

// Returns a token signed with HS256 whose claims read_claims() accepts under the same rules. The
// site and the tenant must be valid site names; a tenant needs rules.tenant_claim.
[[nodiscard]] std::string sign_json_web_token(std::string_view key_id, std::string_view secret,
                                              const Claims& claims, const ClaimRules& rules);

}  // namespace rollcall
