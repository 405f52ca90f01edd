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

Result<PublicKey> read_public_key(Algorithm algorithm, const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return fail(Code::bad_file, fmt::format("{} cannot be read", path));
    auto key = PublicKey::from_pem(algorithm, text.str());
    if (!key) return fail(Code::bad_file, fmt::format("{} {}", path, describe(key.error())));
    return key;
}

ShortDigest digest_of(const SigningKey& key) {
    const Digest material = key.public_key ? key.public_key->digest() : sha256(key.secret);
    return shortened(
        sha256(fmt::format("{}\n{}\n{}", key.id, to_text(key.algorithm), bytes_of(material))));
}

}  // namespace

bool is_key_id(std::string_view text) { return text.size() <= id_bytes_max && is_site_name(text); }

bool SigningKey::verifies(const JsonWebToken& token) const {
    if (public_key) return public_key->verifies(token.signing_input, token.signature);
    const Digest expected = hmac_sha256(secret, token.signing_input);
    return same_secret(bytes_of(expected), token.signature);
}

SigningKeys::~SigningKeys() {
    for (SigningKey& key : keys_) cleanse(key.secret);
}

Result<SigningKeys> SigningKeys::read(const std::string& path, size_t keys_max) {
    SigningKeys keys;
    const std::string directory = std::filesystem::path(path).parent_path();
    const auto added = read_secret_file(
        path, [&](std::span<const std::string_view> words, uint32_t) -> Result<void> {
            if (keys.keys_.size() == keys_max)
                return fail(Code::bad_file, "the file has more lines than auth.signing_keys_max");
            return keys.add(words, directory);
        });
    if (!added) return std::unexpected(added.error());
    return keys;
}

Result<void> SigningKeys::add(std::span<const std::string_view> words,
                              const std::string& directory) {
    const auto wrong = [](std::string reason) { return fail(Code::bad_file, std::move(reason)); };
    if (words.size() != 3) return wrong("the line must have the form: id algorithm key");
    const std::string_view id = words[0];
    if (!is_key_id(id)) return wrong("the key id is not UTF-8, or is longer than 64 bytes");
    if (std::ranges::find(keys_, id, &SigningKey::id) != keys_.end())
        return wrong(fmt::format("there is a key {} already", id));
    const auto algorithm = algorithm_of(words[1]);
    if (!algorithm) return wrong("the algorithm must be HS256, RS256, ES256 or EdDSA");
    SigningKey key{std::string(id), *algorithm, {}, std::nullopt};
    if (*algorithm == Algorithm::hs256) {
        auto secret = from_base64url(words[2]);
        if (!secret || secret->size() < secret_bytes_min)
            return wrong("the key is not base64url of 32 bytes or more");
        key.secret = std::move(*secret);
    } else {
        auto read = read_public_key(*algorithm, std::filesystem::path(directory) / words[2]);
        if (!read) return std::unexpected(read.error());
        key.public_key = std::move(*read);
    }
    key.digest = digest_of(key);
    keys_.push_back(std::move(key));
    return {};
}

const SigningKey* SigningKeys::find(const JsonWebToken& token) const {
    if (token.key_id.empty() && keys_.size() != 1) return nullptr;
    for (const SigningKey& key : keys_)
        if (token.key_id.empty() || key.id == token.key_id)
            return key.algorithm == token.algorithm ? &key : nullptr;
    return nullptr;
}

const SigningKey* SigningKeys::for_signing(std::string_view id) const {
    for (const SigningKey& key : keys_)
        if (key.algorithm == Algorithm::hs256 && (id.empty() || key.id == id)) return &key;
    return nullptr;
}

bool SigningKeys::contains(ShortDigest digest) const {
    return std::ranges::find(keys_, digest, &SigningKey::digest) != keys_.end();
}

}  // namespace rollcall
