// The schema commands with a MariaDB server, and the rights that they give the daemon's user.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "daemon/cli/schema_command.h"
#include "sinks/singlestore/sink.h"
#include "sinks/sql/ddl.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/rows.h"
#include "tests/support/why.h"

using namespace rollcall;

namespace {

struct Fresh {
    Fresh() {
        server.ask("DROP DATABASE IF EXISTS rollcall", "");
        server.ask("DROP USER IF EXISTS 'rollcall'@'%'", "");
    }

    [[nodiscard]] SchemaReport diff() const {
        const auto report = diff_schema(settings, SqlDialect::mariadb, "", {});
        BOOST_TEST_REQUIRE(report.has_value(), why(report));
        return *report;
    }
    [[nodiscard]] SchemaReport apply(const Administrator& who = {}) const {
        const auto report = apply_schema(settings, SqlDialect::mariadb, "", who);
        BOOST_TEST_REQUIRE(report.has_value(), why(report));
        return *report;
    }

    MariadbServer& server = mariadb_server();
    Settings settings = server.settings();
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(schema_mariadb, Fresh)

BOOST_AUTO_TEST_CASE(apply_makes_database_and_tables_and_then_nothing_differs) {
    const auto nothing = diff_schema(settings, SqlDialect::mariadb, "", {});
    BOOST_TEST(contains(why(nothing), "Unknown database 'rollcall'; `rollcalld schema apply`"));
    BOOST_TEST(apply().text ==
               "fixed: table site_checkins is missing\n"
               "fixed: table rollcall_position is missing\n");
    BOOST_TEST(diff().same, diff().text);
    BOOST_TEST(apply().text == "Nothing differs.\n");
}

BOOST_AUTO_TEST_CASE(column_that_is_missing_is_shown_with_its_alter_and_added) {
    BOOST_TEST(apply().same);
    server.ask("ALTER TABLE site_checkins DROP COLUMN lte_sinr, DROP COLUMN warnings");
    const auto found = diff();
    BOOST_TEST(!found.same);
    BOOST_TEST(contains(found.text,
                        "-- column lte_sinr of site_checkins is missing\n"
                        "ALTER TABLE site_checkins ADD COLUMN `lte_sinr` DOUBLE NULL;\n"));
    BOOST_TEST(apply().same);
    BOOST_TEST(diff().same);
}

BOOST_AUTO_TEST_CASE(table_of_version_1_gets_the_column_of_version_2_and_keeps_its_rows) {
    server.make_database();
    std::vector<ColumnInfo> columns(std::begin(columns_table), std::end(columns_table));
    std::erase_if(columns, [](const ColumnInfo& column) { return column.since > 1; });
    for (const auto& statement : create_tables(SqlDialect::mariadb, columns)) server.ask(statement);
    server.ask("INSERT INTO site_checkins (id, site_id, received_at) VALUES (1, 'old', NOW())");
    BOOST_TEST(apply().text == "fixed: column tenant of site_checkins is missing\n");
    BOOST_TEST(diff().same);

    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open({})) == "");
    Columns rows(1, test_text_max);
    rows.set_integer(Column::id, 2);
    rows.set_text(Column::tenant, "acme");
    rows.set_integer(Column::first_sending, 1);
    add_row(rows, "new", 1);
    BOOST_TEST(why(sink.write({rows, 0, 1})) == "");
    BOOST_TEST(server.ask("SELECT site_id, tenant FROM site_checkins ORDER BY id") ==
               "old|NULL\nnew|acme");
}

BOOST_AUTO_TEST_CASE(differing_column_is_reported_and_not_changed) {
    BOOST_TEST(apply().same);
    server.ask(
        "ALTER TABLE site_checkins MODIFY model VARCHAR(8) COLLATE utf8mb4_general_ci,"
        " MODIFY seq INT, MODIFY lat DOUBLE NOT NULL, MODIFY reported_at DATETIME");
    const auto found = apply();
    BOOST_TEST(!found.same);
    for (const char* const line :
         {"column model of site_checkins is varchar(8) utf8mb4_general_ci, not varchar(64) "
          "utf8mb4_bin: to be changed by hand\n",
          "column seq of site_checkins is int, not bigint: to be changed by hand\n",
          "column lat of site_checkins must allow NULL: to be changed by hand\n",
          "column reported_at of site_checkins is datetime, not datetime(6): to be changed by "
          "hand\n"})
        BOOST_TEST(contains(found.text, line), found.text);
}

BOOST_AUTO_TEST_CASE(missing_unique_key_is_reported) {
    BOOST_TEST(apply().same);
    server.ask("ALTER TABLE site_checkins DROP PRIMARY KEY");
    BOOST_TEST(contains(diff().text, "no unique key over id and site_id"));
}

// LOAD DATA silently skips rows that violate a unique key.
BOOST_AUTO_TEST_CASE(unique_key_that_would_skip_our_rows_is_reported) {
    BOOST_TEST(apply().same);
    server.ask("ALTER TABLE site_checkins ADD UNIQUE KEY wider (site_id, seq, id)");
    BOOST_TEST(diff().same);
    server.ask("ALTER TABLE site_checkins ADD UNIQUE KEY narrow (site_id, seq)");
    BOOST_TEST(contains(diff().text,
                        "-- site_checkins has another unique key, narrow: rows that violate it"),
               diff().text);
}

