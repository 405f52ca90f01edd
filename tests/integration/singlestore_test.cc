// What goes to a SingleStore: by the schema commands and by the direct sink.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <ranges>

#include "sinks/schema_command.h"
#include "sinks/singlestore_sink.h"
#include "tests/support/rows.h"
#include "tests/support/singlestore_stand_in.h"
#include "tests/support/temporary_directory.h"

using namespace rollcall;

namespace {

constexpr auto singlestore_dialect = SqlDialect::singlestore;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// The tables as `schema apply` makes them, with a position.
Rows as_applied(const std::string& sql) {
    if (contains(sql, "FROM rollcall_position")) return {{"5"}};
    if (contains(sql, "rollcall_position"))
        return {{"spool", "varchar(36)", "NO", "utf8mb4_bin"}, {"next_record", "bigint", "NO", {}}};
    if (contains(sql, "statistics"))
        return {{"site_checkins_once", "site_id"}, {"site_checkins_once", "id"}};
    Rows rows;
    for (const auto& column : columns_table) {
        const std::string type = column_type(singlestore_dialect, column);
        rows.push_back({std::string(column.name), type.substr(0, type.find(' ')),
                        is_required(column) ? "NO" : "YES", "utf8mb4_bin"});
    }
    return rows;
}

// Statements that change something.
std::vector<std::string> changes(const SinglestoreStandIn& server) {
    std::vector<std::string> all = server.statements();
    std::erase_if(all, [](const std::string& sql) { return sql.starts_with("SELECT"); });
    return all;
}

struct Secrets {
    Secrets() {
        std::ofstream(path("database")) << "database secret\n";
        std::ofstream(path("kafka")) << "kafka secret\n";
    }
    [[nodiscard]] std::string path(const char* name) const { return directory.path() / name; }
    [[nodiscard]] Settings settings_of(const SinglestoreStandIn& server) const {
        Settings settings = server.settings();
        settings.singlestore.password_file = path("database");
        settings.kafka.sasl_mechanism = "SCRAM-SHA-512";
        settings.kafka.user = "reader";
        settings.kafka.password_file = path("kafka");
        return settings;
    }

    TemporaryDirectory directory;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(singlestore, Secrets)

BOOST_AUTO_TEST_CASE(diff_prints_the_pipeline_that_is_missing_without_its_password) {
    const SinglestoreStandIn server([](const std::string& sql) {
        return contains(sql, "pipelines") ? Rows() : as_applied(sql);
    });
    const auto report = diff_schema(settings_of(server), singlestore_dialect, "", {});
    BOOST_TEST_REQUIRE(report.has_value(), report.error());
    BOOST_TEST(contains(report->text, "-- pipeline site_checkins_v1 is missing\nCREATE PIPELINE"),
               report->text);
    BOOST_TEST(contains(report->text, R"(CREDENTIALS '{"sasl.password":"***"}')"), report->text);
    BOOST_TEST(!contains(report->text, "secret"), report->text);
    BOOST_TEST(changes(server).empty());
}

BOOST_AUTO_TEST_CASE(apply_makes_database_tables_pipeline_and_user_in_this_order) {
    const SinglestoreStandIn server;
    const auto report =
        apply_schema(settings_of(server), singlestore_dialect, "", {"admin", path("database")});
    BOOST_TEST_REQUIRE(report.has_value(), report.error());
    BOOST_TEST(!contains(report->text, "secret"), report->text);
    const auto made = changes(server);
    const std::vector<std::string> beginnings = {"CREATE DATABASE IF NOT EXISTS `rollcall`",
                                                 "USE `rollcall`",
                                                 "CREATE TABLE IF NOT EXISTS site_checkins",
                                                 "CREATE ROWSTORE TABLE",
                                                 "CREATE PIPELINE IF NOT EXISTS site_checkins_v1",
                                                 "ALTER PIPELINE site_checkins_v1 SET OFFSETS",
                                                 "START PIPELINE site_checkins_v1",
                                                 "CREATE USER IF NOT EXISTS 'rollcall'@'%'",
                                                 "GRANT SELECT, INSERT ON",
                                                 "GRANT SELECT, INSERT, UPDATE ON",
                                                 "GRANT SHOW PIPELINE ON"};
    BOOST_TEST_REQUIRE(made.size() == beginnings.size());
    for (size_t i = 0; i < made.size(); ++i)
        BOOST_TEST(made[i].starts_with(beginnings[i]), made[i]);
    BOOST_TEST(contains(made[4], R"({"sasl.password":"kafka secret"})"), made[4]);
    BOOST_TEST(contains(made[7], "IDENTIFIED BY 'database secret'"), made[7]);
}

BOOST_AUTO_TEST_CASE(rows_go_in_one_transaction_behind_the_position) {
    const SinglestoreStandIn server(as_applied);
    const Settings settings = settings_of(server);
    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(sink.open({}).has_value(), sink.trouble());
    Columns rows = one_row("S", 7);
    rows.assign_integer(0, Column::id, 42);
    BOOST_TEST_REQUIRE(sink.write({rows, 5, 6}).has_value(), sink.trouble());
    const auto made = changes(server);
    BOOST_TEST_REQUIRE(made.size() == 4);
    BOOST_TEST(made[0] == "BEGIN");
    BOOST_TEST(made[1] ==
               "UPDATE rollcall_position SET next_record = 6 WHERE spool = "
               "'00000000-0000-0000-0000-000000000000' AND next_record = 5");
    BOOST_TEST(made[2].starts_with("LOAD DATA LOCAL INFILE 'rows.tsv' SKIP DUPLICATE KEY ERRORS "
                                   "INTO TABLE site_checkins\nFIELDS TERMINATED BY"),
               made[2]);
    BOOST_TEST(made[3] == "COMMIT");
    BOOST_TEST(server.loaded().starts_with("42\tS\t"), server.loaded());
    BOOST_TEST(server.loaded().ends_with('\n'));
}

BOOST_AUTO_TEST_SUITE_END()
