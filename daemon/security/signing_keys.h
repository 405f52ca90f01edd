// SigningKeys: the keys that verify JSON Web Tokens, and the key that signs new ones.
//
//   |  # key id    algorithm   secret in base64url, or a file with a public key in PEM
//   |  2026-03     HS256       Zm9yLi4u
//   |  2025-11     HS256       aGVyZS4u
//   |  portal      ES256       portal.pem
//
// Comments and blanks follow the rules of secret_file.h. A key is valid only for the algorithm on
// its line. The first HS256 key signs new tokens (`rollcalld token new`); the other keys only
// verify. To rotate keys, add a line above the old line. Remove the old line when all tokens of the
// old key have expired. A secret has at least 32 bytes (RFC 7518, section 3.2). The path of a PEM
// file is relative to the directory of auth.signing_keys_file.
//
// Threads: built by one thread, then only read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/security/json_web_token.h"
#include "daemon/security/signatures.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Returns true if the text is valid as a key id: UTF-8 without blanks, up to 64 bytes.
[[nodiscard]] bool is_key_id(std::string_view text);

struct SigningKey {
    std::string id;
    Algorithm algorithm;
    std::string secret;                   // Only for HS256.
    std::optional<PublicKey> public_key;  // Only for the other algorithms.
    ShortDigest digest = 0;               // Digest of id, algorithm and key.

    [[nodiscard]] bool verifies(const JsonWebToken& token) const;
    // Returns true if a verification with this key costs as much CPU time as many check-ins.
    [[nodiscard]] bool is_expensive() const { return public_key.has_value(); }
};

class SigningKeys {
public:
    SigningKeys() = default;
    ~SigningKeys();
    SigningKeys(SigningKeys&&) = default;
    SigningKeys& operator=(SigningKeys&&) = default;

    // Reads the whole file or fails. The error's explanation names file, line and reason, but no
    // secret.
    [[nodiscard]] static Result<SigningKeys> read(const std::string& path, size_t keys_max);

    // Returns the key whose id the token names, or the only key in the file if the token names no
    // id. Returns nullptr if there is no such key, or if the key is for another algorithm.
    [[nodiscard]] const SigningKey* find(const JsonWebToken& token) const;
    // Returns the HS256 key with this id, or the first HS256 key if the id is empty; nullptr if
    // there is none.
    [[nodiscard]] const SigningKey* for_signing(std::string_view id = {}) const;
    [[nodiscard]] bool contains(ShortDigest digest) const;
    [[nodiscard]] bool empty() const { return keys_.empty(); }

private:
    [[nodiscard]] Result<void> add(std::span<const std::string_view> words,
                                   const std::string& directory);

    std::vector<SigningKey> keys_;
};

}  // namespace rollcall
