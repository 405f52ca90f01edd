// Against SQLite, and against what a SingleStore is documented to answer. MariaDB is asked in
// integration/schema_mariadb_test.cc.
#include "sinks/live_schema.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "sinks/sqlite_sink.h"
#include "tests/support/temporary_directory.h"

using namespace rollcall;

namespace {

struct SqliteFile {
    TemporaryDirectory directory;
    Query query = sqlite_query(directory.path() / "checkins.db", true).value();

    [[nodiscard]] std::vector<Difference> differences(ColumnList columns = columns_table) const {
        return compare_tables(SqlDialect::sqlite, query, columns).value();
    }
};

std::vector<std::string> in_words(const std::vector<Difference>& differences) {
    std::vector<std::string> words;
    for (const auto& difference : differences) words.push_back(difference.what);
    return words;
}
using Words = std::vector<std::string>;

PipelineSource source() {
    PipelineSource from;
    from.brokers = {"kafka-1:9092"};
    from.topic = "site_checkins.v1";
    return from;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(live_schema, SqliteFile)

BOOST_AUTO_TEST_CASE(empty_database_lacks_both_tables_and_has_them_when_it_is_mended) {
    const auto found = differences();
    BOOST_TEST(in_words(found) ==
                   Words({"table site_checkins is missing", "table rollcall_position is missing"}),
               boost::test_tools::per_element());
    BOOST_TEST(mend(found, query).value().empty());
    BOOST_TEST(differences().empty());
}

BOOST_AUTO_TEST_CASE(column_that_is_new_in_this_version_is_added) {
    BOOST_TEST(mend(differences(), query).has_value());
    std::vector<ColumnInfo> columns(std::begin(columns_table), std::end(columns_table));
    columns.push_back({"fan_rpm", Kind::integer, Value::count, 0, 1, "", ""});
    const auto found = differences(columns);
    BOOST_TEST(in_words(found) == Words({"column fan_rpm of site_checkins is missing"}),
               boost::test_tools::per_element());
    BOOST_TEST(mend(found, query).value().empty());
    BOOST_TEST(differences(columns).empty());
    BOOST_TEST(differences().empty());  // An older daemon can go on.
}

BOOST_AUTO_TEST_CASE(column_of_another_type_is_left_for_a_person) {
    BOOST_TEST(query("CREATE TABLE site_checkins (id TEXT, site_id TEXT)").has_value());
    const auto found = differences();
    BOOST_TEST(found.front().what == "column id of site_checkins is text, not integer");
    const auto left = mend(found, query);
    BOOST_TEST(in_words(left.value()) ==
                   Words({"column id of site_checkins is text, not integer",
                          "site_checkins has no unique key over site_id and id: rows may come "
                          "twice"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(column_of_a_person_is_left_alone_unless_it_refuses_our_rows) {
    BOOST_TEST(mend(differences(), query).has_value());
    BOOST_TEST(query("ALTER TABLE site_checkins ADD COLUMN note TEXT").has_value());
    BOOST_TEST(differences().empty());
    BOOST_TEST(
        query("ALTER TABLE site_checkins ADD COLUMN must INTEGER NOT NULL DEFAULT 1").has_value());
    BOOST_TEST(in_words(differences()) ==
                   Words({"column must of site_checkins is not rollcall's and must be allowed to "
                          "be NULL"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(mending_ends_at_the_first_statement_that_fails) {
    const std::vector<Difference> bad{{"bad", {"CREATE NONSENSE"}},
                                      {"good", {"CREATE TABLE good (a)"}}};
    BOOST_TEST(!mend(bad, query).has_value());
    BOOST_TEST(!query("SELECT * FROM good").has_value());
}

BOOST_AUTO_TEST_CASE(types_of_a_singlestore_are_known_again) {
    std::string width;
    const Query fake = [&](const std::string& sql) -> std::expected<Rows, std::string> {
        Rows rows;
        if (sql.find("rollcall_position") != sql.npos)
            rows = {{"spool", "varchar(36)", "NO", "utf8mb4_bin"},
                    {"next_record", "bigint(20)", "NO", {}}};
        else if (sql.find("statistics") != sql.npos)
            rows = {{"site_checkins_once", "site_id"}, {"site_checkins_once", "id"}};
        else
            for (const auto& column : columns_table) {
                std::string type = column_type(SqlDialect::singlestore, column);
                const bool text = type.starts_with("VARCHAR");
                if (text) type = type.substr(0, type.find(' '));
                if (type == "BIGINT" || type == "TINYINT") type += width;
                rows.push_back({std::string(column.name), type, is_required(column) ? "NO" : "YES",
                                text ? std::optional<std::string>("utf8mb4_bin") : std::nullopt});
            }
        return rows;
    };
    for (const char* const shown : {"", "(20)"}) {
        width = shown;
        BOOST_TEST(in_words(compare_tables(SqlDialect::singlestore, fake).value()) == Words(),
                   boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(missing_pipeline_is_created_and_one_that_is_there_must_load_every_column) {
    std::string shown;
    const Query fake = [&](const std::string& sql) -> std::expected<Rows, std::string> {
        if (sql.starts_with("SHOW CREATE PIPELINE")) return Rows{{"site_checkins_v1", shown}};
        return shown.empty() ? Rows{} : Rows{{"site_checkins_v1"}};
    };
    const auto missing = compare_pipeline(source(), fake).value();
    BOOST_TEST_REQUIRE(missing.size() == 1);
    BOOST_TEST(missing[0].what == "pipeline site_checkins_v1 is missing");
    BOOST_TEST(missing[0].mend == create_pipeline(source()), boost::test_tools::per_element());

    shown = create_pipeline(source())[0];
    BOOST_TEST(compare_pipeline(source(), fake).value().empty());
    shown = shown.substr(0, shown.find(", `extra`"));
    const auto older = compare_pipeline(source(), fake).value();
    BOOST_TEST_REQUIRE(older.size() == 1);
    BOOST_TEST(older[0].mend.empty());
    BOOST_TEST(older[0].what.find("does not load column extra") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(many_differences_are_said_in_short) {
    BOOST_TEST(in_short({{"one", {}}}) == "one");
    BOOST_TEST(in_short({{"one", {}}, {"two", {}}, {"three", {}}}) ==
               "one, and 2 more differences");
}

BOOST_AUTO_TEST_SUITE_END()
