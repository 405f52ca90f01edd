#include "daemon/security/credentials.h"

#include <algorithm>
#include <utility>

#include "daemon/net/network.h"
#include "daemon/security/secret_file.h"

namespace rollcall {

namespace {

constexpr int64_t clock_skew_s = 5;  // Of who signs JSON Web Tokens.

}  // namespace

// --- what is known ---

CredentialFiles::CredentialFiles(const Settings& settings)
    : settings_(settings), tokens_(std::make_shared<const Tokens>()) {}

std::expected<void, std::string> CredentialFiles::load() {
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
        if (std::string warning = warning_of(path); !warning.empty())
            all.push_back(std::move(warning));
    return all;
}

std::shared_ptr<const Tokens> CredentialFiles::current() const {
    const std::lock_guard lock(mutex_);
    return tokens_;
}

// --- a worker's ---

Credentials::Credentials(const Settings& settings, const CredentialFiles& files, const Clock& clock)
    : settings_(settings),
      files_(files),
      clock_(clock),
      required_(settings.auth.mode == "tokens"),
      generation_(files.generation()),
      tokens_(files.current()),
      known_(zeroed<Network>(known_networks)) {}

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

Result<void> Credentials::identify(const Credential& presented, Identity& who) {
    if (!required_) return {};
    refresh();
    if (presented.token.empty()) return identify_certified(presented, who);
    if (presented.token.size() > settings_.auth.token_size_max.count)
        return fail(Code::bad_credential);
    const Digest digest = sha256(presented.token);
    const auto stored = tokens_->stored.find(digest);
    auto found = stored ? identify_stored(*stored, presented, StoredTokens::mark_of(digest))
                        : identify_signed(presented, digest);
    if (!found) return std::unexpected(found.error());
    who = std::move(*found);
    return {};
}

Result<void> Credentials::identify_certified(const Credential& presented, Identity& who) const {
    if (presented.certified.empty()) return fail(Code::no_credential);
    const bool another = !presented.site.empty() && presented.site != presented.certified;
    auto certified = who_is(presented.certified, {}, {});
    if (!certified || another || !is_site_name(presented.certified))
        return fail(Code::bad_credential);
    who = std::move(*certified);
    return {};
}

Result<Identity> Credentials::identify_stored(const StoredTokens::Token& token,
                                              const Credential& presented, uint64_t mark) const {
    auto who = who_is(token.site, token.tenant, presented.site);
    if (!who) return fail(Code::bad_credential);
    who->digest = mark;
    return std::move(*who);
}

Result<Identity> Credentials::identify_signed(const Credential& presented, const Digest& digest) {
    if (!looks_signed(presented.token) || tokens_->keys.empty()) return fail(Code::bad_credential);
    const Identity* const known = recall(digest);
    auto who = known != nullptr ? Result<Identity>(*known) : verify(presented, digest);
    if (!who) return who;
    if (!presented.site.empty() && presented.site != who->site()) return fail(Code::bad_credential);
    if (who->expires_s != 0 && who->expires_s <= now_s()) return fail(Code::expired_credential);
    return who;
}

Result<Identity> Credentials::verify(const Credential& presented, const Digest& digest) {
    const auto envelope = open_envelope(presented.token);
    const SigningKey* const key = envelope ? tokens_->keys.find(*envelope) : nullptr;
    if (key == nullptr) return fail(Code::bad_credential);
    if (!key->costly()) return believe(*envelope, *key);
    const uint64_t network = network_of_peer(presented.peer);
    if (!may_be_wrong(network)) return fail(Code::signature_checks_suspended);
    auto who = believe(*envelope, *key);
    if (who) {
        remember(digest, *who);
        was_right(network);
    } else {
        was_wrong(network);
    }
    return who;
}

// An identity that has expired is one all the same.
Result<Identity> Credentials::believe(const Envelope& envelope, const SigningKey& key) const {
    if (!key.verifies(envelope)) return fail(Code::bad_credential);
    const auto& auth = settings_.auth;
    const auto claims =
        read_claims(envelope, {auth.jwt_audience, auth.jwt_issuer, auth.jwt_tenant_claim});
    if (!claims) return fail(Code::bad_credential);
    const int64_t skew_s = key.algorithm == Algorithm::signed_token ? 0 : clock_skew_s;
    if (claims->not_before_s > now_s() + skew_s) return fail(Code::expired_credential);
    auto who = who_is(claims->site, claims->tenant, {});
    if (!who) return fail(Code::bad_credential);
    who->digest = key.mark;
    // Seconds beyond any that a clock will show are those of never.
    constexpr int64_t never_s = int64_t{1} << 40;
    if (claims->expires_s != 0 && claims->expires_s < never_s)
        who->expires_s = std::max<int64_t>(claims->expires_s + skew_s, 1);
    return std::move(*who);
}

std::optional<Identity> Credentials::who_is(std::string_view site, std::string_view tenant,
                                            std::string_view named) const {
    if (site.ends_with('*')) {
        site.remove_suffix(1);
        if (!is_site_name(named) || !named.starts_with(site)) return std::nullopt;
        site = named;
    } else if (!named.empty() && named != site) {
        return std::nullopt;
    }
    const std::string& separator = settings_.auth.tenant_separator;
    if (tenant.empty() && !separator.empty()) {
        const size_t end = site.find(separator);
        if (end != site.npos) tenant = site.substr(0, end);
    }
    return Identity(site, tenant);
}

Result<void> Credentials::still(const Identity& who) {
    if (who.expires_s != 0 && who.expires_s <= now_s()) return fail(Code::expired_credential);
    refresh();
    if (who.digest == 0 || tokens_->keys.has(who.digest)) return {};
    const auto stored = tokens_->stored.find(who.digest);
    const auto now = stored ? who_is(stored->site, stored->tenant, who.site()) : std::nullopt;
    if (!now || now->tenant() != who.tenant()) return fail(Code::bad_credential);
    return {};
}

// --- signatures that were right ---

const Identity* Credentials::recall(const Digest& digest) {
    if (const auto found = verified_.find(digest); found != verified_.end()) return &found->second;
    const auto before = verified_before_.find(digest);
    if (before == verified_before_.end()) return nullptr;
    return remember(digest, Identity(before->second));
}

const Identity* Credentials::remember(const Digest& digest, const Identity& who) {
    if (verified_.size() >= settings_.auth.verified_tokens_max / 2) {
        verified_before_.swap(verified_);
        verified_.clear();
    }
    return &verified_.emplace(digest, who).first->second;
}

// --- signatures that were wrong ---

uint64_t Credentials::network_of_peer(std::string_view peer) const {
    return network_of(peer, settings_.quotas.network_bits_ipv4, settings_.quotas.network_bits_ipv6);
}

Credentials::Network& Credentials::known_at(uint64_t network) const {
    return known_[network % known_networks];
}

int64_t& Credentials::wrong_s_of_other(uint64_t network) {
    return wrong_s_of_others_[network % wrong_s_of_others_.size()];
}

bool Credentials::may_be_wrong(uint64_t network) {
    const int64_t now = now_s();
    if (wrong_.second != now) wrong_ = {.second = now};
    const size_t most = settings_.auth.invalid_signatures_max;
    if (const Network& known = known_at(network); known.number == network)
        return wrong_.of_known < most && known.wrong_s != now;
    return wrong_.of_others < most && wrong_s_of_other(network) != now;
}

void Credentials::was_right(uint64_t network) {
    if (Network& known = known_at(network); known.number != network) known = {network, 0};
}

void Credentials::was_wrong(uint64_t network) {
    if (Network& known = known_at(network); known.number == network) {
        ++wrong_.of_known;
        known.wrong_s = wrong_.second;
    } else {
        ++wrong_.of_others;
        wrong_s_of_other(network) = wrong_.second;
    }
}

}  // namespace rollcall
