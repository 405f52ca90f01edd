#include "daemon/cli/token_command.h"

#include <fmt/core.h>

#include <ctime>

#include "config/units.h"
#include "daemon/security/base64.h"
#include "daemon/security/credentials.h"

namespace rollcall {

namespace {

constexpr size_t token_bytes = 32;

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

std::string said(std::string_view site, std::string_view tenant, int64_t expires_s) {
    return line("site", site) + line("tenant", tenant) +
           line("expires", expires_s == 0 ? "" : utc(expires_s));
}

std::expected<SigningKeys, std::string> keys_of(const Settings& settings) {
    if (settings.auth.signing_keys_file.empty()) return SigningKeys();
    return SigningKeys::read(settings.auth.signing_keys_file, settings.auth.signing_keys_max);
}

std::expected<std::string, std::string> signed_one(const TokenWish& wish, const SigningKey& key,
                                                   const Clock& clock) {
    if (wish.site.ends_with('*')) return std::unexpected("a signed token is for one site");
    Claims claims{wish.site, wish.tenant};
    if (!wish.expires.empty()) {
        const auto lifetime = parse_millis(wish.expires);
        if (!lifetime || *lifetime < Millis(1000))
            return std::unexpected("--expires takes a duration from 1s on, such as 30d");
        claims.expires_s = clock.wall_us() / 1'000'000 + lifetime->count() / 1000;
    }
    return sign_token(key.id, key.secret, claims) + "\n";
}

std::expected<std::string, std::string> stored_one(const TokenWish& wish) {
    if (!wish.expires.empty())
        return std::unexpected("a stored token does not expire: take it out of the file");
    const std::string token = to_base64url(random_bytes(token_bytes));
    return fmt::format("{}\n{} {}{}{}\n", token, wish.site, wish.tenant,
                       wish.tenant.empty() ? "" : " ", to_hex(sha256(token)));
}

}  // namespace

std::expected<std::string, std::string> new_token(const Settings& settings, const TokenWish& wish,
                                                  const Clock& clock) {
    if (!is_site_name(wish.site))
        return std::unexpected("a site is UTF-8 without blanks, up to 128 bytes");
    if (!wish.tenant.empty() && !is_site_name(wish.tenant))
        return std::unexpected("a tenant is UTF-8 without blanks, up to 128 bytes");
    if (wish.stored) return stored_one(wish);
    const auto keys = keys_of(settings);
    if (!keys) return std::unexpected(keys.error());
    const SigningKey* const key = keys->for_signing(wish.key_id);
    if (key != nullptr) return signed_one(wish, *key, clock);
    if (!wish.key_id.empty())
        return std::unexpected(
            fmt::format("auth.signing_keys_file has no key {} that signs", wish.key_id));
    return stored_one(wish);
}

std::expected<std::string, std::string> new_key(std::string_view id) {
    if (!is_key_id(id)) return std::unexpected("a key id is UTF-8 without blanks, up to 64 bytes");
    return fmt::format("{} {} {}\n", id, to_text(Algorithm::signed_token),
                       to_base64url(random_bytes(token_bytes)));
}

std::expected<TokenReport, std::string> show_token(const Settings& settings, std::string_view token,
                                                   const Clock& clock) {
    Settings asked = settings;
    asked.auth.mode = "tokens";
    CredentialFiles files(asked);
    if (const auto loaded = files.load(); !loaded) return std::unexpected(loaded.error());
    const auto known = files.current();
    std::string text;
    std::string site;  // For a token that wants one named beside it, any that would do.
    const auto envelope = open_envelope(token);
    if (const auto stored = known->stored.find(sha256(token))) {
        text = line("kind", fmt::format("stored, {}:{}", asked.auth.tokens_file, stored->line)) +
               said(stored->site, stored->tenant, 0);
        if (stored->site.ends_with('*')) site = stored->site;
    } else if (envelope) {
        text = line("kind", to_text(envelope->algorithm)) + line("key", envelope->key_id);
        const auto& auth = asked.auth;
        const ClaimRules rules{auth.jwt_audience, auth.jwt_issuer, auth.jwt_tenant_claim};
        if (const auto claims = read_claims(*envelope, rules))
            text += said(claims->site, claims->tenant, claims->expires_s);
    } else {
        text = line("kind", "not signed, and in no file");
    }
    Identity who;
    const auto identified = Credentials(asked, files, clock).identify({site, token, {}}, who);
    text += line("verifies",
                 identified ? "yes" : fmt::format("no: {}", info(identified.error().code).help));
    return TokenReport{text, identified.has_value()};
}

}  // namespace rollcall
