#include "daemon/security/signatures.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/token_keys.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(security_signatures)

// FIPS 180-2, appendix B.1.
BOOST_AUTO_TEST_CASE(sha256_is_that_of_the_standard) {
    BOOST_TEST(to_hex(sha256("abc")) ==
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(to_hex(sha256("")) ==
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231, section 4.3.
BOOST_AUTO_TEST_CASE(hmac_is_that_of_the_rfc_call_after_call) {
    for (int call = 0; call < 2; ++call) {
        BOOST_TEST(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
                   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        BOOST_TEST(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
                   "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}

BOOST_AUTO_TEST_CASE(secrets_are_the_same_only_if_every_byte_is) {
    BOOST_TEST(same_secret("abc", "abc"));
    BOOST_TEST(same_secret("", ""));
    for (const char* other : {"abd", "bbc", "ab", "abcd", ""})
        BOOST_TEST(!same_secret("abc", other));
}

BOOST_AUTO_TEST_CASE(random_bytes_differ_each_time) {
    BOOST_TEST(random_bytes(32).size() == 32);
    BOOST_TEST(random_bytes(32) != random_bytes(32));
}

BOOST_AUTO_TEST_CASE(cleansed_secret_is_empty) {
    std::string secret = "a secret that is longer than a string holds in itself";
    cleanse(secret);
    BOOST_TEST(secret == "");
}

BOOST_AUTO_TEST_CASE(key_is_for_one_algorithm) {
    struct {
        Algorithm algorithm;
        const std::string& pem;
    } const keys[] = {{Algorithm::rs256, rsa_key().public_pem},
                      {Algorithm::es256, p256_key().public_pem},
                      {Algorithm::eddsa, ed25519_key().public_pem}};
    for (const auto& [algorithm, pem] : keys)
        for (const Algorithm asked :
             {Algorithm::hs256, Algorithm::rs256, Algorithm::es256, Algorithm::eddsa})
            BOOST_TEST(PublicKey::from_pem(asked, pem).has_value() == (asked == algorithm));
}

BOOST_AUTO_TEST_CASE(key_that_is_too_weak_or_of_another_curve_or_none_is_refused) {
    const auto why = [](Algorithm algorithm, const std::string& pem) {
        return describe(PublicKey::from_pem(algorithm, pem).error());
    };
    BOOST_TEST(why(Algorithm::rs256,
                   TestKey({"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"}).public_pem) ==
               "has less than 2048 bits");
    BOOST_TEST(
        why(Algorithm::es256,
            TestKey({"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}).public_pem) ==
        "is not a key of the curve P-256");
    BOOST_TEST(why(Algorithm::rs256, "nothing") == "holds no public key in PEM");
    BOOST_TEST(why(Algorithm::rs256, rsa_key().private_pem) == "holds no public key in PEM");
}

BOOST_AUTO_TEST_CASE(short_digest_is_the_first_eight_bytes) {
    BOOST_TEST(shortened(sha256("abc")) == 0xba7816bf8f01cfeaU);
    BOOST_TEST(shortened(Digest{}) == 0U);
}

BOOST_AUTO_TEST_CASE(algorithms_are_known_by_their_names_and_no_other) {
    for (const Algorithm algorithm :
         {Algorithm::hs256, Algorithm::rs256, Algorithm::es256, Algorithm::eddsa})
        BOOST_TEST((algorithm_of(to_text(algorithm)) == algorithm));
    for (const char* other : {"", "none", "hs256", "HS512", "signed"})
        BOOST_TEST(!algorithm_of(other).has_value(), other);
}

BOOST_AUTO_TEST_CASE(each_key_has_its_own_digest) {
    const auto digest = [](Algorithm algorithm, const TestKey& key) {
        return to_hex(PublicKey::from_pem(algorithm, key.public_pem)->digest());
    };
    BOOST_TEST(digest(Algorithm::rs256, rsa_key()) == digest(Algorithm::rs256, rsa_key()));
    BOOST_TEST(digest(Algorithm::es256, p256_key()) != digest(Algorithm::eddsa, ed25519_key()));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
