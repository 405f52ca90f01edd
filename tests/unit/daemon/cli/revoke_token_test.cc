#include "daemon/cli/revoke_token.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "daemon/security/json_web_token.h"
#include "daemon/security/revoked_tokens.h"
#include "tests/support/is_root.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct RevokeFixture {
    RevokeFixture() {
        settings.auth.revoked_file = directory.path() / "revoked";
        settings.auth.revoked_max = 3;
    }
    [[nodiscard]] std::string revoked(std::string_view id) const {
        const auto done = revoke_token(settings, id);
        return done ? *done : "error: " + describe(done.error());
    }
    [[nodiscard]] std::string contents() const {
        std::ostringstream text;
        text << std::ifstream(settings.auth.revoked_file).rdbuf();
        return text.str();
    }
    [[nodiscard]] struct stat status() const {
        struct stat found{};
        BOOST_TEST(stat(settings.auth.revoked_file.c_str(), &found) == 0);
        return found;
    }

    TemporaryDirectory directory;
    Settings settings;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cli_revoke_token, RevokeFixture)

BOOST_AUTO_TEST_CASE(id_becomes_a_line_of_the_file_once) {
    BOOST_TEST(revoked("a1").starts_with("a1 was added to " + settings.auth.revoked_file + "\n"));
    BOOST_TEST(revoked("b2").find("systemctl reload rollcalld") != std::string::npos);
    BOOST_TEST(contents() == "a1\nb2\n");
    BOOST_TEST(revoked("a1").starts_with("a1 is already in "));
    BOOST_TEST(contents() == "a1\nb2\n");
}

BOOST_AUTO_TEST_CASE(last_line_without_an_end_is_not_continued) {
    std::ofstream(settings.auth.revoked_file) << "# ids\na1";
    BOOST_TEST(!revoked("b2").starts_with("error"));
    BOOST_TEST(contents() == "# ids\na1\nb2\n");
}

BOOST_AUTO_TEST_CASE(new_file_can_be_read_by_its_group_and_an_old_one_keeps_its_mode) {
    const mode_t mask = umask(0077);
    (void)revoked("a1");
    umask(mask);
    BOOST_TEST((status().st_mode & 07777) == 0640u);
    chmod(settings.auth.revoked_file.c_str(), 0600);
    (void)revoked("b2");
    BOOST_TEST((status().st_mode & 07777) == 0600u);
}

BOOST_AUTO_TEST_CASE(new_file_of_root_belongs_to_the_owner_of_the_keys_or_of_the_directory,
                     *boost::unit_test::precondition(is_root())) {
    BOOST_TEST(chown(directory.path().c_str(), 12345, 23456) == 0);
    (void)revoked("a1");
    BOOST_TEST((status().st_uid == 12345 && status().st_gid == 23456));
    std::filesystem::remove(settings.auth.revoked_file);
    settings.auth.signing_keys_file = directory.path() / "keys";
    std::ofstream(settings.auth.signing_keys_file) << "# none\n";
    BOOST_TEST(chown(settings.auth.signing_keys_file.c_str(), 0, 12345) == 0);
    (void)revoked("a1");
    BOOST_TEST((status().st_uid == 0 && status().st_gid == 12345));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_revoked_changes_nothing) {
    for (const std::string id : {"", "a b", "a\n", "#a", "\xff", "a\x7f"})
        BOOST_TEST(revoked(id).starts_with("error: "), id);
    const std::string token =
        sign_json_web_token("k1", "secret", {.site = "s1"}, ClaimRules{"", "", ""});
    BOOST_TEST(revoked(token).find("token show") != std::string::npos);
    BOOST_TEST(!std::filesystem::exists(settings.auth.revoked_file));
    settings.auth.revoked_file = "";
    BOOST_TEST(revoked("a1").starts_with("error: auth.revoked_file is not set"));
    settings.auth.revoked_file = directory.path() / "none" / "revoked";
    BOOST_TEST(revoked("a1").starts_with("error: " + settings.auth.revoked_file));
}

BOOST_AUTO_TEST_CASE(file_that_the_daemon_would_refuse_is_not_made) {
    for (const char* id : {"a1", "b2", "c3"}) BOOST_TEST(!revoked(id).starts_with("error"));
    BOOST_TEST(revoked("d4").find("auth.revoked_max") != std::string::npos);
    BOOST_TEST(!revoked("a1").starts_with("error"));
    BOOST_TEST(contents() == "a1\nb2\nc3\n");
    std::ofstream(settings.auth.revoked_file) << "a 1 2 3 4\n";
    BOOST_TEST(revoked("d4").starts_with("error: " + settings.auth.revoked_file + ":1: "));
    BOOST_TEST(contents() == "a 1 2 3 4\n");
}

BOOST_AUTO_TEST_CASE(commands_at_the_same_time_lose_no_id) {
    settings.auth.revoked_max = 1000;
    std::vector<std::thread> commands;
    for (int command = 0; command < 4; ++command)
        commands.emplace_back([this, command] {
            for (int number = 0; number < 25; ++number)
                (void)revoke_token(settings, std::to_string(command * 100 + number));
        });
    for (auto& command : commands) command.join();
    BOOST_TEST(RevokedTokens::read(settings.auth.revoked_file, 1000)->size() == 100);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
