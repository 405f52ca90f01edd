// SigningKeys: the keys whose signatures under a token are believed.
//
//     # key id    algorithm   secret in base64url, or a file with a public key in PEM
//     2026-03     signed      Zm9yLi4u
//     2025-11     signed      aGVyZS4u
//     portal      ES256       portal.pem
//
// The lines are those of a secret_file. `signed` is our own token (signed_token.h), the others are
// JSON Web Tokens. A key is for the algorithm that stands here and for no other. The first `signed`
// key signs new tokens; one further down only verifies, until the last of its tokens has expired
// and the line can go. A secret has at least 32 bytes (RFC 7518, section 3.2). A file's name is
// relative to this file.
//
// Threads: made by one, then only read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/signatures.h"
#include "daemon/security/signed_token.h"

namespace rollcall {

// What a key id may be.
[[nodiscard]] bool is_key_id(std::string_view text);

struct SigningKey {
    std::string id;
    Algorithm algorithm;
    std::string secret;                   // If the algorithm has one,
    std::optional<PublicKey> public_key;  // else this.
    uint64_t mark = 0;                    // The same for the same key, and for no other.

    [[nodiscard]] bool verifies(const Envelope& envelope) const;
    // Costs as much as many check-ins.
    [[nodiscard]] bool costly() const { return public_key.has_value(); }
};

class SigningKeys {
public:
    // None.
    SigningKeys() = default;
    ~SigningKeys();
    SigningKeys(SigningKeys&&) = default;
    SigningKeys& operator=(SigningKeys&&) = default;

    // All of a file or nothing: then the sentence names file, line and reason.
    [[nodiscard]] static std::expected<SigningKeys, std::string> read(const std::string& path,
                                                                      size_t keys_max);

    // The key that an envelope names, if it is for its algorithm. One that names none means the
    // only key for JSON Web Tokens that there is.
    [[nodiscard]] const SigningKey* find(const Envelope& envelope) const;
    // The `signed` key with this id, or the first.
    [[nodiscard]] const SigningKey* for_signing(std::string_view id = {}) const;
    [[nodiscard]] bool has(uint64_t mark) const;
    [[nodiscard]] bool empty() const { return keys_.empty(); }

private:
    [[nodiscard]] std::string take(std::span<const std::string_view> words,
                                   const std::string& directory);

    std::vector<SigningKey> keys_;
};

}  // namespace rollcall
