#include "daemon/security/credentials.h"

#include <algorithm>
#include <utility>

#include "daemon/security/secret_file.h"

namespace rollcall {

namespace {

// Tolerated difference between the clock of this machine and the clock of the program that signs
// tokens (RFC 7519, section 4.1.4).
constexpr int64_t clock_skew_s = 5;

}  // namespace

// --- the files ---

CredentialFiles::CredentialFiles(const Settings& settings)
    : settings_(settings), tokens_(std::make_shared<const Tokens>()) {}

Result<void> CredentialFiles::load() {
    const auto& auth = settings_.auth;
    Tokens read;
    if (!auth.tokens_file.empty()) {
        auto stored = StoredTokens::read(auth.tokens_file, auth.tokens_max);
        if (!stored) return std::unexpected(stored.error());
        read.stored = std::move(*stored);
    }
    if (!auth.signing_keys_file.empty()) {
        auto keys = SigningKeys::read(auth.signing_keys_file, auth.signing_keys_max);
        if (!keys) return std::unexpected(keys.error());
        read.keys = std::move(*keys);
    }
    if (!auth.revoked_file.empty()) {
        auto revoked = RevokedTokens::read(auth.revoked_file, auth.revoked_max);
        if (!revoked) return std::unexpected(revoked.error());
        read.revoked = std::move(*revoked);
    }
    auto tokens = std::make_shared<const Tokens>(std::move(read));
    {
        const std::lock_guard lock(mutex_);
        tokens_.swap(tokens);
    }
    generation_.advance(generation_.own() + 1);
    return {};
}

std::vector<std::string> CredentialFiles::warnings() const {
    std::vector<std::string> all;
    for (const auto& path : {settings_.auth.tokens_file, settings_.auth.signing_keys_file})
        if (std::string warning = permission_warning(path); !warning.empty())
            all.push_back(std::move(warning));
    return all;
}

std::shared_ptr<const Tokens> CredentialFiles::current() const {
    const std::lock_guard lock(mutex_);
    return tokens_;
}

// --- one worker ---

Credentials::Credentials(const Settings& settings, const CredentialFiles& files, const Clock& clock)
    : settings_(settings),
      files_(files),
      clock_(clock),
      required_(settings.auth.mode == "tokens"),
      generation_(files.generation()),
      tokens_(files.current()),
      limiter_(settings) {}

void Credentials::refresh() {
    const uint64_t generation = files_.generation();
    if (generation == generation_) return;
    generation_ = generation;
    tokens_ = files_.current();
    verified_.clear();
    verified_before_.clear();
    changed_ = true;
}

bool Credentials::changed() {
    refresh();
    return std::exchange(changed_, false);
}

Result<void> Credentials::identify(const Credential& credential, Identity& identity) {
    if (!required_) return {};
    refresh();
    auto found = credential.token.empty() ? identify_by_certificate(credential)
                                          : identify_by_token(credential);
    if (!found) return std::unexpected(found.error());
    identity = std::move(*found);
    return {};
}

Result<Identity> Credentials::identify_by_certificate(const Credential& credential) const {
    if (credential.certified.empty()) return fail(Code::no_credential);
    const bool names_another = !credential.site.empty() && credential.site != credential.certified;
    auto identity = identity_of(credential.certified, {}, {});
    if (!identity || names_another || !is_site_name(credential.certified))
        return fail(Code::bad_credential);
    return std::move(*identity);
}

Result<Identity> Credentials::identify_by_token(const Credential& credential) {
    if (credential.token.size() > settings_.auth.token_size_max.count)
        return fail(Code::bad_credential);
    const Digest digest = sha256(credential.token);
    const auto stored = tokens_->stored.find(digest);
    if (!stored) return identify_by_json_web_token(credential, digest);
    auto identity = identity_of(stored->site, stored->tenant, credential.site);
    if (!identity) return fail(Code::bad_credential);
    identity->credential_digest = shortened(digest);
    return std::move(*identity);
}

Result<Identity> Credentials::identify_by_json_web_token(const Credential& credential,
                                                         const Digest& digest) {
    if (tokens_->keys.empty() || !looks_like_json_web_token(credential.token))
        return fail(Code::bad_credential);
    const Identity* const verified = find_verified(digest);
    auto identity = verified != nullptr ? Result<Identity>(*verified) : verify(credential, digest);
    if (!identity) return identity;
    if (!credential.site.empty() && credential.site != identity->site())
        return fail(Code::bad_credential);
    if (identity->expires_s != 0 && identity->expires_s <= now_s())
        return fail(Code::expired_credential);
    return identity;
}

Result<Identity> Credentials::verify(const Credential& credential, const Digest& digest) {
    const auto token = parse_json_web_token(credential.token);
    const SigningKey* const key = token ? tokens_->keys.find(*token) : nullptr;
    if (key == nullptr) return fail(Code::bad_credential);
    if (!key->is_expensive()) return verify_with(*key, *token);
    const uint64_t network = limiter_.network_of_peer(credential.peer);
    if (!limiter_.may_verify(network, now_s())) return fail(Code::signature_checks_suspended);
    auto identity = verify_with(*key, *token);
    if (identity) {
        add_verified(digest, *identity);
        limiter_.record_valid(network);
    } else {
        limiter_.record_wrong(network);
    }
    return identity;
}

// Verifies a token with the key. Succeeds even if the token has expired, so that the caller caches
// the token and does not verify its signature again. The caller checks the expiry.
Result<Identity> Credentials::verify_with(const SigningKey& key, const JsonWebToken& token) const {
    if (!key.verifies(token)) return fail(Code::bad_credential);
    const auto& auth = settings_.auth;
    const auto claims =
        read_claims(token, {auth.jwt_audience, auth.jwt_issuer, auth.jwt_tenant_claim});
    if (!claims) return fail(Code::bad_credential);
    if (claims->not_before_s > now_s() + clock_skew_s) return fail(Code::expired_credential);
    const auto expires_s = expiry_of(*claims);
    if (!expires_s) return std::unexpected(expires_s.error());
    if (tokens_->revoked.contains(claims->id)) return fail(Code::bad_credential);
    auto identity = identity_of(claims->site, claims->tenant, {}, claims->id);
    if (!identity) return fail(Code::bad_credential);
    identity->credential_digest = key.digest;
    identity->expires_s = *expires_s;
    return std::move(*identity);
}

Result<int64_t> Credentials::expiry_of(const Claims& claims) const {
    // A time after the year 36000 counts as "never expires", because adding the clock skew to it
    // could overflow.
    constexpr int64_t never_s = int64_t{1} << 40;
    const bool expires = claims.expires_s != 0 && claims.expires_s < never_s;
    const int64_t lifetime_max_s = settings_.auth.jwt_lifetime_max.count() / 1000;
    if (lifetime_max_s == 0) return expires ? claims.expires_s + clock_skew_s : 0;
    // If a token does not state its time of issue, use the latest possible time, which is now.
    const int64_t issued_s = claims.issued_s != 0 ? claims.issued_s : now_s();
    const int64_t latest_s = std::min(issued_s, now_s() + clock_skew_s) + lifetime_max_s;
    if (expires && claims.expires_s <= latest_s) return claims.expires_s + clock_skew_s;
    if (expires || claims.issued_s == 0) return fail(Code::unlimited_credential);
    return latest_s + clock_skew_s;
}

std::optional<Identity> Credentials::identity_of(std::string_view site, std::string_view tenant,
                                                 std::string_view named_site,
                                                 std::string_view token_id) const {
    if (site.ends_with('*')) {
        site.remove_suffix(1);
        if (!is_site_name(named_site) || !named_site.starts_with(site)) return std::nullopt;
        site = named_site;
    } else if (!named_site.empty() && named_site != site) {
        return std::nullopt;
    }
    const std::string& separator = settings_.auth.tenant_separator;
    if (tenant.empty() && !separator.empty()) {
        const size_t end = site.find(separator);
        if (end != site.npos) tenant = site.substr(0, end);
    }
    return Identity(site, tenant, token_id);
}

Result<void> Credentials::revalidate(const Identity& identity) {
    if (identity.expires_s != 0 && identity.expires_s <= now_s())
        return fail(Code::expired_credential);
    refresh();
    if (tokens_->revoked.contains(identity.token_id())) return fail(Code::bad_credential);
    const ShortDigest digest = identity.credential_digest;
    if (digest == 0 || tokens_->keys.contains(digest)) return {};
    const auto stored = tokens_->stored.find(digest);
    const auto now =
        stored ? identity_of(stored->site, stored->tenant, identity.site()) : std::nullopt;
    if (!now || now->tenant() != identity.tenant()) return fail(Code::bad_credential);
    return {};
}

// --- the cache of verified tokens ---

const Identity* Credentials::find_verified(const Digest& digest) {
    if (const auto found = verified_.find(digest); found != verified_.end()) return &found->second;
    const auto before = verified_before_.find(digest);
    if (before == verified_before_.end()) return nullptr;
    return add_verified(digest, Identity(before->second));
}

const Identity* Credentials::add_verified(const Digest& digest, const Identity& identity) {
    if (verified_.size() >= settings_.auth.verified_tokens_max / 2) {
        verified_before_.swap(verified_);
        verified_.clear();
    }
    return &verified_.emplace(digest, identity).first->second;
}

}  // namespace rollcall
