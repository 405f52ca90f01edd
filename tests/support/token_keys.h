// Token keys: pairs of keys by the openssl program, and JSON Web Tokens signed with them.
//
// Not by the code under test: what it verifies is what another program has signed.
//
// Errors: a program that fails throws, with what it said.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace rollcall {

class TestKey {
public:
    // arguments: of openssl genpkey.
    explicit TestKey(std::vector<std::string> arguments);

    // As a JSON Web Token wants it.
    [[nodiscard]] std::string sign(std::string_view text) const;
    // HEADER.PAYLOAD.SIGNATURE of these texts.
    [[nodiscard]] std::string token(std::string_view header, std::string_view payload) const;

    std::string private_pem;
    std::string public_pem;

private:
    TemporaryDirectory directory_;
    bool ed25519_;
    bool elliptic_;
};

// Made once.
[[nodiscard]] const TestKey& rsa_key();
[[nodiscard]] const TestKey& p256_key();
[[nodiscard]] const TestKey& ed25519_key();

// The same with a secret, for HS256.
[[nodiscard]] std::string token_by_secret(std::string_view secret, std::string_view header,
                                          std::string_view payload);

// For a file of tokens.
[[nodiscard]] std::string sha256_hex(std::string_view token);

}  // namespace rollcall
