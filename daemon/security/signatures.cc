#include "daemon/security/signatures.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>

#include "pipeline/base/destroy.h"

namespace rollcall {

namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, DestroyWith<EVP_MD_CTX_free>>;
using MacContext = std::unique_ptr<EVP_MAC_CTX, DestroyWith<EVP_MAC_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, DestroyWith<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, DestroyWith<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, DestroyWith<X509_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, DestroyWith<ECDSA_SIG_free>>;

constexpr int rsa_bits_min = 2048;  // RFC 7518, section 3.3.
constexpr size_t ec_number_bytes = 32;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// Returns OpenSSL's object for SHA-256. Fetches the object only once, because fetching costs more
// than hashing.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    ensure(found != nullptr);
    return found;
}

EVP_MAC* hmac_algorithm() {
    static EVP_MAC* const found = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    ensure(found != nullptr);
    return found;
}

// Converts an ES256 signature to DER, which OpenSSL expects. In a JSON Web Token the signature is
// the numbers R and S, concatenated (RFC 7518, section 3.4).
std::string der_of(std::string_view signature) {
    EcSignature both(ECDSA_SIG_new());
    BIGNUM* const r = BN_bin2bn(bytes(signature), ec_number_bytes, nullptr);
    BIGNUM* const s = BN_bin2bn(bytes(signature.substr(ec_number_bytes)), ec_number_bytes, nullptr);
    ensure(both != nullptr && r != nullptr && s != nullptr);
    ensure(ECDSA_SIG_set0(both.get(), r, s) == 1);
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    ensure(size > 0);
    std::string text(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return text;
}

KeyHandle read_pem(const std::string& pem) {
    const auto open = [&] {
        return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    };
    KeyHandle key(PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr));
    if (key == nullptr) {
        const Certificate certificate(PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr));
        if (certificate != nullptr) key.reset(X509_get_pubkey(certificate.get()));
    }
    ERR_clear_error();
    return key;
}

bool is_p256(EVP_PKEY* key) {
    char name[32];
    size_t length = 0;
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, name, sizeof name, &length) == 1 &&
           std::string_view(name, length) == "prime256v1";
}

// Returns the reason why the key does not fit the algorithm; an empty text if it fits.
std::string_view mismatch(EVP_PKEY* key, Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::rs256:
            if (EVP_PKEY_is_a(key, "RSA") != 1) return "is not an RSA key";
            return EVP_PKEY_get_bits(key) < rsa_bits_min ? "has less than 2048 bits" : "";
        case Algorithm::es256: return is_p256(key) ? "" : "is not a key of the curve P-256";
        case Algorithm::eddsa:
            return EVP_PKEY_is_a(key, "ED25519") == 1 ? "" : "is not an Ed25519 key";
        case Algorithm::hs256: break;
    }
    return "is public, and this algorithm needs a secret";
}

}  // namespace

std::string to_hex(const Digest& digest) {
    std::string text;
    for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
    return text;
}

Digest sha256(std::string_view text) {
    thread_local const DigestContext context(EVP_MD_CTX_new());
    Digest digest;
    ensure(EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1);
    ensure(EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1);
    ensure(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
    return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view text) {
    thread_local const MacContext context(EVP_MAC_CTX_new(hmac_algorithm()));
    char hash[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
        OSSL_PARAM_construct_end()};
    Digest digest;
    size_t size = 0;
    ensure(EVP_MAC_init(context.get(), bytes(key), key.size(), parameters) == 1);
    ensure(EVP_MAC_update(context.get(), bytes(text), text.size()) == 1);
    ensure(EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) == 1);
    return digest;
}

bool same_secret(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string random_bytes(size_t count) {
    std::string random(count, '\0');
    ensure(RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(count)) ==
           1);
    return random;
}

void cleanse(std::string& secret) {
    secret.resize(secret.capacity());
    OPENSSL_cleanse(secret.data(), secret.size());
    secret.clear();
}

std::optional<Algorithm> algorithm_of(std::string_view name) {
    const auto* const found = std::ranges::find(algorithm_names, name);
    if (found == std::end(algorithm_names)) return std::nullopt;
    return static_cast<Algorithm>(found - std::begin(algorithm_names));
}

struct PublicKey::Key {
    Algorithm algorithm;
    KeyHandle handle;
};

PublicKey::PublicKey(std::unique_ptr<Key> key) : key_(std::move(key)) {}
PublicKey::~PublicKey() = default;
PublicKey::PublicKey(PublicKey&&) noexcept = default;
PublicKey& PublicKey::operator=(PublicKey&&) noexcept = default;

Result<PublicKey> PublicKey::from_pem(Algorithm algorithm, const std::string& pem) {
    KeyHandle key = read_pem(pem);
    if (key == nullptr) return fail(Code::bad_file, "holds no public key in PEM");
    const std::string_view wrong = mismatch(key.get(), algorithm);
    if (!wrong.empty()) return fail(Code::bad_file, std::string(wrong));
    return PublicKey(std::make_unique<Key>(algorithm, std::move(key)));
}

bool PublicKey::verifies(std::string_view text, std::string_view signature) const {
    std::string der;
    if (key_->algorithm == Algorithm::es256) {
        if (signature.size() != 2 * ec_number_bytes) return false;
        der = der_of(signature);
        signature = der;
    }
    const bool hashes_itself = key_->algorithm == Algorithm::eddsa;
    const DigestContext context(EVP_MD_CTX_new());
    ensure(EVP_DigestVerifyInit(context.get(), nullptr,
                                hashes_itself ? nullptr : sha256_algorithm(), nullptr,
                                key_->handle.get()) == 1);
    const bool verified = EVP_DigestVerify(context.get(), bytes(signature), signature.size(),
                                           bytes(text), text.size()) == 1;
    ERR_clear_error();
    return verified;
}

Digest PublicKey::digest() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key_->handle.get(), &der);
    ensure(size > 0);
    const Digest digest = sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
    OPENSSL_free(der);
    return digest;
}

}  // namespace rollcall
