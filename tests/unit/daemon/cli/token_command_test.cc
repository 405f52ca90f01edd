#include "daemon/cli/token_command.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "daemon/security/credentials.h"
#include "tests/support/manual_clock.h"
#include "tests/support/token_keys.h"

namespace rollcall {

namespace {

struct CommandFixture {
    CommandFixture() {
        settings.auth.tokens_file = directory.path() / "tokens";
        std::ofstream(settings.auth.tokens_file)
            << "s1 acme " << sha256_hex("token-1") << "\ngw/* " << sha256_hex("shared") << "\n";
    }
    void set_up_keys() {
        settings.auth.signing_keys_file = directory.path() / "keys";
        std::ofstream(settings.auth.signing_keys_file) << *new_key("k1") << *new_key("k2");
    }
    std::string made(const TokenRequest& request) {
        const auto made = new_token(settings, request, clock);
        if (made) id = made->id;
        return made ? made->text : "error: " + describe(made.error());
    }
    std::string shown(std::string_view token) { return show_token(settings, token, clock)->text; }

    std::string id;  // The id of the newest token.
    TemporaryDirectory directory;
    Settings settings;
    ManualClock clock;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cli_token_command, CommandFixture)

BOOST_AUTO_TEST_CASE(stored_token_comes_with_its_line_and_is_another_each_time) {
    const std::string text = made({.site = "s9", .tenant = "t9"});
    const size_t end = text.find('\n');
    const std::string token = text.substr(0, end);
    BOOST_TEST(token.size() == 43);
    BOOST_TEST(text.substr(end + 1) == "s9 t9 " + sha256_hex(token) + "\n");
    BOOST_TEST(made({.site = "s9", .tenant = "t9"}) != text);
}

BOOST_AUTO_TEST_CASE(signed_token_is_good_with_the_key_it_was_made_with) {
    set_up_keys();
    for (const char* key : {"", "k1", "k2"}) {
        std::string token = made({.site = "s9", .tenant = "t9", .expires = "30d", .key_id = key});
        BOOST_TEST(token.ends_with('\n'));
        token.pop_back();
        const auto report = show_token(settings, token, clock);
        BOOST_TEST(report->accepted);
        BOOST_TEST(report->text ==
                   "kind      HS256\nkey       " + std::string(*key != '\0' ? key : "k1") +
                       "\nid        " + id +
                       "\nsite      s9\ntenant    t9\nexpires   2026-10-21 14:13:20 UTC\n"
                       "verifies  yes\n");
    }
    BOOST_TEST(made({.site = "s9", .stored = true}).find("\ns9 ") == 43);
}

BOOST_AUTO_TEST_CASE(signed_token_names_the_issuer_and_the_tenant_as_the_settings_ask) {
    set_up_keys();
    settings.auth.jwt_issuer = "https://id.example";
    settings.auth.jwt_tenant_claim = "org";
    std::string token = made({.site = "s9", .tenant = "t9"});
    token.pop_back();
    BOOST_TEST(shown(token) == "kind      HS256\nkey       k1\nid        " + id +
                                   "\nsite      s9\ntenant    t9\nverifies  yes\n");
    settings.auth.jwt_tenant_claim = "";
    BOOST_TEST(made({.site = "s9", .tenant = "t9"}).starts_with("error: "));
    BOOST_TEST(!made({.site = "s9"}).starts_with("error: "));
}

BOOST_AUTO_TEST_CASE(request_that_cannot_be_met_is_refused_with_a_reason) {
    for (const auto& request :
         {TokenRequest{.site = ""}, TokenRequest{.site = "a b"},
          TokenRequest{.site = "s", .tenant = "a b"}, TokenRequest{.site = "s", .expires = "1d"},
          TokenRequest{.site = "s", .key_id = "k1"}})
        BOOST_TEST(made(request).starts_with("error: "), made(request));
    set_up_keys();
    for (const auto& request :
         {TokenRequest{.site = "a*"}, TokenRequest{.site = "s", .expires = "1"},
          TokenRequest{.site = "s", .expires = "0s"}, TokenRequest{.site = "s", .key_id = "k3"}})
        BOOST_TEST(made(request).starts_with("error: "), made(request));
    BOOST_TEST(!new_key("a b").has_value());
}

BOOST_AUTO_TEST_CASE(stored_token_is_shown_with_its_line) {
    BOOST_TEST(shown("token-1") == "kind      stored, " + settings.auth.tokens_file +
                                       ":1\nsite      s1\ntenant    acme\nverifies  yes\n");
    BOOST_TEST(shown("shared") == "kind      stored, " + settings.auth.tokens_file +
                                      ":2\nsite      gw/*\nverifies  yes\n");
}

BOOST_AUTO_TEST_CASE(token_that_is_not_good_is_shown_with_the_reason) {
    set_up_keys();
    BOOST_TEST(
        shown("nothing") ==
        "kind      unknown: not a JSON Web Token, and not in auth.tokens_file\nverifies  no: The "
        "token is unknown, revoked, wrongly signed or too long, or the token or client certificate "
        "is not valid for this daemon or this site.\n");
    std::string token = made({.site = "s9", .expires = "1s"});
    token.pop_back();
    clock.pass(std::chrono::seconds(7));
    BOOST_TEST(
        shown(token).ends_with("verifies  no: The token has expired, or is not valid yet. Issue a "
                               "new one with `rollcalld token new`.\n"));
    token[token.size() - 5] = token[token.size() - 5] == 'A' ? 'B' : 'A';
    BOOST_TEST(shown(token).ends_with(
        "verifies  no: The token is unknown, revoked, wrongly signed or too long, or the token or "
        "client certificate is not valid for this daemon or this site.\n"));
    BOOST_TEST(!show_token(settings, token, clock)->accepted);
}

BOOST_AUTO_TEST_CASE(broken_file_is_named) {
    std::ofstream(settings.auth.tokens_file) << "x\n";
    BOOST_TEST(describe(show_token(settings, "token-1", clock).error())
                   .starts_with(settings.auth.tokens_file + ":1: "));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
