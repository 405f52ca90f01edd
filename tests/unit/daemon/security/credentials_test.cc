#include "daemon/security/credentials.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "daemon/security/base64.h"
#include "tests/support/manual_clock.h"
#include "tests/support/random.h"
#include "tests/support/token_keys.h"

namespace rollcall {

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";
const std::string other_secret = "fedcba9876543210fedcba9876543210";

struct CredentialsFixture {
    CredentialsFixture() {
        std::ofstream(directory.path() / "rsa.pem") << rsa_key().public_pem;
        std::ofstream(directory.path() / "p256.pem") << p256_key().public_pem;
        write("s1 acme " + sha256_hex("token-1") + "\ns2 " + sha256_hex("token-2") + "\ngw/* " +
                  sha256_hex("shared") + "\n",
              keys_line("k1", secret));
    }

    static std::string keys_line(std::string_view id, std::string_view key,
                                 std::string_view algorithm = "HS256") {
        return fmt::format("{} {} {}\n", id, algorithm, to_base64url(key));
    }

    [[nodiscard]] static Settings settings_for(const TemporaryDirectory& directory) {
        Settings settings;
        settings.auth.mode = "tokens";
        settings.auth.tokens_file = directory.path() / "tokens";
        settings.auth.signing_keys_file = directory.path() / "keys";
        return settings;
    }
    // Writes the file of tokens and the file of signing keys, and loads both files.
    void write(std::string_view tokens, std::string_view keys) {
        std::ofstream(settings.auth.tokens_file) << tokens;
        std::ofstream(settings.auth.signing_keys_file) << keys;
        const auto loaded = files.load();
        BOOST_TEST_REQUIRE(loaded.has_value(), (loaded ? "" : describe(loaded.error())));
    }

    // Returns "SITE/TENANT", or the name of the code.
    std::string ask(std::string_view token, std::string_view site = "",
                    std::string_view peer = "192.0.2.1") {
        identity = {};
        const auto identified = credentials.identify({site, token, peer}, identity);
        if (!identified) {
            BOOST_TEST(identity.site() == "");
            return std::string(to_text(identified.error().code));
        }
        return std::string(identity.site()).append("/").append(identity.tenant());
    }
    [[nodiscard]] int64_t now_s() const { return clock.wall / 1'000'000; }
    // Returns a signed token in the format of `rollcalld token new`.
    static std::string signed_by(std::string_view key_id, std::string_view key,
                                 std::string_view site, int64_t expires_s = 0,
                                 std::string_view tenant = "") {
        return sign_json_web_token(key_id, key, {std::string(site), std::string(tenant), expires_s},
                                   {.audience = {}, .issuer = {}, .tenant_claim = "tenant"});
    }
    [[nodiscard]] std::string signed_token(std::string_view site, int64_t expires_in_s = 0,
                                           std::string_view tenant = "") const {
        return signed_by("k1", secret, site, expires_in_s == 0 ? 0 : now_s() + expires_in_s,
                         tenant);
    }