BOOST_AUTO_TEST_CASE(table_without_transactions_is_reported) {
    BOOST_TEST(apply().same);
    server.ask("ALTER TABLE rollcall_position ENGINE = Aria");
    BOOST_TEST(
        diff().text ==
        "-- table rollcall_position uses the engine Aria, not InnoDB: to be changed by hand\n");
}

BOOST_AUTO_TEST_CASE(server_of_another_kind_is_reported) {
    server.make_database();
    const auto report = diff_schema(settings, SqlDialect::singlestore, "", {});
    BOOST_TEST(contains(why(report), "; use --dialect mariadb"), why(report));
}

BOOST_AUTO_TEST_CASE(created_user_has_only_the_rights_that_the_daemon_needs) {
    const TemporaryDirectory directory;
    const std::string password = directory.path() / "password";
    std::ofstream(password) << "it's a \\ secret\n";
    settings.singlestore.user = "rollcall";
    settings.singlestore.password_file = password;
    BOOST_TEST(apply({"root", ""}).same);
    BOOST_TEST(diff().same);  // Logs in as the daemon's user.

    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open({})) == "");
    Columns rows = one_row("S", 1);
    rows.assign_integer(0, Column::id, 1);
    BOOST_TEST(why(sink.write({rows, 0, 1})) == "");
    BOOST_TEST(server.ask("SELECT site_id, seq FROM site_checkins") == "S|1");

    auto daemon = Database::connect(database_options(settings).value());
    BOOST_TEST_REQUIRE(daemon.has_value());
    for (const char* const statement :
         {"SELECT * FROM site_checkins", "DELETE FROM site_checkins",
          "UPDATE site_checkins SET seq = 2", "DROP TABLE site_checkins",
          "DELETE FROM rollcall_position", "CREATE TABLE other (a INT)",
          "ALTER TABLE site_checkins ADD COLUMN b INT"})
        BOOST_TEST(!daemon->query(statement).has_value(), statement);
}

BOOST_AUTO_TEST_CASE(user_without_a_password_is_not_created) {
    settings.singlestore.user = "rollcall";
    const auto report = apply_schema(settings, SqlDialect::mariadb, "", {"root", ""});
    BOOST_TEST_REQUIRE(!report.has_value());
    BOOST_TEST(
        contains(why(report), "singlestore.password_file is not set; the user rollcall cannot be"),
        why(report));
    BOOST_TEST(server.ask("SELECT COUNT(*) FROM mysql.user WHERE user = 'rollcall'", "") == "0");
    BOOST_TEST(server.ask("SHOW DATABASES LIKE 'rollcall'", "") == "");
}

BOOST_AUTO_TEST_CASE(shown_schema_can_be_run_and_creates_no_user_with_a_known_password) {
    server.make_database();
    settings.singlestore.user = "rollcall";
    std::string shown = show_schema(settings, SqlDialect::mariadb);
    const auto run_shown = [&] {
        return run({"mariadb", "--no-defaults", "--socket=" + server.socket(), "rollcall"}, {},
                   shown);
    };
    const auto ran = run_shown();
    BOOST_TEST_REQUIRE(ran.status == 0, ran.errors);
    settings.singlestore.user = "root";
    BOOST_TEST(diff().same);
    const auto users = "SELECT COUNT(*) FROM mysql.user WHERE user = 'rollcall'";
    BOOST_TEST(server.ask(users) == "0");

    // Uncomment the statements for the user, as the printed hint says.
    for (size_t at = 0; (at = shown.find("\n-- ", at)) != shown.npos; ++at) {
        const bool statement =
            shown.compare(at + 4, 6, "CREATE") == 0 || shown.compare(at + 4, 5, "GRANT") == 0;
        if (statement) shown.erase(at + 1, 3);
    }
    shown.replace(shown.rfind("***"), 3, "better");
    BOOST_TEST(run_shown().status == 0);
    BOOST_TEST(server.ask(users) == "1");
}

BOOST_AUTO_TEST_CASE(existing_user_with_another_password_is_reported_and_keeps_it) {
    const TemporaryDirectory directory;
    const std::string password = directory.path() / "password";
    std::ofstream(password) << "right";
    settings.singlestore.user = "rollcall";
    settings.singlestore.password_file = password;
    server.ask("CREATE USER rollcall IDENTIFIED BY '***'", "");
    const auto told = apply({"root", ""});
    BOOST_TEST(!told.same);
    BOOST_TEST(contains(told.text, "-- the user rollcall cannot log in"), told.text);
    BOOST_TEST(contains(told.text, "Access denied for user 'rollcall'"), told.text);
    server.ask("ALTER USER rollcall IDENTIFIED BY 'right'", "");
    BOOST_TEST(apply({"root", ""}).same);
}

BOOST_AUTO_TEST_CASE(differing_position_table_is_reported) {
    BOOST_TEST(apply().same);
    server.ask("ALTER TABLE rollcall_position MODIFY next_record INT NOT NULL, DROP PRIMARY KEY");
    BOOST_TEST(diff().text ==
               "-- column next_record of rollcall_position is int, not bigint: to be changed by "
               "hand\n"
               "-- rollcall_position has no unique key over spool: rows may be stored twice: to be "
               "changed by hand\n");
}

BOOST_AUTO_TEST_SUITE_END()
