#include "daemon/security/signing_keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/security/base64.h"
#include "daemon/security/secret_file.h"
#include "daemon/security/stored_tokens.h"

namespace rollcall {

namespace {

constexpr size_t secret_bytes_min = 32;
constexpr size_t id_bytes_max = 64;

std::optional<Algorithm> algorithm_of(std::string_view name) {
    const auto found = std::ranges::find(algorithm_names, name);
    if (found == std::end(algorithm_names)) return std::nullopt;
    return static_cast<Algorithm>(found - std::begin(algorithm_names));
}

bool has_secret(Algorithm algorithm) {
    return algorithm == Algorithm::signed_token || algorithm == Algorithm::hs256;
}

std::expected<PublicKey, std::string> read_public_key(Algorithm algorithm,
                                                      const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return std::unexpected(fmt::format("{} cannot be read", path));
    auto key = PublicKey::from_pem(algorithm, text.str());
    if (!key) return std::unexpected(fmt::format("{} {}", path, key.error()));
    return key;
}

uint64_t mark_of(const SigningKey& key) {
    const Digest material = key.public_key ? key.public_key->digest() : sha256(key.secret);
    return StoredTokens::mark_of(
        sha256(fmt::format("{}\n{}\n{}", key.id, to_text(key.algorithm), bytes_of(material))));
}

}  // namespace

bool is_key_id(std::string_view text) { return text.size() <= id_bytes_max && is_site_name(text); }

bool SigningKey::verifies(const Envelope& envelope) const {
    if (public_key) return public_key->verifies(envelope.signed_text, envelope.signature);
    const Digest expected = hmac_sha256(secret, envelope.signed_text);
    return same_secret(bytes_of(expected), envelope.signature);
}

SigningKeys::~SigningKeys() {
    for (SigningKey& key : keys_) cleanse(key.secret);
}

std::expected<SigningKeys, std::string> SigningKeys::read(const std::string& path,
                                                          size_t keys_max) {
    SigningKeys keys;
    const std::string directory = std::filesystem::path(path).parent_path();
    const auto taken = read_secret_file(
        path, [&](std::span<const std::string_view> words, uint32_t) -> std::string {
            if (keys.keys_.size() == keys_max) return "is one more than auth.signing_keys_max";
            return keys.take(words, directory);
        });
    if (!taken) return std::unexpected(taken.error());
    return keys;
}

// What it says never holds a secret.
std::string SigningKeys::take(std::span<const std::string_view> words,
                              const std::string& directory) {
    if (words.size() != 3) return "is not: id algorithm key";
    const std::string_view id = words[0];
    if (!is_key_id(id)) return "the key id is too long";
    if (std::ranges::find(keys_, id, &SigningKey::id) != keys_.end())
        return fmt::format("there is a key {} already", id);
    const auto algorithm = algorithm_of(words[1]);
    if (!algorithm) return "the algorithm is none of signed, HS256, RS256, ES256, EdDSA";
    SigningKey key{std::string(id), *algorithm, {}, std::nullopt};
    if (has_secret(*algorithm)) {
        auto secret = from_base64url(words[2]);
        if (!secret || secret->size() < secret_bytes_min)
            return "the key is not base64url of 32 bytes or more";
        key.secret = std::move(*secret);
    } else {
        auto read = read_public_key(*algorithm, std::filesystem::path(directory) / words[2]);
        if (!read) return read.error();
        key.public_key = std::move(*read);
    }
    key.mark = mark_of(key);
    keys_.push_back(std::move(key));
    return {};
}

const SigningKey* SigningKeys::find(const Envelope& envelope) const {
    const SigningKey* found = nullptr;
    for (const SigningKey& key : keys_) {
        const bool meant = envelope.key_id.empty() ? key.algorithm != Algorithm::signed_token
                                                   : key.id == envelope.key_id;
        if (!meant) continue;
        if (found != nullptr) return nullptr;
        found = &key;
    }
    return found != nullptr && found->algorithm == envelope.algorithm ? found : nullptr;
}

const SigningKey* SigningKeys::for_signing(std::string_view id) const {
    for (const SigningKey& key : keys_)
        if (key.algorithm == Algorithm::signed_token && (id.empty() || key.id == id)) return &key;
    return nullptr;
}

bool SigningKeys::has(uint64_t mark) const {
    return std::ranges::find(keys_, mark, &SigningKey::mark) != keys_.end();
}

}  // namespace rollcall
