// The schema command with SQLite; integration/schema_mariadb_test.cc runs it against servers.
//
// The files in tests/schema contain the expected output of `rollcalld schema show --dialect NAME`.
#include "daemon/cli/schema_command.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/is_root.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/why.h"

using namespace rollcall;

namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Returns settings for brokers that require a login and a client certificate, with many rows in
// each message.
Settings secured() {
    Settings settings;
    settings.kafka.brokers = {"kafka-1:9093", "kafka-2:9093"};
    settings.kafka.tls = true;
    settings.kafka.tls_ca = "/etc/rollcall/kafka-ca.pem";
    settings.kafka.tls_certificate = "/etc/rollcall/kafka.pem";
    settings.kafka.tls_key = "/etc/rollcall/kafka.key";
    settings.kafka.sasl_mechanism = "SCRAM-SHA-512";
    settings.kafka.user = "rollcall";
    settings.kafka.rows_per_message = 100;
    settings.singlestore.pipeline_user = "loader";
    return settings;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cli_schema_command)

BOOST_AUTO_TEST_CASE(schema_of_each_dialect_is_what_its_file_in_the_tree_says) {
    for (size_t i = 0; i < std::size(dialect_names); ++i) {
        const std::string name(dialect_names[i]);
        std::ifstream file(ROLLCALL_SOURCE_DIR "/tests/schema/" + name + ".sql");
        const std::string shipped{std::istreambuf_iterator<char>(file), {}};
        BOOST_TEST((show_schema(Settings(), static_cast<SqlDialect>(i)) == shipped),
                   "rollcalld schema show --dialect " << name << " > tests/schema/" << name
                                                      << ".sql writes it anew");
    }
}

BOOST_AUTO_TEST_CASE(schema_for_brokers_that_ask_who_it_is_is_what_its_file_in_the_tree_says) {
    const std::string path = ROLLCALL_SOURCE_DIR "/tests/schema/singlestore_secured.sql";
    std::ifstream file(path);
    const std::string shipped{std::istreambuf_iterator<char>(file), {}};
    const std::string shown = show_schema(secured(), SqlDialect::singlestore);
    if (shown != shipped) std::ofstream("singlestore_secured.sql") << shown;
    BOOST_TEST((shown == shipped),
               "singlestore_secured.sql, written here, is to be read and then "
               "put into tests/schema");
}

BOOST_AUTO_TEST_CASE(password_of_a_pipeline_is_not_shown) {
    Settings settings;
    settings.kafka.sasl_mechanism = "SCRAM-SHA-512";
    settings.kafka.user = "loader";
    settings.kafka.tls = true;
    const std::string shown = show_schema(settings, SqlDialect::singlestore);
    BOOST_TEST(contains(shown, R"(CREDENTIALS '{"sasl.password":"***"}')"));
    BOOST_TEST(contains(shown, R"("security.protocol":"SASL_SSL")"));
    BOOST_TEST(contains(shown, R"("sasl.username":"loader")"));
}

BOOST_AUTO_TEST_CASE(apply_makes_the_database_for_the_owner_of_its_folder_or_is_refused,
                     *boost::unit_test::precondition(is_root())) {
    const TemporaryDirectory directory;
    const Settings settings;
    const auto apply = [&] {
        return apply_schema(settings, SqlDialect::sqlite, directory.path(), {});
    };
    std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
    BOOST_TEST_REQUIRE(seteuid(12345) == 0);
    const auto refused = apply();
    BOOST_TEST_REQUIRE(seteuid(0) == 0);
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::not_owner));
    BOOST_TEST_REQUIRE(chown(directory.path().c_str(), 12345, 12345) == 0);
    BOOST_TEST(apply().has_value());
    struct stat status{};
    BOOST_TEST_REQUIRE(stat((directory.path() / "rollcall.db").c_str(), &status) == 0);
    BOOST_TEST(status.st_uid == 12345);
}

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
    BOOST_TEST(why(socket).find("/nonexistent/socket: ") == 0, why(socket));
    settings.singlestore.password_file = "/nonexistent/password";
    BOOST_TEST(why(diff_schema(settings, SqlDialect::mariadb, "", {})) ==
               "singlestore.password_file: /nonexistent/password: No such file or directory");
}

BOOST_AUTO_TEST_SUITE_END()
