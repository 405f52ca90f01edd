// Credentials: whose check-ins a client may send, by what it presents.
//
//     presented             a token, and perhaps the name of a site beside it
//       stored?             by its SHA-256 in auth.tokens_file           a table, under a
//       microsecond signed?             by a key of auth.signing_keys_file           HMAC:
//       microseconds;
//                                                                        public keys: 20 to 200
//     Identity              the site, its tenant, until when
//
// CredentialFiles is what is known, and is changed as a whole: load() reads the files again and
// either all of both counts from then on, or nothing of it. Credentials is a worker's: it has its
// own hold of what is known, and remembers which JSON Web Tokens were verified, so that a router
// that comes again costs a hash.
//
// A wrong token costs its SHA-256 and a look into the table. One with the key id of a public key
// and a wrong signature would cost as much as many check-ins, so of these a network has one in a
// second, and all of a worker's have auth.invalid_signatures_max; then signature_checks_suspended answers until
// the next second, to those only whose signature is not known yet. Networks that right ones have
// come from have as many to themselves, so that strangers, however many they are, hold up none of
// these. A network is quotas.network_bits_ipv4 or _ipv6 of an address.
//
// The tenant of a site is what the token says, else the beginning of the site's name up to
// auth.tenant_separator, else there is none.
//
// Threads: CredentialFiles::load() main; current() and generation() anyone; Credentials its worker.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "daemon/security/signing_keys.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/error.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

// Who a client is. Empty: nobody in particular, everyone is welcome.
class Identity {
public:
    Identity() = default;
    Identity(std::string_view site, std::string_view tenant)
        : names_(std::string(site).append(tenant)), site_bytes_(site.size()) {}

    [[nodiscard]] std::string_view site() const {
        return std::string_view(names_).substr(0, site_bytes_);
    }
    [[nodiscard]] std::string_view tenant() const {
        return std::string_view(names_).substr(site_bytes_);
    }
    bool operator==(const Identity&) const = default;

    int64_t expires_s = 0;  // UTC, seconds since 1970; 0: never.
    uint64_t digest = 0;    // The mark of the token or key that says so; 0: none.

private:
    std::string names_;
    size_t site_bytes_ = 0;
};

// What a client shows. Views into what it sent.
struct Credential {
    std::string_view site;   // That it says it is; may be empty.
    std::string_view token;  // Empty: none.
    std::string_view peer;   // Its address.
    // The site of a certificate that has verified, which counts if there is no token.
    std::string_view certified = {};

    // Of a name and a password. A name alone is a token.
    static Credential login(std::string_view name, std::string_view password) {
        if (password.empty()) return {{}, name, {}};
        return {name, password, {}};
    }
};

// What is known.
struct Tokens {
    StoredTokens stored;
    SigningKeys keys;
};

class CredentialFiles {
public:
    explicit CredentialFiles(const Settings& settings);

    // After a failure what was known counts on; the sentence names file, line and reason.
    [[nodiscard]] std::expected<void, std::string> load();
    // What there is to say of the files to whom they belong.
    [[nodiscard]] std::vector<std::string> warnings() const;

    [[nodiscard]] std::shared_ptr<const Tokens> current() const;
    // How often that has changed.
    [[nodiscard]] uint64_t generation() const { return generation_.read(); }

private:
    const Settings& settings_;
    mutable std::mutex mutex_;  // Of tokens_.
    std::shared_ptr<const Tokens> tokens_;
    Cursor generation_;  // Moved by main: tokens_ is at least as new.
};

class Credentials {
public:
    Credentials(const Settings& settings, const CredentialFiles& files, const Clock& clock);

    // Errors: no_credential, bad_credential, expired_credential, signature_checks_suspended; then `who` is
    // as it was.
    [[nodiscard]] Result<void> identify(const Credential& presented, Identity& who);

    // Would who was identified be so again? Asked without the token.
    [[nodiscard]] Result<void> still(const Identity& who);

    // Has what is known changed since the last call?
    [[nodiscard]] bool changed();

private:
    // How many signatures were wrong in this second.
    struct WrongSignatures {
        int64_t second = 0;
        size_t of_known = 0;  // Networks.
        size_t of_others = 0;
    };
    static constexpr size_t known_networks = 65536;
    struct Network {
        uint64_t number;  // 0: there is none here.
        int64_t wrong_s;  // When it sent the last wrong one.
    };

    void refresh();
    [[nodiscard]] int64_t now_s() const { return clock_.wall_us() / 1'000'000; }
    // Who a token is that was found; nobody if it is not for the site that is named beside it.
    [[nodiscard]] std::optional<Identity> who_is(std::string_view site, std::string_view tenant,
                                                 std::string_view named) const;
    [[nodiscard]] Result<void> identify_certified(const Credential& presented, Identity& who) const;
    [[nodiscard]] Result<Identity> identify_stored(const StoredTokens::Token& token,
                                                   const Credential& presented,
                                                   uint64_t mark) const;
    [[nodiscard]] Result<Identity> identify_signed(const Credential& presented,
                                                   const Digest& digest);
    [[nodiscard]] Result<Identity> verify(const Credential& presented, const Digest& digest);
    [[nodiscard]] Result<Identity> believe(const Envelope& envelope, const SigningKey& key) const;
    [[nodiscard]] const Identity* recall(const Digest& digest);
    const Identity* remember(const Digest& digest, const Identity& who);
    [[nodiscard]] uint64_t network_of_peer(std::string_view peer) const;
    [[nodiscard]] Network& known_at(uint64_t network) const;
    // When another with its hash, or it, sent the last wrong one.
    [[nodiscard]] int64_t& wrong_s_of_other(uint64_t network);
    [[nodiscard]] bool may_be_wrong(uint64_t network);
    void was_right(uint64_t network);
    void was_wrong(uint64_t network);

    // A digest is as good as its own hash.
    struct Hash {
        size_t operator()(const Digest& digest) const { return StoredTokens::mark_of(digest); }
    };
    using Verified = std::unordered_map<Digest, Identity, Hash>;

    const Settings& settings_;
    const CredentialFiles& files_;
    const Clock& clock_;
    bool required_;
    uint64_t generation_ = 0;
    bool changed_ = false;
    std::shared_ptr<const Tokens> tokens_;
    // What was asked for lately. When half of verified_tokens_max is in the first, it becomes the second.
    Verified verified_;
    Verified verified_before_;
    WrongSignatures wrong_;
    std::array<int64_t, 1024> wrong_s_of_others_{};  // By a hash of their networks.
    ZeroedArray<Network> known_;                     // By a hash; the last with it.
};

}  // namespace rollcall