    TemporaryDirectory directory;
    Settings settings = settings_for(directory);
    ManualClock clock;
    CredentialFiles files{settings};
    Credentials credentials{settings, files, clock};
    Identity identity;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_credentials, CredentialsFixture)

BOOST_AUTO_TEST_CASE(every_client_is_anonymous_if_no_token_is_required) {
    settings.auth.mode = "anonymous";
    Credentials open(settings, files, clock);
    BOOST_TEST(open.identify({"s1", "wrong", ""}, identity).has_value());
    BOOST_TEST(open.identify({}, identity).has_value());
    BOOST_TEST(identity.site() == "");
}

BOOST_AUTO_TEST_CASE(stored_token_gives_site_and_tenant) {
    BOOST_TEST(ask("token-1") == "s1/acme");
    BOOST_TEST(ask("token-1", "s1") == "s1/acme");
    BOOST_TEST(ask("token-2") == "s2/");
}

BOOST_AUTO_TEST_CASE(no_token_a_wrong_one_and_one_of_another_site_are_refused) {
    BOOST_TEST(ask("") == "no_credential");
    BOOST_TEST(ask("", "s1") == "no_credential");
    for (const char* wrong :
         {"token-3", "token-", "TOKEN-1", "token-1 ", "rc1.", "eyJ", "rc1.a.b", "eyJ.a.b"})
        BOOST_TEST(ask(wrong) == "bad_credential", wrong);
    BOOST_TEST(ask("token-1", "s2") == "bad_credential");
    BOOST_TEST(ask(std::string(4097, 'x')) == "bad_credential");
}

BOOST_AUTO_TEST_CASE(prefix_token_is_valid_for_every_named_site_with_its_prefix) {
    BOOST_TEST(ask("shared", "gw/7") == "gw/7/");
    BOOST_TEST(ask("shared") == "bad_credential");
    BOOST_TEST(ask("shared", "s1") == "bad_credential");
    BOOST_TEST(ask("shared", "gw/a b") == "bad_credential");
    BOOST_TEST(ask("shared", "gw/" + std::string(126, 'x')) == "bad_credential");
}

BOOST_AUTO_TEST_CASE(tenant_is_the_prefix_of_the_site_if_the_token_has_none) {
    settings.auth.tenant_separator = "-";
    write("acme-1 " + sha256_hex("a") + "\nacme-2 other " + sha256_hex("b") + "\nplain " +
              sha256_hex("c") + "\n",
          keys_line("k1", secret));
    BOOST_TEST(ask("a") == "acme-1/acme");
    BOOST_TEST(ask("b") == "acme-2/other");
    BOOST_TEST(ask("c") == "plain/");
    BOOST_TEST(ask(signed_token("z-9")) == "z-9/z");
}

BOOST_AUTO_TEST_CASE(certificate_is_used_if_there_is_no_token) {
    const auto with = [&](std::string_view certified, std::string_view site,
                          std::string_view token) {
        identity = {};
        const auto identified =
            credentials.identify({site, token, "192.0.2.1", certified}, identity);
        return identified ? std::string(identity.site())
                          : std::string(to_text(identified.error().code));
    };
    BOOST_TEST(with("c1", "", "") == "c1");
    BOOST_TEST(credentials.revalidate(identity).has_value());
    BOOST_TEST(with("c1", "c1", "") == "c1");
    BOOST_TEST(with("c1", "s1", "") == "bad_credential");
    BOOST_TEST(with("c1", "", "token-1") == "s1");
    BOOST_TEST(with("c1", "", "wrong") == "bad_credential");
    BOOST_TEST(with("c 1", "", "") == "bad_credential");
    BOOST_TEST(with("*", "s1", "") == "bad_credential");
}

BOOST_AUTO_TEST_CASE(signed_token_needs_no_store) {
    BOOST_TEST(ask(signed_token("s9")) == "s9/");
    BOOST_TEST(ask(signed_token("s9", 60, "t9")) == "s9/t9");
    BOOST_TEST(ask(signed_token("s9"), "s9") == "s9/");
    BOOST_TEST(ask(signed_token("s9"), "s8") == "bad_credential");
    BOOST_TEST(ask(signed_by("k2", secret, "s9")) == "bad_credential");
    BOOST_TEST(ask(signed_by("k1", other_secret, "s9")) == "bad_credential");
    BOOST_TEST(ask(signed_by("k1", secret, "*")) == "bad_credential");
}

BOOST_AUTO_TEST_CASE(signed_token_is_valid_until_it_expires) {
    const std::string token = signed_token("s9", 60);
    BOOST_TEST(ask(token) == "s9/");
    const Identity before = identity;
    // The expiry time includes a tolerance of 5 s for clock differences.
    BOOST_TEST(before.expires_s == now_s() + 65);
    clock.pass(std::chrono::seconds(64));
    BOOST_TEST(ask(token) == "s9/");
    BOOST_TEST(credentials.revalidate(before).has_value());
    clock.pass(std::chrono::seconds(1));
    BOOST_TEST(ask(token) == "expired_credential");
    BOOST_TEST((credentials.revalidate(before).error().code == Code::expired_credential));
}

BOOST_AUTO_TEST_CASE(keys_rotate_and_tokens_of_a_removed_key_are_invalid) {
    const std::string before = signed_token("s9");
    BOOST_TEST(ask(before) == "s9/");
    const Identity early = identity;
    const std::string after = signed_by("k2", other_secret, "s9");
    write("", keys_line("k2", other_secret) + keys_line("k1", secret));
    BOOST_TEST(ask(before) == "s9/");
    BOOST_TEST(ask(after) == "s9/");
    BOOST_TEST(credentials.revalidate(early).has_value());
    write("", keys_line("k2", other_secret));
    BOOST_TEST(ask(before) == "bad_credential");
    BOOST_TEST(ask(after) == "s9/");
    BOOST_TEST((credentials.revalidate(early).error().code == Code::bad_credential));
}

BOOST_AUTO_TEST_CASE(json_tokens_of_every_algorithm_are_accepted) {
    std::ofstream(directory.path() / "ed.pem") << ed25519_key().public_pem;
    write("", keys_line("h", secret) + "r RS256 rsa.pem\np ES256 p256.pem\ne EdDSA ed.pem\n");
    const std::string payload =
        fmt::format(R"({{"sub":"s7","tenant":"t7","aud":["x","rollcall"],"nbf":{},"exp":{}}})",
                    now_s() - 9, now_s() + 60);
    const std::string tokens[] = {token_by_secret(secret, R"({"alg":"HS256","kid":"h"})", payload),
                                  rsa_key().token(R"({"alg":"RS256","kid":"r"})", payload),
                                  p256_key().token(R"({"alg":"ES256","kid":"p"})", payload),
                                  ed25519_key().token(R"({"alg":"EdDSA","kid":"e"})", payload)};
    for (const std::string& token : tokens)
        for (int time = 0; time < 3; ++time) BOOST_TEST(ask(token) == "s7/t7", token);
    clock.pass(std::chrono::seconds(66));
    for (const std::string& token : tokens) BOOST_TEST(ask(token) == "expired_credential");
}

BOOST_AUTO_TEST_CASE(json_token_with_invalid_claims_is_refused) {
    write("", keys_line("h", secret));
    const auto says = [&](std::string_view payload) {
        return ask(token_by_secret(secret, R"({"alg":"HS256"})", payload));
    };
    BOOST_TEST(says(R"({"sub":"s7"})") == "s7/");
    BOOST_TEST(says(R"({"sub":"s7","aud":"else"})") == "bad_credential");
    BOOST_TEST(says(R"({"name":"s7"})") == "bad_credential");
    BOOST_TEST(says(fmt::format(R"({{"sub":"s7","nbf":{}}})", now_s() + 5)) == "s7/");
    BOOST_TEST(says(fmt::format(R"({{"sub":"s7","nbf":{}}})", now_s() + 6)) ==
               "expired_credential");
    BOOST_TEST(says(fmt::format(R"({{"sub":"s7","exp":{}}})", now_s() - 4)) == "s7/");
    BOOST_TEST(says(fmt::format(R"({{"sub":"s7","exp":{}}})", now_s() - 5)) ==
               "expired_credential");
    BOOST_TEST(says(R"({"sub":"s7","exp":0})") == "expired_credential");
    BOOST_TEST(says(R"({"sub":"s7","exp":9223372036854775807})") == "bad_credential");
    BOOST_TEST(says(R"({"sub":"s7","exp":999999999999999})") == "s7/");
}

BOOST_AUTO_TEST_CASE(algorithm_is_the_keys_and_never_the_tokens) {
    write("", "r RS256 rsa.pem\n" + keys_line("h", secret) + "p ES256 p256.pem\n");
    const std::string payload = R"({"sub":"s7"})";
    BOOST_TEST(ask(token_by_secret(rsa_key().public_pem, R"({"alg":"HS256","kid":"r"})",
                                   payload)) == "bad_credential");
    BOOST_TEST(ask(token_by_secret(secret, R"({"alg":"HS256","kid":"p"})", payload)) ==
               "bad_credential");
    BOOST_TEST(ask(token_by_secret(secret, R"({"alg":"RS256","kid":"h"})", payload)) ==
               "bad_credential");
    const std::string unsigned_token =
        to_base64url(R"({"alg":"none"})") + "." + to_base64url(payload) + ".";
    BOOST_TEST(ask(unsigned_token) == "bad_credential");
    BOOST_TEST(ask(token_by_secret(secret, R"({"alg":"HS256","kid":"h"})", payload)) == "s7/");
}

BOOST_AUTO_TEST_CASE(wrong_public_key_signatures_are_limited_and_delay_only_new_tokens) {
    settings.auth.invalid_signatures_max = 3;
    write("s1 " + sha256_hex("token-1") + "\n", "p ES256 p256.pem\n" + keys_line("k1", secret));
    const std::string good = p256_key().token(R"({"alg":"ES256","kid":"p"})", R"({"sub":"s7"})");
    const std::string fresh = p256_key().token(R"({"alg":"ES256","kid":"p"})", R"({"sub":"s8"})");
    std::string bad = good;
    bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
    BOOST_TEST(ask(good, "", "192.0.2.9") == "s7/");

    BOOST_TEST(ask(bad, "", "192.0.2.1") == "bad_credential");
    BOOST_TEST(ask(bad, "", "192.0.2.1") == "signature_checks_suspended");
    BOOST_TEST(ask(fresh, "", "192.0.2.2") == "s8/");
    BOOST_TEST(ask(bad, "", "192.0.2.3") == "bad_credential");
    BOOST_TEST(ask(bad, "", "192.0.2.4") == "bad_credential");
    BOOST_TEST(ask(bad, "", "192.0.2.5") == "signature_checks_suspended");
    // Tokens that were verified before, or that are cheap to verify, must still be accepted.
    BOOST_TEST(ask(good, "", "192.0.2.1") == "s7/");
    BOOST_TEST(ask("token-1", "", "192.0.2.1") == "s1/");
    BOOST_TEST(ask(signed_token("s9"), "", "192.0.2.1") == "s9/");
    BOOST_TEST(ask("wrong", "", "192.0.2.1") == "bad_credential");

    clock.pass(std::chrono::seconds(1));
    BOOST_TEST(ask(bad, "", "192.0.2.1") == "bad_credential");
}

BOOST_AUTO_TEST_CASE(network_has_one_wrong_signature_a_second_however_many_addresses_it_has) {
    settings.auth.invalid_signatures_max = 3;
    write("", "p ES256 p256.pem\n");
    const std::string good = p256_key().token(R"({"alg":"ES256"})", R"({"sub":"s7"})");
    std::string bad = good;
    bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
    BOOST_TEST(ask(bad, "", "2001:db8:0:1::1") == "bad_credential");
    for (int address = 2; address < 100; ++address)
        BOOST_TEST(ask(bad, "", fmt::format("2001:db8:0:1::{}", address)) ==
                   "signature_checks_suspended");
    BOOST_TEST(ask(good, "", "2001:db8:0:2::1") == "s7/");
}

BOOST_AUTO_TEST_CASE(wrong_signatures_of_unknown_networks_delay_no_known_network) {
    settings.auth.invalid_signatures_max = 3;
    write("", "p ES256 p256.pem\n");
    const auto token = [](int site) {
        return p256_key().token(R"({"alg":"ES256"})", fmt::format(R"({{"sub":"s{}"}})", site));
    };
    std::string bad = token(0);
    bad[bad.size() - 10] = bad[bad.size() - 10] == 'A' ? 'B' : 'A';
    for (int host = 1; host <= 5; ++host)
        BOOST_TEST(ask(token(host), "", fmt::format("192.0.2.{}", host)) ==
                   fmt::format("s{}/", host));
    // Send from more unknown networks than the table of unknown networks has entries.
    for (int host = 0; host < 4000; ++host)
        (void)ask(bad, "", fmt::format("198.51.{}.{}", host / 250, host % 250));
    BOOST_TEST(ask(token(6), "", "203.0.113.1") == "signature_checks_suspended");
    BOOST_TEST(ask(token(6), "", "192.0.2.1") == "s6/");
    // Each known network may send one wrong signature per second. All known networks together may
    // send auth.invalid_signatures_max wrong signatures per second. The signatures of unknown
    // networks must not count for this limit.
    BOOST_TEST(ask(bad, "", "192.0.2.1") == "bad_credential");
    BOOST_TEST(ask(token(7), "", "192.0.2.1") == "signature_checks_suspended");
    BOOST_TEST(ask(bad, "", "192.0.2.2") == "bad_credential");
    BOOST_TEST(ask(bad, "", "192.0.2.3") == "bad_credential");
    BOOST_TEST(ask(token(7), "", "192.0.2.4") == "signature_checks_suspended");
    clock.pass(std::chrono::seconds(1));
    BOOST_TEST(ask(token(7), "", "192.0.2.4") == "s7/");
}

BOOST_AUTO_TEST_CASE(verified_tokens_are_bounded_and_forgotten_at_a_reload) {
    settings.auth.verified_tokens_max = 4;
    const std::string keys = "p ES256 p256.pem\n";
    write("", keys);
    std::vector<std::string> tokens;
    for (int site = 0; site < 9; ++site)
        tokens.push_back(
            p256_key().token(R"({"alg":"ES256"})", fmt::format(R"({{"sub":"s{}"}})", site)));
    for (int round = 0; round < 2; ++round)
        for (size_t site = 0; site < tokens.size(); ++site)
            BOOST_TEST(ask(tokens[site]) == fmt::format("s{}/", site));
    write("", keys_line("k1", secret));
    for (const auto& token : tokens) BOOST_TEST(ask(token) == "bad_credential");
}

BOOST_AUTO_TEST_CASE(reload_adds_and_removes_tokens_and_is_noticed_once) {
    BOOST_TEST(ask("token-1") == "s1/acme");
    const Identity s1 = identity;
    BOOST_TEST(ask("token-2") == "s2/");
    const Identity s2 = identity;
    BOOST_TEST(ask("shared", "gw/1") == "gw/1/");
    const Identity gateway = identity;
    (void)credentials.changed();
    BOOST_TEST(!credentials.changed());

    write("s1 acme " + sha256_hex("token-1") + "\ns3 " + sha256_hex("token-3") + "\ngw/* " +
              sha256_hex("shared") + "\n",
          "");
    BOOST_TEST(credentials.changed());
    BOOST_TEST(!credentials.changed());
    BOOST_TEST(credentials.revalidate(s1).has_value());
    BOOST_TEST(credentials.revalidate(gateway).has_value());
    BOOST_TEST((credentials.revalidate(s2).error().code == Code::bad_credential));
    BOOST_TEST(ask("token-2") == "bad_credential");
    BOOST_TEST(ask("token-3") == "s3/");

    // The same token with another site or tenant is a different credential.
    write("s1 other " + sha256_hex("token-1") + "\n", "");
    BOOST_TEST(!credentials.revalidate(s1).has_value());
    write("s4 acme " + sha256_hex("token-1") + "\n", "");
    BOOST_TEST(!credentials.revalidate(s1).has_value());
}

BOOST_AUTO_TEST_CASE(malformed_file_changes_nothing) {
    std::ofstream(settings.auth.tokens_file) << "s9 " << sha256_hex("token-9") << "\ns8\n";
    BOOST_TEST(describe(files.load().error()) ==
               settings.auth.tokens_file +
                   ":2: the line must have the form: site [tenant] SHA-256");
    BOOST_TEST(ask("token-1") == "s1/acme");
    BOOST_TEST(ask("token-9") == "bad_credential");
    // The valid first file must not take effect if the second file is malformed.
    std::ofstream(settings.auth.tokens_file) << "s9 " << sha256_hex("token-9") << "\n";
    std::ofstream(settings.auth.signing_keys_file) << "k1 HS256 short\n";
    BOOST_TEST(describe(files.load().error()).find("keys:1:") != std::string::npos);
    BOOST_TEST(ask("token-9") == "bad_credential");
    BOOST_TEST(ask(signed_token("s9")) == "s9/");
}

BOOST_AUTO_TEST_CASE(random_bytes_are_never_a_credential) {
    write("s1 " + sha256_hex("token-1") + "\n",
          "p ES256 p256.pem\nr RS256 rsa.pem\n" + keys_line("h", secret) + keys_line("k1", secret));
    Random random("credentials");
    const std::vector<std::string> good = {
        signed_token("s9", 60), "token-1",
        token_by_secret(secret, R"({"alg":"HS256","kid":"h"})", R"({"sub":"s7"})"),
        p256_key().token(R"({"alg":"ES256","kid":"p"})", R"({"sub":"s7"})")};
    for (int round = 0; round < 20'000; ++round) {
        std::string token;
        if (random.one_in(2)) {
            token.resize(random.below(200));
            for (char& byte : token) byte = static_cast<char>(random.below(256));
            if (random.one_in(4)) token.insert(0, "eyJhbGciOiJIUzI1NiJ9.");
        } else {  // A valid token with a few changes.
            token = random.one_of(good);
            const size_t changes = 1 + random.below(3);
            for (size_t change = 0; change < changes; ++change) {
                const size_t at = random.below(token.size());
                if (random.one_in(3)) {
                    token.erase(at, 1 + random.below(4));
                } else {
                    token[at] = static_cast<char>(random.below(256));
                }
                if (token.empty()) break;
            }
            if (std::ranges::find(good, token) != good.end()) continue;
        }
        const std::string answer = ask(token, "", fmt::format("192.0.2.{}", round));
        BOOST_TEST_REQUIRE((answer == "bad_credential" || answer == "no_credential" ||
                            answer == "signature_checks_suspended"),
                           "round " << round << ": " << answer);
        clock.pass(std::chrono::milliseconds(10));
    }
}

BOOST_AUTO_TEST_CASE(json_web_token_is_valid_for_no_longer_than_the_settings_allow) {
    settings.auth.jwt_lifetime_max = Millis(3'600'000);
    const auto token = [](int64_t issued_s, int64_t expires_s) {
        return sign_json_web_token("k1", secret,
                                   {.site = "s1", .expires_s = expires_s, .issued_s = issued_s},
                                   {.audience = {}, .issuer = {}, .tenant_claim = "tenant"});
    };
    const int64_t now = now_s();
    BOOST_TEST(ask(token(0, 0)) == "unlimited_credential");
    BOOST_TEST(ask(token(now, now + 3601)) == "unlimited_credential");
    BOOST_TEST(ask(token(now, now + 3600)) == "s1/");
    BOOST_TEST(ask(token(0, now + 3700)) == "unlimited_credential");
    BOOST_TEST(ask(token(0, now + 3600)) == "s1/");
    BOOST_TEST(ask(token(now + 1000, now + 4500)) == "unlimited_credential");
    const std::string endless = token(now, 0);
    BOOST_TEST(ask(endless) == "s1/");
    BOOST_TEST(identity.expires_s == now + 3605);
    clock.pass(std::chrono::seconds(3606));
    BOOST_TEST(ask(endless) == "expired_credential");
    settings.auth.jwt_lifetime_max = Millis(0);
    BOOST_TEST(ask(endless) == "s1/");
    BOOST_TEST(ask(token(0, 0)) == "s1/");
}

BOOST_AUTO_TEST_CASE(json_web_token_is_revoked_by_its_id_at_the_next_reload) {
    settings.auth.revoked_file = directory.path() / "revoked";
    const auto token = [](std::string_view id) {
        return sign_json_web_token("k1", secret, {.site = "s1", .id = std::string(id)},
                                   {.audience = {}, .issuer = {}, .tenant_claim = "tenant"});
    };
    BOOST_TEST(!files.load().has_value());
    std::ofstream(settings.auth.revoked_file) << "";
    BOOST_REQUIRE(files.load().has_value());
    BOOST_TEST(ask(token("t1")) == "s1/");
    const Identity first = identity;
    BOOST_TEST(first.token_id() == "t1");
    BOOST_TEST(ask(token("t2")) == "s1/");
    const Identity second = identity;
    std::ofstream(settings.auth.revoked_file) << "t1 lost\n";
    BOOST_REQUIRE(files.load().has_value());
    BOOST_TEST(ask(token("t1")) == "bad_credential");
    BOOST_TEST(ask(token("t2")) == "s1/");
    BOOST_TEST(ask(token("")) == "s1/");
    BOOST_TEST(!credentials.revalidate(first).has_value());
    BOOST_TEST(credentials.revalidate(second).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
