#include "daemon/security/signing_keys.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "daemon/security/base64.h"
#include "tests/support/token_keys.h"

namespace rollcall {

namespace {

const std::string secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
const std::string other_secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZn";

struct KeysFixture {
    Result<SigningKeys> read(std::string_view text, size_t keys_max = 64) {
        std::ofstream(path) << text;
        return SigningKeys::read(path, keys_max);
    }
    std::string problem(std::string_view text) {
        const auto keys = read(text);
        return keys ? "" : describe(keys.error()).substr(path.size());
    }
    void write(const char* name, std::string_view content) {
        std::ofstream(directory.path() / name) << content;
    }

    TemporaryDirectory directory;
    std::string path = directory.path() / "keys";
};

JsonWebToken naming(Algorithm algorithm, std::string id) {
    return {algorithm, std::move(id), "", "", ""};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_signing_keys, KeysFixture)

BOOST_AUTO_TEST_CASE(key_is_found_by_its_id_and_for_its_algorithm_only) {
    write("p.pem", p256_key().public_pem);
    const auto keys = read("a HS256 " + other_secret + "\nb HS256 " + secret + "\nc ES256 p.pem\n");
    BOOST_TEST_REQUIRE(keys.has_value());
    BOOST_TEST(keys->find(naming(Algorithm::hs256, "a"))->id == "a");
    BOOST_TEST(keys->find(naming(Algorithm::es256, "c"))->id == "c");
    BOOST_TEST((keys->find(naming(Algorithm::es256, "a")) == nullptr));
    BOOST_TEST((keys->find(naming(Algorithm::hs256, "c")) == nullptr));
    BOOST_TEST((keys->find(naming(Algorithm::es256, "d")) == nullptr));
}

BOOST_AUTO_TEST_CASE(token_without_key_id_means_the_only_key_there_is) {
    const auto one = read("b HS256 " + secret);
    BOOST_TEST(one->find(naming(Algorithm::hs256, ""))->id == "b");
    BOOST_TEST((one->find(naming(Algorithm::rs256, "")) == nullptr));
    const auto two = read("b HS256 " + secret + "\nc HS256 " + other_secret);
    BOOST_TEST((two->find(naming(Algorithm::hs256, "")) == nullptr));
    BOOST_TEST((SigningKeys().find(naming(Algorithm::hs256, "")) == nullptr));
}

BOOST_AUTO_TEST_CASE(first_key_with_a_secret_signs_unless_another_is_named) {
    write("p.pem", p256_key().public_pem);
    const auto keys = read("j ES256 p.pem\na HS256 " + secret + "\nb HS256 " + other_secret);
    BOOST_TEST(keys->for_signing()->id == "a");
    BOOST_TEST(keys->for_signing("b")->id == "b");
    BOOST_TEST((keys->for_signing("j") == nullptr));
    BOOST_TEST((SigningKeys().for_signing() == nullptr));
}

BOOST_AUTO_TEST_CASE(digest_is_of_id_algorithm_and_key_together) {
    const ShortDigest digest = read("a HS256 " + secret)->for_signing()->digest;
    BOOST_TEST(read("x HS256 " + other_secret + "\na HS256 " + secret)->contains(digest));
    BOOST_TEST(!read("a HS256 " + other_secret)->contains(digest));
    BOOST_TEST(!read("b HS256 " + secret)->contains(digest));
    write("p.pem", p256_key().public_pem);
    BOOST_TEST(!read("a ES256 p.pem")->contains(digest));
}

BOOST_AUTO_TEST_CASE(wrong_line_is_named_with_its_reason_and_without_the_secret) {
    write("p.pem", p256_key().public_pem);
    BOOST_TEST(problem("# x\na HS256\n") == ":2: the line must have the form: id algorithm key");
    for (const char* algorithm : {"none", "signed", "hs256"})
        BOOST_TEST(problem(std::string("a ") + algorithm + " " + secret) ==
                   ":1: the algorithm must be HS256, RS256, ES256 or EdDSA");
    for (const std::string& wrong : {secret.substr(1, 40), secret + "=", std::string("x")})
        BOOST_TEST(problem("a HS256 " + wrong) ==
                   ":1: the key is not base64url of 32 bytes or more");
    BOOST_TEST(problem("a HS256 " + secret + "\na HS256 " + secret) ==
               ":2: there is a key a already");
    BOOST_TEST(problem("a RS256 p.pem").ends_with("p.pem is not an RSA key"));
    BOOST_TEST(problem("a RS256 q.pem").ends_with("q.pem cannot be read"));
    BOOST_TEST(problem(std::string(65, 'k') + " HS256 " + secret) ==
               ":1: the key id is not UTF-8, or is longer than 64 bytes");
    BOOST_TEST(describe(read("a HS256 " + secret + "\nb HS256 " + secret, 1).error()) ==
               path + ":2: the file has more lines than auth.signing_keys_max");
}

// Sources: RFC 7515, appendices A.1.1, A.2.1 and A.3.1; RFC 8037, appendix A.4. The keys are from
// the same appendices, converted to PEM.
BOOST_AUTO_TEST_CASE(tokens_of_the_rfcs_are_verified_and_no_byte_of_them_may_differ) {
    write("rsa.pem", R"(-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
oQIDAQAB
-----END PUBLIC KEY-----
)");
    write("ec.pem", R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7
6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==
-----END PUBLIC KEY-----
)");
    write("ed.pem", R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
)");
    const std::string payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ";
    const struct {
        std::string key;
        std::string token;
    } examples[] = {
        {"k HS256 AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1"
         "Z9CAow",
         "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + payload +
             ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
        {"k RS256 rsa.pem",
         "eyJhbGciOiJSUzI1NiJ9." + payload +
             ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
             "_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
             "nZLgrnbyTyWzO75vRK5h6xBArLIA"
             "RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
             "eOkHWEsqtFZESc6BfI7noOPqv"
             "hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77R"
             "w"},
        {"k ES256 ec.pem",
         "eyJhbGciOiJFUzI1NiJ9." + payload +
             ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU"
             "1Q"},
        {"k EdDSA ed.pem",
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PG"
         "cvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"}};
    for (const auto& [line, token] : examples) {
        const auto keys = read(line);
        BOOST_TEST_REQUIRE(keys.has_value());
        const auto verified = [&](const std::string& text) {
            const auto parsed = parse_json_web_token(text);
            const SigningKey* const key = parsed ? keys->find(*parsed) : nullptr;
            return key != nullptr && key->verifies(*parsed);
        };
        BOOST_TEST(verified(token), token);
        for (size_t at = 0; at < token.size(); at += 3) {
            std::string other = token;
            other[at] = other[at] == 'A' ? 'B' : 'A';
            BOOST_TEST(!verified(other), line << ": byte " << at);
        }
        BOOST_TEST(!verified(token.substr(0, token.rfind('.') + 1)));
        BOOST_TEST(!verified(token + "AA"));
    }
}

BOOST_AUTO_TEST_CASE(tokens_by_another_program_are_verified) {
    write("r.pem", rsa_key().public_pem);
    write("p.pem", p256_key().public_pem);
    write("e.pem", ed25519_key().public_pem);
    const auto keys = read("r RS256 r.pem\np ES256 p.pem\ne EdDSA e.pem\n");
    const struct {
        const TestKey& key;
        std::string header;
    } tokens[] = {{rsa_key(), R"({"alg":"RS256","kid":"r"})"},
                  {p256_key(), R"({"alg":"ES256","kid":"p"})"},
                  {ed25519_key(), R"({"alg":"EdDSA","kid":"e"})"}};
    for (const auto& [key, header] : tokens)
        // Repeated because the numbers of an ES256 signature have leading zeros only sometimes.
        for (int round = 0; round < 4; ++round) {
            const std::string token = key.token(header, R"({"sub":"s1"})");
            const auto parsed = parse_json_web_token(token);
            BOOST_TEST(keys->find(*parsed)->verifies(*parsed), token);
        }
}

// RFC 8725, section 2.1: the public key of one algorithm must not be accepted as a secret of
// another.
BOOST_AUTO_TEST_CASE(token_signed_with_the_text_of_a_public_key_is_refused) {
    write("r.pem", rsa_key().public_pem);
    const auto keys = read("r RS256 r.pem");
    const std::string token =
        token_by_secret(rsa_key().public_pem, R"({"alg":"HS256","kid":"r"})", R"({"sub":"s1"})");
    BOOST_TEST((keys->find(*parse_json_web_token(token)) == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
