#include "sinks/sql/ddl.h"

#include <boost/test/unit_test.hpp>
#include <iterator>
#include <vector>

using namespace rollcall;

namespace {

// Returns the columns of a later version, which has one more.
std::vector<ColumnInfo> grown() {
    std::vector<ColumnInfo> columns(std::begin(columns_table), std::end(columns_table));
    columns.push_back({"fan_rpm", Kind::integer, Value::count, 0, 100'000, 3, 500, "fanspeed",
                       "Fan, turns a minute."});
    return columns;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

PipelineSource source() {
    PipelineSource from;
    from.brokers = {"kafka-1:9092", "kafka-2:9092"};
    from.topic = "site_checkins.v1";
    from.message_size_max = 256_KiB;
    return from;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sql_ddl)

BOOST_AUTO_TEST_CASE(unique_key_of_a_singlestore_table_holds_its_shard_key) {
    const std::string table = create_tables(SqlDialect::singlestore)[0];
    BOOST_TEST(contains(table, "SHARD KEY (site_id)"));
    BOOST_TEST(contains(table, "UNIQUE KEY site_checkins_once (site_id, id) USING HASH"));
}

BOOST_AUTO_TEST_CASE(new_column_is_added_by_alter_and_begins_a_topic_and_a_pipeline) {
    const auto columns = grown();
    BOOST_TEST(add_column(SqlDialect::singlestore, columns.back()) ==
               "ALTER TABLE site_checkins ADD COLUMN `fan_rpm` BIGINT NULL");
    BOOST_TEST(add_column(SqlDialect::sqlite, columns.back()) ==
               "ALTER TABLE site_checkins ADD COLUMN fan_rpm INTEGER");
    BOOST_TEST(topic_name("") == "site_checkins.v2");
    BOOST_TEST(topic_name("", columns) == "site_checkins.v3");
    BOOST_TEST(pipeline_name(topic_name("", columns)) == "site_checkins_v3");
    BOOST_TEST(pipeline_name("fleet-a.b_c") == "fleet-a_b_c");
    BOOST_TEST(contains(load_clauses(columns), ", `extra`, `tenant`, `fan_rpm`)"));
}

BOOST_AUTO_TEST_CASE(topic_that_is_set_is_taken_as_it_is) {
    BOOST_TEST(topic_name("fleet") == "fleet");
    BOOST_TEST(topic_name("fleet", grown()) == "fleet");
}

BOOST_AUTO_TEST_CASE(pipeline_stops_at_what_it_cannot_load_and_skips_only_what_is_there) {
    const std::string create = create_pipeline(source())[0];
    BOOST_TEST(contains(create, "KAFKA 'kafka-1:9092,kafka-2:9092/site_checkins.v1'"));
    BOOST_TEST(contains(create, "\nSKIP DUPLICATE KEY ERRORS\nSTOP_ON_ERROR ON\n"));
    BOOST_TEST(contains(create, R"("isolation.level":"read_committed")"));
    BOOST_TEST(!contains(create, "CREDENTIALS"));
    BOOST_TEST(!contains(create, "IGNORE"));
}

BOOST_AUTO_TEST_CASE(batch_of_a_pipeline_is_bounded_in_bytes_if_a_message_holds_many_rows) {
    auto from = source();
    BOOST_TEST(!contains(create_pipeline(from)[0], "MAX_OFFSETS_PER_BATCH_PARTITION"));
    from.rows_per_message = 100;
    BOOST_TEST(contains(create_pipeline(from)[0], "\nMAX_OFFSETS_PER_BATCH_PARTITION 2048\n"));
}

BOOST_AUTO_TEST_CASE(pipeline_begins_at_the_earliest_message_before_it_starts) {
    const auto statements = create_pipeline(source());
    BOOST_TEST_REQUIRE(statements.size() == 3);
    BOOST_TEST(statements[1] == "ALTER PIPELINE `site_checkins_v1` SET OFFSETS EARLIEST");
    BOOST_TEST(statements[2] == "START PIPELINE `site_checkins_v1`");
}

BOOST_AUTO_TEST_CASE(secret_stands_in_the_credentials) {
    auto from = source();
    from.credentials["sasl.password"] = R"(a"b\c'd)";
    // The text is escaped for JSON, then for SQL.
    BOOST_TEST(
        contains(create_pipeline(from)[0], R"(CREDENTIALS '{"sasl.password":"a\\"b\\\\c''d"}')"));
}

BOOST_AUTO_TEST_CASE(statements_that_lack_a_secret_are_shown_as_comments) {
    BOOST_TEST(as_text({"USE x", "SELECT\n1"}) == "USE x;\nSELECT\n1;\n");
    BOOST_TEST(as_text({"CREATE USER u\nIDENTIFIED BY '***'", "GRANT ALL TO u"}) ==
               "-- Put the password in the place of ***, and take these dashes away:\n"
               "-- CREATE USER u\n"
               "-- IDENTIFIED BY '***';\n"
               "-- GRANT ALL TO u;\n");
}

BOOST_AUTO_TEST_CASE(names_and_texts_cannot_end_their_quotes) {
    BOOST_TEST(string_literal("it's") == "'it''s'");
    BOOST_TEST(string_literal("a\\") == "'a\\\\'");
    BOOST_TEST(name_quoted("a`b") == "`a``b`");
}

BOOST_AUTO_TEST_SUITE_END()
