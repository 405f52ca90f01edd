#include "daemon/security/json_web_token.h"

#include <boost/test/unit_test.hpp>
#include <cctype>

#include "daemon/security/base64.h"
#include "tests/support/random.h"

namespace rollcall {

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
const ClaimRules usual{"rollcall", "", "tenant"};

// Returns a token with an arbitrary signature. The functions under test do not verify signatures.
std::string json_token(std::string_view header, std::string_view payload) {
    return to_base64url(header) + "." + to_base64url(payload) + ".c2ln";
}
std::optional<JsonWebToken> opened(std::string_view header) {
    return parse_json_web_token(json_token(header, R"({"sub":"s"})"));
}
std::optional<Claims> claims(std::string_view payload, std::string_view audience = "rollcall",
                             std::string_view tenant_claim = "tenant",
                             std::string_view issuer = "") {
    const auto parsed = parse_json_web_token(json_token(R"({"alg":"HS256"})", payload));
    return parsed ? read_claims(*parsed, {audience, issuer, tenant_claim}) : std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(security_json_web_token)

BOOST_AUTO_TEST_CASE(signed_token_contains_the_signed_claims) {
    const std::string token =
        sign_json_web_token("k1", secret, {"tower-1", "acme", 1'790'000'000, 1'780'000'000}, usual);
    BOOST_TEST(looks_like_json_web_token(token));
    const auto parsed = parse_json_web_token(token);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_TEST((parsed->algorithm == Algorithm::hs256));
    BOOST_TEST(parsed->key_id == "k1");
    BOOST_TEST(parsed->signature == bytes_of(hmac_sha256(secret, parsed->signing_input)));
    BOOST_TEST(parsed->payload ==
               R"({"sub":"tower-1","tenant":"acme","exp":1790000000,"nbf":1780000000})");
    const auto said = read_claims(*parsed, usual);
    BOOST_TEST(said->site == "tower-1");
    BOOST_TEST(said->tenant == "acme");
    BOOST_TEST(said->expires_s == 1'790'000'000);
    BOOST_TEST(said->not_before_s == 1'780'000'000);
}

// A script keeps its token in a variable, which RouterOS before 7.14 cuts at 4,096 bytes. The
// daemon refuses tokens above auth.token_size_max, which is at least 1 KiB. A token must fit both
// limits.
BOOST_AUTO_TEST_CASE(signed_token_fits_the_variables_and_header_fields_of_routers) {
    const auto size = [](size_t key_bytes, size_t site_bytes, size_t tenant_bytes) {
        return sign_json_web_token(
                   std::string(key_bytes, 'k'), secret,
                   {std::string(site_bytes, 's'), std::string(tenant_bytes, 't'), 1'790'000'000, 0},
                   usual)
            .size();
    };
    BOOST_TEST(size(7, 8, 4) == 155);
    BOOST_TEST(size(7, 36, 12) == 203);
    BOOST_TEST(size(64, 128, 128) == 557);
    const std::string token = sign_json_web_token("k", secret, {"\xc3\xa9,;=&\"'$"}, usual);
    for (const char byte : token)
        BOOST_TEST((std::isalnum(byte) || byte == '-' || byte == '_' || byte == '.'), token);
}

BOOST_AUTO_TEST_CASE(signed_token_satisfies_the_rules_for_reading_it) {
    for (const ClaimRules& rules : {ClaimRules{"rollcall", "https://id.example", "org"},
                                    ClaimRules{"", "a\n\"\\", "\x01\""}}) {
        const auto parsed = parse_json_web_token(
            sign_json_web_token("k\"1", secret, {"s\"\\1", "t\"1", 0, 0}, rules));
        BOOST_REQUIRE(parsed.has_value());
        BOOST_TEST(parsed->key_id == "k\"1");
        const auto said = read_claims(*parsed, rules);
        BOOST_REQUIRE(said.has_value());
        BOOST_TEST(said->site == "s\"\\1");
        BOOST_TEST(said->tenant == "t\"1");
        BOOST_TEST(said->expires_s == 0);
        BOOST_TEST(said->not_before_s == 0);
    }
}

BOOST_AUTO_TEST_CASE(token_that_is_not_three_parts_in_base64url_is_refused) {
    for (const char* token : {"", ".", "..", "rc1.", "rc1..", "rc1.a.b", "eyJ", "eyJ.e30.c2ln",
                              "a.b.c.d", "eyJhbGciOiJIUzI1NiJ9.e30=.c2ln",
                              "eyJhbGciOiJIUzI1NiJ9.e30.c2ln=", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln.",
                              "eyJhbGciOiJIUzI1NiJ9.e31.c2ln", "eyJhbGciOiJIUzI1NiJ9.e30"})
        BOOST_TEST(!parse_json_web_token(token).has_value(), token);
    BOOST_TEST(!looks_like_json_web_token("a stored token"));
}

BOOST_AUTO_TEST_CASE(header_names_algorithm_and_key) {
    const auto parsed = opened(R"({"typ":"JWT","kid":"a\u0062","alg":"ES256","x":[{}]})");
    BOOST_TEST((parsed->algorithm == Algorithm::es256));
    BOOST_TEST(parsed->key_id == "ab");
    BOOST_TEST(opened(R"({"alg":"HS256"})")->key_id == "");
}

// RFC 7515, section 4: the header is a JSON object, which may contain blanks (RFC 8259, section 2).
BOOST_AUTO_TEST_CASE(header_may_have_blanks_wherever_json_has_them) {
    for (const char* header : {R"({ "alg":"ES256"})", " {\"alg\":\"ES256\"}", "\r\n\t{}",
                               "{\n  \"typ\": \"JWT\",\n  \"alg\": \"ES256\"\n}\n"}) {
        const std::string token = json_token(header, R"({"sub":"s"})");
        BOOST_TEST(looks_like_json_web_token(token), header);
        const auto parsed = parse_json_web_token(token);
        const bool says_all = std::string_view(header).find("alg") != std::string_view::npos;
        BOOST_TEST(parsed.has_value() == says_all, header);
        if (parsed) BOOST_TEST((parsed->algorithm == Algorithm::es256), header);
    }
}

BOOST_AUTO_TEST_CASE(unsupported_header_is_refused) {
    for (const char* header :
         {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":""})", R"({"alg":"hs256"})",
          R"({"alg":"HS512"})", R"({"alg":"signed"})", R"({"alg":null})", R"({"alg":["HS256"]})",
          R"({"kid":"k"})", R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"HS256","kid":1})",
          R"({"alg":"HS256","crit":["b64"],"b64":false})", R"(["alg","HS256"])",
          R"({"alg":"HS256"} )"
          "x",
          R"({"alg":"HS256")", "{}", "", "\xff"})
        BOOST_TEST(!opened(header).has_value(), header);
}

BOOST_AUTO_TEST_CASE(claims_are_read_as_the_rfc_writes_them) {
    const auto said =
        claims(R"({"iss":"x","sub":"s1","tenant":"t1","exp":1300819380,"nbf":1.5e3})");
    BOOST_TEST(said->site == "s1");
    BOOST_TEST(said->tenant == "t1");
    BOOST_TEST(said->expires_s == 1300819380);
    BOOST_TEST(said->not_before_s == 1500);
    BOOST_TEST(claims(R"({"sub":"s1"})")->expires_s == 0);
    BOOST_TEST(claims(R"({"sub":"s1","exp":0})")->expires_s == 1);
    BOOST_TEST(claims(R"({"sub":"s1","exp":-5})")->expires_s == 1);
    BOOST_TEST(claims(R"({"sub":"s1","exp":12.9})")->expires_s == 12);
    BOOST_TEST(claims(R"({"sub":"s1","org":"o1","tenant":7})", "", "org")->tenant == "o1");
    BOOST_TEST(claims(R"({"sub":"s1","tenant":"t1"})", "", "")->tenant == "");
}

BOOST_AUTO_TEST_CASE(audience_must_name_the_daemon_if_there_is_one) {
    for (const char* payload : {R"({"sub":"s"})", R"({"sub":"s","aud":"rollcall"})",
                                R"({"sub":"s","aud":["a","rollcall"]})"})
        BOOST_TEST(claims(payload).has_value(), payload);
    for (const char* payload :
         {R"({"sub":"s","aud":"a"})", R"({"sub":"s","aud":[]})", R"({"sub":"s","aud":["a"]})",
          R"({"sub":"s","aud":null})", R"({"sub":"s","aud":"rollcall","aud":"rollcall"})"})
        BOOST_TEST(!claims(payload).has_value(), payload);
}

BOOST_AUTO_TEST_CASE(issuer_must_be_the_configured_one_if_there_is_one) {
    const auto by = [](std::string_view payload) {
        return claims(payload, "", "", "https://id.example").has_value();
    };
    BOOST_TEST(by(R"({"iss":"https://id.example","sub":"s"})"));
    for (const char* payload :
         {R"({"sub":"s"})", R"({"iss":"https://id.example/","sub":"s"})", R"({"iss":"","sub":"s"})",
          R"({"iss":null,"sub":"s"})", R"({"iss":["https://id.example"],"sub":"s"})",
          R"({"iss":"https://id.example","iss":"https://id.example","sub":"s"})"})
        BOOST_TEST(!by(payload), payload);
    BOOST_TEST(claims(R"({"iss":"anyone","sub":"s"})").has_value());
}

BOOST_AUTO_TEST_CASE(malformed_claims_are_refused) {
    for (const char* payload :
         {R"({})", R"({"sub":""})", R"({"sub":7})", R"({"sub":"a b"})", R"({"sub":"a\u0000"})",
          R"({"sub":"a","sub":"b"})", R"({"sub":"a","exp":"1"})", R"({"sub":"a","exp":1e99})",
          R"({"sub":"a","exp":null})", R"({"sub":"a","exp":1,"exp":2})",
          R"({"sub":"a","nbf":true})", R"({"sub":"a","tenant":1})", R"({"sub":"a","tenant":"x y"})",
          R"("a")", R"([])", R"({"sub":"a")"})
        BOOST_TEST(!claims(payload).has_value(), payload);
    BOOST_TEST(!claims(R"({"sub":")" + std::string(129, 's') + R"("})").has_value());
}

BOOST_AUTO_TEST_CASE(every_other_byte_anywhere_makes_another_token) {
    const std::string token = sign_json_web_token("k1", secret, {"tower-1"}, usual);
    Random random("json_web_token");
    for (size_t at = 0; at < token.size(); ++at) {
        std::string other = token;
        while (other == token) other[at] = static_cast<char>(random.below(256));
        const auto parsed = parse_json_web_token(other);
        BOOST_TEST((!parsed || !same_secret(parsed->signature,
                                            bytes_of(hmac_sha256(secret, parsed->signing_input)))),
                   "byte " << at << " as " << int{other[at]});
    }
    for (size_t length = 0; length < token.size(); ++length) {
        const std::string_view shorter = std::string_view(token).substr(0, length);
        const auto parsed = parse_json_web_token(shorter);
        BOOST_TEST((!parsed || !same_secret(parsed->signature,
                                            bytes_of(hmac_sha256(secret, parsed->signing_input)))));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
