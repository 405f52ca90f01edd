// The statements that the schema commands and the direct sink send to SingleStore.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <ranges>

#include "daemon/cli/schema_command.h"
#include "sinks/singlestore/sink.h"
#include "tests/support/rows.h"
#include "tests/support/singlestore_stand_in.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/why.h"

using namespace rollcall;

namespace {

constexpr auto singlestore_dialect = SqlDialect::singlestore;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// Returns what a server answers after `schema apply` has created the tables and a sink has stored a
// position.
Rows as_applied(const std::string& sql) {
    if (contains(sql, "FROM rollcall_position")) return {{"5", {}}};
    if (contains(sql, "statistics"))
        return contains(sql, "rollcall_position")
                   ? Rows{{"PRIMARY", "spool"}}
                   : Rows{{"site_checkins_once", "site_id"}, {"site_checkins_once", "id"}};
    if (contains(sql, "rollcall_position"))
        return {{"spool", "varchar(36)", "NO", "utf8mb4_bin"},
                {"next_record", "bigint", "NO", {}},
                {"run_id", "varchar(36)", "YES", "utf8mb4_bin"}};
    if (contains(sql, "SHOW CREATE TABLE"))
        return {{"site_checkins", create_tables(singlestore_dialect)[0]}};
    Rows rows;
    for (const auto& column : columns_table) {
        const std::string type = column_type(singlestore_dialect, column);
        rows.push_back({std::string(column.name), type.substr(0, type.find(' ')),
                        is_required(column) ? "NO" : "YES", "utf8mb4_bin"});
    }
    return rows;
}

// Returns the statements that change something.
std::vector<std::string> changes(const SinglestoreStandIn& server) {
    std::vector<std::string> all = server.statements();
    std::erase_if(all, [](const std::string& sql) {
        return sql.starts_with("SELECT") || sql.starts_with("SHOW");
    });
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

// A model of a server. Its answers reflect the objects that were created so far. It refuses
// statements that begin with `refuses`.
struct Growing {
    std::expected<Rows, SinglestoreStandIn::Refusal> operator()(const std::string& sql) {
        if (!refuses.empty() && sql.starts_with(refuses))
            return std::unexpected(SinglestoreStandIn::Refusal{1933, "Cannot get source metadata"});
        tables |= sql.starts_with("CREATE TABLE");
        pipeline = sql.starts_with("CREATE PIPELINE") ? sql : pipeline;
        started |= sql.starts_with("START PIPELINE");
        if (contains(sql, "pipelines_cursors")) return Rows{{loaded}};
        if (contains(sql, ".pipelines"))
            return pipeline.empty() ? Rows() : Rows{{started ? "Running" : "Stopped"}};
        if (sql.starts_with("SHOW CREATE PIPELINE")) return Rows{{"site_checkins_v2", pipeline}};
        return tables ? as_applied(sql) : Rows();
    }

    std::string refuses;
    std::string pipeline;
    std::string loaded = "0";  // Number of partitions that the pipeline has begun to load.
    bool tables = false;
    bool started = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(singlestore, Secrets)

BOOST_AUTO_TEST_CASE(diff_prints_the_pipeline_that_is_missing_without_its_password) {
    const SinglestoreStandIn server([](const std::string& sql) {
        return contains(sql, "pipelines") ? Rows() : as_applied(sql);
    });
    const auto report = diff_schema(settings_of(server), singlestore_dialect, "", {});
    BOOST_TEST_REQUIRE(report.has_value(), why(report));
    BOOST_TEST(contains(report->text,
                        "-- pipeline site_checkins_v2 is missing\n"
                        "-- Put the password in the place of ***, and take these "
                        "dashes away:\n"
                        "-- CREATE PIPELINE"),
               report->text);
    BOOST_TEST(contains(report->text, R"(CREDENTIALS '{"sasl.password":"***"}')"), report->text);
    BOOST_TEST(!contains(report->text, "secret"), report->text);
    BOOST_TEST(changes(server).empty());
}

BOOST_AUTO_TEST_CASE(apply_makes_database_tables_user_and_pipeline_in_this_order) {
    const SinglestoreStandIn server;
    const auto report =
        apply_schema(settings_of(server), singlestore_dialect, "", {"admin", path("database")});
    BOOST_TEST_REQUIRE(report.has_value(), why(report));
    BOOST_TEST(!contains(report->text, "secret"), report->text);
    const auto made = changes(server);
    const std::vector<std::string> beginnings = {"CREATE DATABASE IF NOT EXISTS `rollcall`",
                                                 "USE `rollcall`",
                                                 "CREATE TABLE IF NOT EXISTS site_checkins",
                                                 "CREATE ROWSTORE TABLE",
                                                 "CREATE USER IF NOT EXISTS 'rollcall'@'%'",
                                                 "GRANT SELECT, INSERT ON",
                                                 "GRANT SELECT, INSERT, UPDATE ON",
                                                 "GRANT SHOW PIPELINE ON",
                                                 "CREATE PIPELINE IF NOT EXISTS `site_checkins_v2`",
                                                 "ALTER PIPELINE `site_checkins_v2` SET OFFSETS",
                                                 "START PIPELINE `site_checkins_v2`"};
    BOOST_TEST_REQUIRE(made.size() == beginnings.size());
    for (size_t i = 0; i < made.size(); ++i)
        BOOST_TEST(made[i].starts_with(beginnings[i]), made[i]);
    BOOST_TEST(contains(made[4], "IDENTIFIED BY 'database secret'"), made[4]);
    BOOST_TEST(contains(made[8], R"({"sasl.password":"kafka secret"})"), made[8]);
}

BOOST_AUTO_TEST_CASE(pipeline_that_cannot_be_created_yet_is_created_by_the_next_apply) {
    Growing state;
    const SinglestoreStandIn server([&](const std::string& sql) { return state(sql); });
    const Settings settings = settings_of(server);
    const auto apply = [&] {
        const auto report =
            apply_schema(settings, singlestore_dialect, "", {"admin", path("database")});
        BOOST_TEST_REQUIRE(report.has_value(), why(report));
        return *report;
    };
    state.refuses = "CREATE PIPELINE";
    const auto first = apply();
    BOOST_TEST(!first.same);
    BOOST_TEST(contains(first.text, "fixed: table site_checkins is missing\n"), first.text);
    BOOST_TEST(contains(first.text, "-- failed: pipeline site_checkins_v2 is missing: 127.0.0.1:"),
               first.text);
    BOOST_TEST(contains(first.text, "create the topics first"), first.text);
    BOOST_TEST(changes(server).size() == 9);  // Includes the user and its rights.

    // After one of these statements has failed, the next `schema apply` must complete the rest.
    for (const char* const step : {"ALTER PIPELINE", "START PIPELINE"}) {
        state.refuses = step;
        BOOST_TEST(!apply().same, step);
    }
    state.refuses.clear();
    BOOST_TEST(apply().text == "fixed: pipeline site_checkins_v2 was never started\n");
    BOOST_TEST(state.started);
    BOOST_TEST(apply().text == "Nothing differs.\n");
}

BOOST_AUTO_TEST_CASE(failed_apply_lists_what_it_has_created) {
    Growing state;
    state.refuses = "CREATE ROWSTORE TABLE";
    const SinglestoreStandIn server([&](const std::string& sql) { return state(sql); });
    const auto report = apply_schema(settings_of(server), singlestore_dialect, "", {});
    BOOST_TEST(!report->same);
    BOOST_TEST(report->text.starts_with("fixed: table site_checkins is missing\n"
                                        "-- failed: table rollcall_position is missing: "),
               report->text);
}

BOOST_AUTO_TEST_CASE(stopped_pipeline_stays_stopped_at_its_position) {
    Growing state;
    const SinglestoreStandIn server([&](const std::string& sql) { return state(sql); });
    BOOST_TEST(apply_schema(settings_of(server), singlestore_dialect, "", {})->same);
    state.started = false;
    state.loaded = "3";
    BOOST_TEST(apply_schema(settings_of(server), singlestore_dialect, "", {})->text ==
               "Nothing differs.\n");
    BOOST_TEST(!state.started);
}

BOOST_AUTO_TEST_CASE(pipeline_with_another_topic_is_reported_and_not_changed) {
    Growing state;
    const SinglestoreStandIn server([&](const std::string& sql) { return state(sql); });
    Settings settings = settings_of(server);
    settings.kafka.topic = "site_checkins_v2";
    BOOST_TEST(apply_schema(settings, singlestore_dialect, "", {})->same);
    settings.kafka.topic = "site_checkins.v2";
    const auto report = apply_schema(settings, singlestore_dialect, "", {});
    BOOST_TEST(report->text ==
               "-- pipeline site_checkins_v2 is made without LOAD DATA KAFKA "
               "'127.0.0.1:9092/site_checkins.v2': to be changed by hand\n");
}

BOOST_AUTO_TEST_CASE(pipeline_uses_its_own_user_if_one_is_configured) {
    Growing state;
    const SinglestoreStandIn server([&](const std::string& sql) { return state(sql); });
    Settings settings = settings_of(server);
    settings.singlestore.pipeline_user = "loader";
    settings.singlestore.pipeline_password_file = path("database");
    BOOST_TEST(apply_schema(settings, singlestore_dialect, "", {})->same);
    BOOST_TEST(contains(state.pipeline, R"("sasl.username":"loader")"), state.pipeline);
    BOOST_TEST(contains(state.pipeline, R"({"sasl.password":"database secret"})"), state.pipeline);
    settings.singlestore.pipeline_password_file = "/nonexistent";
    BOOST_TEST(why(apply_schema(settings, singlestore_dialect, "", {})) ==
               "singlestore.pipeline_password_file: /nonexistent: No such file or directory");
}

BOOST_AUTO_TEST_CASE(existing_user_with_another_password_is_reported) {
    const SinglestoreStandIn server(
        [](const std::string& sql) -> std::expected<Rows, SinglestoreStandIn::Refusal> {
            if (sql == "LOGIN rollcall")
                return std::unexpected(SinglestoreStandIn::Refusal{1045, "Access denied"});
            return Rows();
        });
    const auto report =
        apply_schema(settings_of(server), singlestore_dialect, "", {"admin", path("database")});
    BOOST_TEST(!report->same);
    BOOST_TEST(contains(report->text, "-- the user rollcall cannot log in"), report->text);
    BOOST_TEST(contains(report->text, "fixed: pipeline site_checkins_v2 is missing"));
}

BOOST_AUTO_TEST_CASE(rows_follow_the_position_in_one_transaction) {
    const SinglestoreStandIn server(as_applied);
    const Settings settings = settings_of(server);
    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open({})) == "");
    Columns rows = one_row("S", 7);
    rows.assign_integer(0, Column::id, 42);
    BOOST_TEST_REQUIRE(why(sink.write({rows, 5, 6})) == "");
    const auto made = changes(server);
    BOOST_TEST_REQUIRE(made.size() == 4);
    BOOST_TEST(made[0] == "BEGIN");
    BOOST_TEST(made[1] ==
               "UPDATE rollcall_position SET next_record = 6, run_id = "
               "'00000000-0000-0000-0000-000000000000' WHERE spool = "
               "'00000000-0000-0000-0000-000000000000' AND next_record = 5 AND "
               "COALESCE(run_id, spool) = '00000000-0000-0000-0000-000000000000'");
    BOOST_TEST(made[2].starts_with("LOAD DATA LOCAL INFILE 'rows.tsv' SKIP DUPLICATE KEY ERRORS "
                                   "INTO TABLE site_checkins\nFIELDS TERMINATED BY"),
               made[2]);
    BOOST_TEST(made[3] == "COMMIT");
    BOOST_TEST(server.loaded().starts_with("42\tS\t"), server.loaded());
    BOOST_TEST(server.loaded().ends_with('\n'));
}

BOOST_AUTO_TEST_SUITE_END()
