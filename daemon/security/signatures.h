// Signatures: what credentials need of cryptography, by OpenSSL.
//
// Whether secrets are the same is asked in constant time: how long it takes says nothing of where
// they differ.
//
// Threads: any; a PublicKey is only read once it is made.
// Sources: FIPS 180-4 (SHA-256), RFC 2104 (HMAC), RFC 7518, sections 3.2 to 3.4, and RFC 8037 (the
//          signatures of JSON Web Tokens).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace rollcall {

using Digest = std::array<uint8_t, 32>;

[[nodiscard]] std::string to_hex(const Digest& digest);
inline std::string_view bytes_of(const Digest& digest) {
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

[[nodiscard]] Digest sha256(std::string_view text);
[[nodiscard]] Digest hmac_sha256(std::string_view key, std::string_view text);

// Constant time for texts of one length; that they have not may be seen.
[[nodiscard]] bool same_secret(std::string_view left, std::string_view right);

// From the system's source for keys.
[[nodiscard]] std::string random_bytes(size_t count);

// Writes over a secret that is not needed any more.
void cleanse(std::string& secret);

enum class Algorithm : uint8_t { signed_token, hs256, rs256, es256, eddsa };

// As the file of keys and JSON Web Tokens name them.
inline constexpr std::string_view algorithm_names[] = {"signed", "HS256", "RS256", "ES256",
                                                       "EdDSA"};

constexpr std::string_view to_text(Algorithm algorithm) {
    return algorithm_names[static_cast<size_t>(algorithm)];
}

// A key that others' signatures are checked with: RSA from 2048 bits, the curve P-256, Ed25519.
class PublicKey {
public:
    // pem: a public key or a certificate. The sentence says why it is no key for this algorithm.
    [[nodiscard]] static std::expected<PublicKey, std::string> from_pem(Algorithm algorithm,
                                                                        const std::string& pem);
    ~PublicKey();
    PublicKey(PublicKey&&) noexcept;
    PublicKey& operator=(PublicKey&&) noexcept;

    // signature: as it stands in a JSON Web Token, without base64.
    [[nodiscard]] bool verifies(std::string_view text, std::string_view signature) const;
    // The same for the same key, in whatever form the file gives it.
    [[nodiscard]] Digest digest() const;

private:
    struct Key;
    explicit PublicKey(std::unique_ptr<Key> key);

    std::unique_ptr<Key> key_;
};

}  // namespace rollcall
