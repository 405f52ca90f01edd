// Parses arbitrary bytes as a token, and as the payload of a token with a valid signature. No input
// may break the parser, and accepted claims must name a site. The daemon must be able to sign the
// claims of every token that it accepts.
//
// The first byte selects what the other bytes are: 0 the token itself; 1 a payload after a header
// with HS256; 2 a site, a tenant and a key id, separated by line feeds. In case 2, a token with
// these names is signed and parsed.
#include <string>
#include <string_view>

#include "daemon/security/base64.h"
#include "daemon/security/json_web_token.h"
#include "daemon/security/signing_keys.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/error.h"

namespace {

using namespace rollcall;

constexpr ClaimRules rules{"rollcall", "", "tenant"};

// Signs the claims and checks that parsing the token returns the same claims.
void sign_again(std::string_view key_id, const Claims& claims) {
    const auto token = sign_json_web_token(key_id, "key", claims, rules);
    const auto parsed = parse_json_web_token(token);
    ensure(parsed && parsed->key_id == key_id && parsed->algorithm == Algorithm::hs256);
    const auto read = read_claims(*parsed, rules);
    ensure(read && read->site == claims.site && read->tenant == claims.tenant &&
           read->expires_s == claims.expires_s && read->not_before_s == claims.not_before_s);
}

void check_token(const std::string& token) {
    const auto parsed = parse_json_web_token(token);
    if (!parsed) return;
    ensure(token.starts_with(parsed->signing_input));
    ensure(token == std::string(parsed->signing_input) + "." + to_base64url(parsed->signature));
    const auto claims = read_claims(*parsed, rules);
    if (!claims) return;
    ensure(is_site_name(claims->site));
    ensure(claims->tenant.empty() || is_site_name(claims->tenant));
    ensure(claims->expires_s >= 0);
    sign_again(is_key_id(parsed->key_id) ? parsed->key_id : "k", *claims);
}

void check_names(std::string_view text) {
    std::string_view names[3];
    for (std::string_view& name : names) {
        const size_t end = text.find('\n');
        name = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    const auto& [site, tenant, key_id] = names;
    if (!is_site_name(site) || !is_key_id(key_id)) return;
    if (!tenant.empty() && !is_site_name(tenant)) return;
    sign_again(key_id, {std::string(site), std::string(tenant), 1, 2});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0: check_token(text); break;
        case 1: check_token("eyJhbGciOiJIUzI1NiJ9." + to_base64url(text) + ".c2ln"); break;
        case 2: check_names(text); break;
    }
    return 0;
}
