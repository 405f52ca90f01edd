// Token keys: key pairs made by the openssl program, and JSON Web Tokens signed with them.
//
// The openssl program signs the tokens, so that the tests verify signatures that the code under
// test did not create.
//
// Errors: a program that fails throws an exception with its output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace rollcall {

class TestKey {
public:
    // arguments: the arguments of openssl genpkey.
    explicit TestKey(std::vector<std::string> arguments);

    // Returns a signature in the format of JSON Web Tokens.
    [[nodiscard]] std::string sign(std::string_view text) const;
    // Returns HEADER.PAYLOAD.SIGNATURE with these texts.
    [[nodiscard]] std::string token(std::string_view header, std::string_view payload) const;

    std::string private_pem;
    std::string public_pem;

private:
    TemporaryDirectory directory_;
    bool ed25519_;
    bool elliptic_;
};

// Return keys. The first call creates them.
[[nodiscard]] const TestKey& rsa_key();
[[nodiscard]] const TestKey& p256_key();
[[nodiscard]] const TestKey& ed25519_key();

// Returns a token signed with a secret (HS256).
[[nodiscard]] std::string token_by_secret(std::string_view secret, std::string_view header,
                                          std::string_view payload);

// Returns the digest of a token, for a file of stored tokens.
[[nodiscard]] std::string sha256_hex(std::string_view token);

}  // namespace rollcall
