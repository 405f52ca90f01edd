// Signed token: what a token that needs no store says, before and after its signature is believed.
//
//     ours    rc1.PAYLOAD.MAC              both in base64url; PAYLOAD is four lines:
//                                          key id, expiry (seconds since 1970, 0 for never), site,
//                                          tenant (may be empty); MAC is the HMAC-SHA256 of all
//                                          that stands before its dot
//     JSON    HEADER.PAYLOAD.SIGNATURE     a JSON Web Token in compact form
//
// Nothing here verifies: an Envelope names the key that its sender says has signed, and only when
// that key has verified `signature` over `signed_text` may claims be read. Whose key it is and
// for which algorithm is known beforehand; what the token says of its algorithm is compared with
// that, never followed (RFC 8725, section 3.1).
//
// Of a JSON Web Token: `alg` HS256, RS256, ES256 or EdDSA; no `crit`, as no extension is understood
// (RFC 7515, section 4.1.11); no member twice of those that are read; `sub` is the site.
//
// Threads: pure functions. Units: seconds since 1970, UTC.
// Sources: RFC 7515 (compact form, header), RFC 7519 (claims), RFC 8725 (what to refuse).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/security/signatures.h"

namespace rollcall {

struct Envelope {
    Algorithm algorithm;
    std::string key_id;            // Empty if a JSON Web Token names none.
    std::string_view signed_text;  // In the token.
    std::string payload;
    std::string signature;
};

struct Claims {
    std::string site;
    std::string tenant;     // May be empty.
    int64_t expires_s = 0;  // 0: never.
    int64_t not_before_s = 0;
};

// Could it be a signed token? Costs nothing.
[[nodiscard]] bool looks_signed(std::string_view token);

// Nothing if it is not of either form.
[[nodiscard]] std::optional<Envelope> open_envelope(std::string_view token);

// What a JSON Web Token has to say, and where.
struct ClaimRules {
    std::string_view audience;      // Us, if it names any.
    std::string_view issuer;        // Who it has to name; empty: nobody.
    std::string_view tenant_claim;  // The claim that says the tenant; empty: none does.
};

// Nothing if it says no site, or not what it has to.
[[nodiscard]] std::optional<Claims> read_claims(const Envelope& envelope, const ClaimRules& rules);

// A token of our own.
[[nodiscard]] std::string sign_token(std::string_view key_id, std::string_view key,
                                     const Claims& claims);

}  // namespace rollcall
