#include "tests/support/token_keys.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <stdexcept>

#include "tests/support/process.h"

namespace rollcall {

namespace {

std::string openssl(std::vector<std::string> arguments, std::string_view input = {}) {
    arguments.insert(arguments.begin(), "openssl");
    const Finished finished = run(arguments, {}, input);
    if (finished.status != 0) throw std::runtime_error("openssl: " + finished.errors);
    return finished.output;
}

std::string base64url(std::string_view bytes) {
    std::string text = openssl({"base64", "-A"}, bytes);
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    while (text.ends_with('=') || text.ends_with('\n')) text.pop_back();
    return text;
}

// Converts two numbers from DER, SEQUENCE { INTEGER, INTEGER }, to 32 bytes each.
std::string raw_of(std::string_view der) {
    std::string raw;
    size_t at = 2;
    for (int number = 0; number < 2; ++number) {
        const auto length = static_cast<uint8_t>(der.at(at + 1));
        std::string bytes(der.substr(at + 2, length));
        at += 2 + length;
        bytes.insert(0, bytes.size() < 32 ? 32 - bytes.size() : 0, '\0');
        raw += bytes.substr(bytes.size() - 32);
    }
    return raw;
}

bool names(const std::vector<std::string>& arguments, std::string_view word) {
    return std::ranges::find(arguments, word) != arguments.end();
}

}  // namespace

TestKey::TestKey(std::vector<std::string> arguments)
    : ed25519_(names(arguments, "ED25519")), elliptic_(names(arguments, "EC")) {
    arguments.insert(arguments.begin(), "genpkey");
    private_pem = openssl(arguments);
    public_pem = openssl({"pkey", "-pubout"}, private_pem);
    std::ofstream(directory_.path() / "key.pem") << private_pem;
}

std::string TestKey::sign(std::string_view text) const {
    const std::string key = directory_.path() / "key.pem";
    const std::string file = directory_.path() / "text";
    std::ofstream(file) << text;
    if (ed25519_) return openssl({"pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", file});
    const std::string signature = openssl({"dgst", "-sha256", "-sign", key, file});
    return elliptic_ ? raw_of(signature) : signature;
}

std::string TestKey::token(std::string_view header, std::string_view payload) const {
    const std::string text = base64url(header) + "." + base64url(payload);
    return text + "." + base64url(sign(text));
}

const TestKey& rsa_key() {
    static const TestKey key({"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"});
    return key;
}
const TestKey& p256_key() {
    static const TestKey key({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"});
    return key;
}
const TestKey& ed25519_key() {
    static const TestKey key({"-algorithm", "ED25519"});
    return key;
}

std::string token_by_secret(std::string_view secret, std::string_view header,
                            std::string_view payload) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const char byte : secret) {
        hex += digits[static_cast<uint8_t>(byte) >> 4];
        hex += digits[static_cast<uint8_t>(byte) & 15];
    }
    const std::string text = base64url(header) + "." + base64url(payload);
    return text + "." +
           base64url(openssl(
               {"dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + hex, "-binary"}, text));
}

std::string sha256_hex(std::string_view token) {
    // "SHA2-256(stdin)= 9f86..."
    std::string line = openssl({"dgst", "-sha256", "-hex"}, token);
    line.erase(0, line.rfind(' ') + 1);
    line.resize(64);
    return line;
}

}  // namespace rollcall
