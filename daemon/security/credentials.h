// Credentials: authenticates clients. It checks the Credential that a client sent, and returns the
// client's Identity: site, tenant, and time of expiry. The check depends on the kind of credential:
//
//   |  kind                  check                                        CPU time
//   |  stored token          its SHA-256 is in auth.tokens_file           a few us
//   |  JSON Web Token        a key of auth.signing_keys_file verifies it  HS256: a few us;
//   |                                                                     public key: 20 to 200 us
//   |  client certificate    TLS has verified it                          none
//
// A certificate counts only if the client sent no token. The common name of the certificate is the
// site. If a client names a site that differs from the site of its credential, the client is
// refused.
//
// CredentialFiles holds the contents of auth.tokens_file, auth.signing_keys_file and
// auth.revoked_file. load() replaces either the contents of all three files or none. Each worker
// has a Credentials object with its own reference to the current contents, so that identify() takes
// no lock.
//
// A Credentials object caches the JSON Web Tokens that a public key has verified. So the next
// check-in of the same router costs only one hash. The cache has auth.verified_tokens_max entries,
// and a reload empties it. Wrong tokens are never cached. A SignatureRateLimiter limits the CPU
// time that wrong tokens cost. Above this limit, identify() fails with signature_checks_suspended.
//
// If the token names no tenant, the tenant is the part of the site's name before
// auth.tenant_separator. If the site's name does not contain the separator, there is no tenant.
//
// Threads: one thread at a time may call CredentialFiles::load(). Any thread may call current() and
// generation(). A Credentials object belongs to its worker.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "daemon/security/revoked_tokens.h"
#include "daemon/security/signature_rate_limiter.h"
#include "daemon/security/signing_keys.h"
#include "daemon/security/stored_tokens.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/error.h"

namespace rollcall {

// The site and tenant of a client. Site and tenant are empty for an anonymous client.
class Identity {
public:
    Identity() = default;
    Identity(std::string_view site, std::string_view tenant, std::string_view token_id = {})
        : names_(std::string(site).append(tenant).append(token_id)),
          site_bytes_(static_cast<uint32_t>(site.size())),
          tenant_bytes_(static_cast<uint32_t>(tenant.size())) {}

    [[nodiscard]] std::string_view site() const {
        return std::string_view(names_).substr(0, site_bytes_);
    }
    [[nodiscard]] std::string_view tenant() const {
        return std::string_view(names_).substr(site_bytes_, tenant_bytes_);
    }
    // The id of the JSON Web Token. Empty if the token has no id, or if the credential is not a
    // JSON Web Token.
    [[nodiscard]] std::string_view token_id() const {
        return std::string_view(names_).substr(size_t{site_bytes_} + tenant_bytes_);
    }
    bool operator==(const Identity&) const = default;

    int64_t expires_s = 0;              // UTC, seconds since 1970; 0 if the identity never expires.
    ShortDigest credential_digest = 0;  // Digest of the token or signing key; 0 if none.

private:
    std::string names_;  // Site, tenant and token id.
    uint32_t site_bytes_ = 0;
    uint32_t tenant_bytes_ = 0;
};

// The credential that a client sent. The views point into the client's request.
struct Credential {
    std::string_view site;   // The site that the client names; may be empty.
    std::string_view token;  // Empty if the client sent no token.
    std::string_view peer;   // The address of the client.
    // The site of a verified client certificate, which is used if there is no token.
    std::string_view certified = {};

    // Returns the credential of a login: the user name is the site, and the password is the token.
    // If the password is empty, the user name is the token.
    static Credential login(std::string_view user, std::string_view password) {
        if (password.empty()) return {{}, user, {}};
        return {user, password, {}};
    }
};

// The contents of auth.tokens_file, auth.signing_keys_file and auth.revoked_file.
struct Tokens {
    StoredTokens stored;
    SigningKeys keys;
    RevokedTokens revoked;
};

class CredentialFiles {
public:
    explicit CredentialFiles(const Settings& settings);

    // Reads the files. After a failure the previous contents remain in effect. The error's
    // explanation names file, line and reason.
    [[nodiscard]] Result<void> load();
    // Returns warnings about the files for the operator.
    [[nodiscard]] std::vector<std::string> warnings() const;

    [[nodiscard]] std::shared_ptr<const Tokens> current() const;
    // Returns how many times load() has succeeded.
    [[nodiscard]] uint64_t generation() const { return generation_.read(); }

private:
    const Settings& settings_;
    mutable std::mutex mutex_;  // Protects tokens_.
    std::shared_ptr<const Tokens> tokens_;
    Cursor generation_;  // Advanced by load() after it has replaced tokens_.
};

class Credentials {
public:
    Credentials(const Settings& settings, const CredentialFiles& files, const Clock& clock);

    // Authenticates a client. Fails with no_credential, bad_credential, expired_credential or
    // signature_checks_suspended, and then leaves `identity` unchanged.
    [[nodiscard]] Result<void> identify(const Credential& credential, Identity& identity);

    // Checks that an identity from identify() is still valid. Does not need the client's token.
    [[nodiscard]] Result<void> revalidate(const Identity& identity);

    // Returns true if the files were reloaded since the last call.
    [[nodiscard]] bool changed();

private:
    struct Hash {
        size_t operator()(const Digest& digest) const { return shortened(digest); }
    };
    using VerifiedTokens = std::unordered_map<Digest, Identity, Hash>;

    void refresh();
    [[nodiscard]] int64_t now_s() const { return clock_.wall_us() / 1'000'000; }

    // Returns the identity for a token's site and tenant, or nothing if the client named another
    // site. A token's site that ends in * stands for all sites with this prefix; the client must
    // name one of them.
    [[nodiscard]] std::optional<Identity> identity_of(std::string_view site,
                                                      std::string_view tenant,
                                                      std::string_view named_site,
                                                      std::string_view token_id = {}) const;
    // Returns the time at which a JSON Web Token expires; 0 if it never does.
    [[nodiscard]] Result<int64_t> expiry_of(const Claims& claims) const;
    [[nodiscard]] Result<Identity> identify_by_certificate(const Credential& credential) const;
    [[nodiscard]] Result<Identity> identify_by_token(const Credential& credential);
    [[nodiscard]] Result<Identity> identify_by_json_web_token(const Credential& credential,
                                                              const Digest& digest);
    [[nodiscard]] Result<Identity> verify(const Credential& credential, const Digest& digest);
    [[nodiscard]] Result<Identity> verify_with(const SigningKey& key,
                                               const JsonWebToken& token) const;
    [[nodiscard]] const Identity* find_verified(const Digest& digest);
    const Identity* add_verified(const Digest& digest, const Identity& identity);

    const Settings& settings_;
    const CredentialFiles& files_;
    const Clock& clock_;
    bool required_;
    bool changed_ = false;
    uint64_t generation_ = 0;
    std::shared_ptr<const Tokens> tokens_;
    // A cache in two halves; the key of an entry is the SHA-256 of the token. When verified_ is
    // full (auth.verified_tokens_max / 2 entries), it becomes verified_before_, and the entries of
    // the old verified_before_ are dropped.
    VerifiedTokens verified_;
    VerifiedTokens verified_before_;
    SignatureRateLimiter limiter_;
};

}  // namespace rollcall
