#include "daemon/security/stored_tokens.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/random.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct TokensFixture {
    Result<StoredTokens> read(std::string_view text, size_t tokens_max = 100'000) {
        std::ofstream(path) << text;
        return StoredTokens::read(path, tokens_max);
    }
    std::string problem(std::string_view text) {
        const auto tokens = read(text);
        return tokens ? "" : describe(tokens.error()).substr(path.size());
    }

    TemporaryDirectory directory;
    std::string path = directory.path() / "tokens";
    std::string one = to_hex(sha256("one"));
    std::string two = to_hex(sha256("two"));
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(security_stored_tokens, TokensFixture)

BOOST_AUTO_TEST_CASE(token_is_found_with_its_site_and_tenant_and_no_other_is) {
    const auto tokens = read("# mine\ns1 acme " + one + "\n\ns2\t" + two + "\r\n");
    const auto found = tokens->find(sha256("one"));
    BOOST_TEST((found && found->site == "s1" && found->tenant == "acme" && found->line == 2));
    const auto other = tokens->find(sha256("two"));
    BOOST_TEST((other && other->site == "s2" && other->tenant == "" && other->line == 4));
    BOOST_TEST(!tokens->find(sha256("three")).has_value());
    BOOST_TEST(!tokens->find(Digest{}).has_value());
}

BOOST_AUTO_TEST_CASE(token_is_found_again_by_its_short_digest) {
    const auto tokens = read("s1 " + one + "\n");
    BOOST_TEST(tokens->find(shortened(sha256("one")))->site == "s1");
    BOOST_TEST(!tokens->find(shortened(sha256("two"))).has_value());
}

BOOST_AUTO_TEST_CASE(empty_list_finds_nothing) {
    BOOST_TEST(!StoredTokens().find(sha256("one")).has_value());
    BOOST_TEST(!StoredTokens().find(ShortDigest{0}).has_value());
    BOOST_TEST(!StoredTokens().find(ShortDigest{UINT64_MAX}).has_value());
    BOOST_TEST(read("")->size() == 0);
}

BOOST_AUTO_TEST_CASE(each_of_many_tokens_is_found_and_no_other_token_is) {
    Random random("stored_tokens");
    const size_t count = 1 + random.below(5000);
    std::string text;
    for (size_t n = 0; n < count; ++n)
        text += fmt::format("site-{} {}\n", n, to_hex(sha256(fmt::format("token-{}", n))));
    const auto tokens = read(text);
    BOOST_TEST_REQUIRE(tokens.has_value());
    for (size_t n = 0; n < count; ++n) {
        const auto found = tokens->find(sha256(fmt::format("token-{}", n)));
        BOOST_TEST_REQUIRE((found && found->site == fmt::format("site-{}", n)));
        BOOST_TEST_REQUIRE(!tokens->find(sha256(fmt::format("other-{}", n))).has_value());
    }
}

BOOST_AUTO_TEST_CASE(digests_at_both_ends_are_found) {
    const std::string zeros(64, '0');
    const std::string ones(64, 'F');
    const auto tokens = read("low " + zeros + "\nhigh " + ones + "\n");
    Digest high;
    high.fill(0xFF);
    BOOST_TEST(tokens->find(Digest{})->site == "low");
    BOOST_TEST(tokens->find(high)->site == "high");
}

BOOST_AUTO_TEST_CASE(wrong_line_is_named_with_its_reason) {
    BOOST_TEST(problem("s1 " + one + "\ns2\n") ==
               ":2: the line must have the form: site [tenant] SHA-256");
    BOOST_TEST(problem("s a b " + one) == ":1: the line must have the form: site [tenant] SHA-256");
    for (const std::string& wrong :
         {one.substr(1), one + "0", "g" + one.substr(1), std::string("x")})
        BOOST_TEST(problem("s " + wrong) ==
                   ":1: does not end in a SHA-256, which has 64 hex digits");
    BOOST_TEST(problem(std::string(129, 's') + " " + one).starts_with(":1: the site"));
    BOOST_TEST(problem("s\xff " + one).starts_with(":1: the site"));
    BOOST_TEST(problem("s \x01 " + one).starts_with(":1: the tenant"));
    BOOST_TEST(problem("s " + one + "\n# x\nt " + two + "\nu " + one) ==
               ":4: repeats the token of line 1");
}

BOOST_AUTO_TEST_CASE(more_than_the_limit_is_refused) {
    const std::string text = "a " + one + "\nb " + two + "\n";
    BOOST_TEST(read(text, 2).has_value());
    BOOST_TEST(describe(read(text, 1).error()) ==
               path + ":2: the file has more lines than auth.tokens_max");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
