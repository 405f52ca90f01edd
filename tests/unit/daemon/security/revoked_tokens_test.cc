#include "daemon/security/revoked_tokens.h"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/temporary_directory.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(security_revoked_tokens)

BOOST_AUTO_TEST_CASE(ids_of_the_file_are_revoked_and_no_others) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "revoked";
    std::ofstream(path) << "# id\nb2 stolen in May\n\na1\n";
    const auto tokens = RevokedTokens::read(path, 2);
    BOOST_REQUIRE(tokens.has_value());
    BOOST_TEST(tokens->contains("a1"));
    BOOST_TEST(tokens->contains("b2"));
    for (const char* other : {"", "a", "a11", "stolen", "#"}) BOOST_TEST(!tokens->contains(other));
    BOOST_TEST(!RevokedTokens().contains("a1"));
    BOOST_TEST(describe(RevokedTokens::read(path, 1).error()).find(":4") != std::string::npos);
    BOOST_TEST(
        (RevokedTokens::read(directory.path() / "none", 1).error().code == Code::unreadable_file));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
