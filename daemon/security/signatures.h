// Signatures: the cryptographic functions for credentials, implemented with OpenSSL.
//
// Secrets are compared in constant time, so that the duration of a comparison reveals nothing about
// the position of the first difference.
//
// Threads: any; a PublicKey does not change after its construction.
// Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC), RFC 7518, sections 3.2 to 3.4, and RFC 8037
//          (signatures of JSON Web Tokens).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

using Digest = std::array<uint8_t, 32>;

[[nodiscard]] std::string to_hex(const Digest& digest);
inline std::string_view bytes_of(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// The first eight bytes of a Digest. They are enough to find a token or key, and too few to reveal
// it.
using ShortDigest = uint64_t;
[[nodiscard]] constexpr ShortDigest shortened(const Digest& digest) {
    ShortDigest value = 0;
    for (size_t at = 0; at < sizeof value; ++at) value = value << 8 | digest[at];
    return value;
}

[[nodiscard]] Digest sha256(std::string_view text);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view text);

// Compares two secrets. The duration depends only on the lengths of the texts.
[[nodiscard]] bool same_secret(std::string_view left, std::string_view right);

// Returns random bytes that are suitable as a key (RAND_bytes(3)).
[[nodiscard]] std::string random_bytes(size_t count);

// Overwrites a secret that is no longer needed, then clears it.
void cleanse(std::string& secret);

enum class Algorithm : uint8_t { hs256, rs256, es256, eddsa };

// Names of the algorithms in auth.signing_keys_file and in tokens (RFC 7518, section 3.1; RFC
// 8037).
inline constexpr std::string_view algorithm_names[] = {"HS256", "RS256", "ES256", "EdDSA"};

constexpr std::string_view to_text(Algorithm algorithm) {
    return algorithm_names[static_cast<size_t>(algorithm)];
}
[[nodiscard]] std::optional<Algorithm> algorithm_of(std::string_view name);

// A public key that verifies signatures: RSA of at least 2048 bits, the curve P-256, or Ed25519.
class PublicKey {
public:
    // pem: a public key or a certificate. The explanation of a failure is a clause about the key,
    // such as "is not an RSA key".
    [[nodiscard]] static Result<PublicKey> from_pem(Algorithm algorithm, const std::string& pem);
    ~PublicKey();
    PublicKey(PublicKey&&) noexcept;
    PublicKey& operator=(PublicKey&&) noexcept;

    // signature: the bytes of the third part of a JSON Web Token, without base64.
    [[nodiscard]] bool verifies(std::string_view text, std::string_view signature) const;
    // Returns a digest of the key that does not depend on its format in the file.
    [[nodiscard]] Digest digest() const;

private:
    struct Key;
    explicit PublicKey(std::unique_ptr<Key> key);

    std::unique_ptr<Key> key_;
};

}  // namespace rollcall
