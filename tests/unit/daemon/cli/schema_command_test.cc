// With SQLite; the servers are asked in integration/schema_mariadb_test.cc.
#include "daemon/cli/schema_command.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_directory.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(cli_schema_command)

BOOST_AUTO_TEST_CASE(apply_makes_the_database_and_diff_then_finds_nothing) {
    const TemporaryDirectory directory;
    const Settings settings;
    BOOST_TEST(!diff_schema(settings, SqlDialect::sqlite, directory.path(), {}).has_value());
    const auto applied = apply_schema(settings, SqlDialect::sqlite, directory.path(), {});
    BOOST_TEST_REQUIRE(applied.has_value());
    BOOST_TEST(applied->same);
    BOOST_TEST(std::filesystem::exists(directory.path() / "rollcall.db"));
    const auto after = diff_schema(settings, SqlDialect::sqlite, directory.path(), {});
    BOOST_TEST_REQUIRE(after.has_value());
    BOOST_TEST(after->same);
    BOOST_TEST(after->text == "Nothing differs.\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_reached_is_said_with_where_to_look) {
    Settings settings;
    settings.singlestore.host = "/nonexistent/socket";
    const auto socket = diff_schema(settings, SqlDialect::mariadb, "", {});
    BOOST_TEST(socket.error().find("/nonexistent/socket: ") == 0, socket.error());
    settings.singlestore.password_file = "/nonexistent/password";
    BOOST_TEST(diff_schema(settings, SqlDialect::mariadb, "", {}).error() ==
               "singlestore.password_file: /nonexistent/password: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
