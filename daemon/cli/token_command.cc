#include "daemon/cli/token_command.h"

#include <fmt/core.h>

#include <ctime>

#include "config/units.h"
#include "daemon/security/base64.h"
#include "daemon/security/credentials.h"

namespace rollcall {

namespace {

constexpr size_t token_bytes = 32;
constexpr size_t id_bytes = 12;

std::string utc(int64_t seconds) {
    const time_t when = seconds;
    tm parts{};
    char text[64];
    if (gmtime_r(&when, &parts) == nullptr) return std::to_string(seconds);
    return {text, strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

std::string line(std::string_view name, std::string_view value) {
    return value.empty() ? "" : fmt::format("{:<9} {}\n", name, value);
}

std::string claims_text(std::string_view site, std::string_view tenant, int64_t expires_s,
                        std::string_view id = {}) {
    return line("id", id) + line("site", site) + line("tenant", tenant) +
           line("expires", expires_s == 0 ? "" : utc(expires_s));
}

ClaimRules rules_of(const Settings& settings) {
    const auto& auth = settings.auth;
    return {auth.jwt_audience, auth.jwt_issuer, auth.jwt_tenant_claim};
}

Result<SigningKeys> read_keys(const Settings& settings) {
    if (settings.auth.signing_keys_file.empty()) return SigningKeys();
    return SigningKeys::read(settings.auth.signing_keys_file, settings.auth.signing_keys_max);
}

Result<NewToken> new_signed_token(const Settings& settings, const TokenRequest& request,
                                  const SigningKey& key, const Clock& clock) {
    if (request.site.ends_with('*'))
        return fail(Code::bad_argument,
                    "a JSON Web Token is for one site; use --stored for several");
    const ClaimRules rules = rules_of(settings);
    if (!request.tenant.empty() && rules.tenant_claim.empty())
        return fail(Code::bad_argument, "--tenant needs auth.jwt_tenant_claim");
    const int64_t now_s = clock.wall_us() / 1'000'000;
    Claims claims{.site = request.site,
                  .tenant = request.tenant,
                  .issued_s = now_s,
                  .id = to_base64url(random_bytes(id_bytes))};
    if (!request.expires.empty()) {
        const auto lifetime = parse_millis(request.expires);
        if (!lifetime || *lifetime < Millis(1000))
            return fail(Code::bad_argument,
                        "--expires takes a duration of at least 1s, such as 30d");
        claims.expires_s = now_s + lifetime->count() / 1000;
    }
    return NewToken{sign_json_web_token(key.id, key.secret, claims, rules) + "\n", claims.id};
}

Result<NewToken> new_stored_token(const TokenRequest& request) {
    if (!request.expires.empty())
        return fail(
            Code::bad_argument,
            "--expires is only for signed tokens; to revoke a stored token, delete its line");
    const std::string token = to_base64url(random_bytes(token_bytes));
    return NewToken{fmt::format("{}\n{} {}{}{}\n", token, request.site, request.tenant,
                                request.tenant.empty() ? "" : " ", to_hex(sha256(token)))};
}

}  // namespace

Result<NewToken> new_token(const Settings& settings, const TokenRequest& request,
                           const Clock& clock) {
    if (!is_site_name(request.site))
        return fail(Code::bad_argument,
                    "a site is UTF-8, contains no blanks and has at most 128 bytes");
    if (!request.tenant.empty() && !is_site_name(request.tenant))
        return fail(Code::bad_argument,
                    "a tenant is UTF-8, contains no blanks and has at most 128 bytes");
    if (request.stored) return new_stored_token(request);
    const auto keys = read_keys(settings);
    if (!keys) return std::unexpected(keys.error());
    const SigningKey* const key = keys->for_signing(request.key_id);
    if (key != nullptr) return new_signed_token(settings, request, *key, clock);
    if (!request.key_id.empty())
        return fail(Code::bad_argument,
                    fmt::format("auth.signing_keys_file has no HS256 key {}", request.key_id));
    return new_stored_token(request);
}

Result<std::string> new_key(std::string_view id) {
    if (!is_key_id(id))
        return fail(Code::bad_argument,
                    "a key id is UTF-8, contains no blanks and has at most 64 bytes");
    return fmt::format("{} {} {}\n", id, to_text(Algorithm::hs256),
                       to_base64url(random_bytes(token_bytes)));
}

Result<TokenReport> show_token(const Settings& settings, std::string_view token,
                               const Clock& clock) {
    Settings with_tokens = settings;
    with_tokens.auth.mode = "tokens";
    CredentialFiles files(with_tokens);
    if (const auto loaded = files.load(); !loaded) return std::unexpected(loaded.error());
    const auto known = files.current();
    std::string text;
    std::string named_site;  // `prefix*`, if the token is valid for all sites with the prefix.
    if (const auto stored = known->stored.find(sha256(token))) {
        text = line("kind", fmt::format("stored, {}:{}", settings.auth.tokens_file, stored->line)) +
               claims_text(stored->site, stored->tenant, 0);
        if (stored->site.ends_with('*')) named_site = stored->site;
    } else if (const auto signed_token = parse_json_web_token(token)) {
        text = line("kind", to_text(signed_token->algorithm)) + line("key", signed_token->key_id);
        if (const auto claims = read_claims(*signed_token, rules_of(settings)))
            text += claims_text(claims->site, claims->tenant, claims->expires_s, claims->id);
    } else {
        text = line("kind", "unknown: not a JSON Web Token, and not in auth.tokens_file");
    }
    Identity identity;
    const auto identified =
        Credentials(with_tokens, files, clock).identify({named_site, token, {}}, identity);
    text += line("verifies",
                 identified ? "yes" : fmt::format("no: {}", info(identified.error().code).help));
    return TokenReport{text, identified.has_value()};
}

}  // namespace rollcall
