// Any bytes as a token, and as the payload of one whose signature is good: nothing breaks, what is
// believed has a site, and a token that is opened is one that somebody could have signed.
//
// The first byte says which: 0 the token itself, else a payload behind the header of HS256 or ours.
#include <string>

#include "daemon/security/base64.h"
#include "daemon/security/signed_token.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/error.h"

namespace {

using namespace rollcall;

void look_at(const std::string& token) {
    const auto envelope = open_envelope(token);
    if (!envelope) return;
    ensure(token.starts_with(envelope->signed_text));
    ensure(token == std::string(envelope->signed_text) + "." + to_base64url(envelope->signature));
    const auto claims = read_claims(*envelope, {"rollcall", "", "tenant"});
    if (!claims) return;
    ensure(is_site_name(claims->site));
    ensure(claims->tenant.empty() || is_site_name(claims->tenant));
    ensure(claims->expires_s >= 0);
    if (envelope->algorithm != Algorithm::signed_token) return;
    // Signed again it says the same.
    const std::string again = sign_token(envelope->key_id, "key", *claims);
    const auto same = open_envelope(again);
    ensure(same && same->key_id == envelope->key_id);
    const auto said = read_claims(*same, {});
    ensure(said && said->site == claims->site && said->expires_s == claims->expires_s);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0: look_at(text); break;
        case 1: look_at("eyJhbGciOiJIUzI1NiJ9." + to_base64url(text) + ".c2ln"); break;
        case 2: look_at("rc1." + to_base64url(text) + ".c2ln"); break;
    }
    return 0;
}
