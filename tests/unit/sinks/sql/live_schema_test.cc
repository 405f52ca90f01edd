// The tests use SQLite, and responses from the documentation of SingleStore.
// integration/schema_mariadb_test.cc has the tests with MariaDB.
#include "sinks/sql/live_schema.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <vector>

#include "sinks/sqlite/sink.h"
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

// The pipeline in the form in which it was created, and as SHOW CREATE PIPELINE may print it.
struct ShownPipeline {
    [[nodiscard]] Words wrong() const {
        const Query fake = [this](const std::string& sql) -> Result<Rows> {
            if (sql.starts_with("SHOW CREATE PIPELINE")) return Rows{{"site_checkins_v1", text}};
            if (sql.starts_with("SELECT @@")) return Rows{{by_default}};
            return Rows{{"Running"}};
        };
        return in_words(compare_pipeline(made, fake).value());
    }
    void replace(const std::string& what, const std::string& by) {
        const size_t at = text.find(what);
        BOOST_TEST_REQUIRE(at != text.npos, what);
        text.replace(at, what.size(), by);
    }

    PipelineSource made = [] {
        PipelineSource from = source();
        from.rows_per_message = 100;
        from.message_size_max = 256_KiB;
        from.config["sasl.username"] = R"(a "quoted" \ name)";
        from.credentials["sasl.password"] = "secret";
        return from;
    }();
    std::string text = create_pipeline(made)[0];
    std::string by_default = "1";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sql_live_schema, SqliteFile)

BOOST_AUTO_TEST_CASE(empty_database_lacks_both_tables_and_has_them_when_it_is_fixed) {
    const auto found = differences();
    BOOST_TEST(in_words(found) ==
                   Words({"table site_checkins is missing", "table rollcall_position is missing"}),
               boost::test_tools::per_element());
    BOOST_TEST(apply_fixes(found, query).value().empty());
    BOOST_TEST(differences().empty());
}

BOOST_AUTO_TEST_CASE(column_that_is_new_in_this_version_is_added) {
    BOOST_TEST(apply_fixes(differences(), query).has_value());
    std::vector<ColumnInfo> columns(std::begin(columns_table), std::end(columns_table));
    columns.push_back({"fan_rpm", Kind::integer, Value::count, 0, 1, 3, 500, "", ""});
    const auto found = differences(columns);
    BOOST_TEST(in_words(found) == Words({"column fan_rpm of site_checkins is missing"}),
               boost::test_tools::per_element());
    BOOST_TEST(apply_fixes(found, query).value().empty());
    BOOST_TEST(differences(columns).empty());
    BOOST_TEST(differences().empty());  // An older daemon must accept the additional column.
}

BOOST_AUTO_TEST_CASE(column_of_another_type_is_left_for_a_person) {
    BOOST_TEST(query("CREATE TABLE site_checkins (id TEXT, site_id TEXT)").has_value());
    const auto found = differences();
    BOOST_TEST(found.front().what == "column id of site_checkins is text, not integer");
    const auto left = apply_fixes(found, query);
    BOOST_TEST(in_words(left.value()) ==
                   Words({"column id of site_checkins is text, not integer",
                          "site_checkins has no unique key over id and site_id: rows may be "
                          "stored twice"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(column_of_a_person_is_left_alone_unless_it_refuses_our_rows) {
    BOOST_TEST(apply_fixes(differences(), query).has_value());
    BOOST_TEST(query("ALTER TABLE site_checkins ADD COLUMN note TEXT").has_value());
    BOOST_TEST(differences().empty());
    BOOST_TEST(
        query("ALTER TABLE site_checkins ADD COLUMN must INTEGER NOT NULL DEFAULT 1").has_value());
    BOOST_TEST(in_words(differences()) ==
                   Words({"column must of site_checkins was not created by rollcall; it must allow "
                          "NULL"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(fixing_ends_at_the_first_statement_that_fails) {
    const std::vector<Difference> bad{{"bad", {"CREATE NONSENSE"}},
                                      {"good", {"CREATE TABLE good (a)"}}};
    BOOST_TEST(!apply_fixes(bad, query).has_value());
    BOOST_TEST(!query("SELECT * FROM good").has_value());
}

BOOST_AUTO_TEST_CASE(types_of_a_singlestore_are_known_again) {
    std::string width;
    Rows keys = {{"site_checkins_once", "site_id"}, {"site_checkins_once", "id"}};
    const Query fake = [&](const std::string& sql) -> Result<Rows> {
        Rows rows;
        const bool position = sql.find("rollcall_position") != sql.npos;
        if (sql.find("statistics") != sql.npos && position)
            rows = {{"PRIMARY", "spool"}};
        else if (position)
            rows = {{"spool", "varchar(36)", "NO", "utf8mb4_bin"},
                    {"next_record", "bigint(20)", "NO", {}},
                    {"run_id", "varchar(36)", "YES", "utf8mb4_bin"}};
        else if (sql.find("statistics") != sql.npos)
            rows = keys;
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
    keys.push_back({"narrow", "site_id"});
    BOOST_TEST(
        in_words(compare_tables(SqlDialect::singlestore, fake).value()) ==
            Words({"site_checkins has another unique key, narrow: rows that violate it would "
                   "be left out as duplicates; drop that key"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(position_table_that_was_made_otherwise_is_told) {
    BOOST_TEST(apply_fixes(differences(), query).has_value());
    BOOST_TEST(query("DROP TABLE rollcall_position").has_value());
    BOOST_TEST(query("CREATE TABLE rollcall_position (spool INTEGER, next_record INTEGER UNIQUE)")
                   .has_value());
    BOOST_TEST(
        in_words(differences()) ==
            Words({"column run_id of rollcall_position is missing",
                   "column spool of rollcall_position is integer, not text",
                   "rollcall_position has no unique key over spool: rows may be stored twice",
                   "rollcall_position has another unique key, "
                   "sqlite_autoindex_rollcall_position_1: rows that violate it would be left "
                   "out as duplicates; drop that key"}),
        boost::test_tools::per_element());
}

// The tables as SingleStore prints them, in current and in older versions.
BOOST_AUTO_TEST_CASE(shard_and_sort_keys_are_compared_as_far_as_they_are_shown) {
    struct {
        const char* keys;
        Words wrong;
    } const cases[] = {
        {"", {}},
        {"UNIQUE KEY `o` (`site_id`,`id`) USING HASH,\n  SORT KEY `r` (`received_at`),\n"
         "  SHARD KEY `s` (`site_id`)",
         {}},
        {"KEY `r` (`received_at`) /*!90619 USING CLUSTERED COLUMNSTORE */,\n"
         "  /*!90618 SHARD */ KEY `s` (`site_id`)",
         {}},
        {"SORT KEY `r` (`id`),\n  SHARD KEY ()",
         {"the shard key of site_checkins is (), not (site_id)",
          "the sort key of site_checkins is (id), not (received_at)"}},
        {"KEY `r` (`id`,`seq`) /*!90619 USING CLUSTERED COLUMNSTORE */,\n"
         "  /*!90618 SHARD */ KEY `s` (`site_id`,`id`)",
         {"the shard key of site_checkins is (site_id,id), not (site_id)",
          "the sort key of site_checkins is (id,seq), not (received_at)"}},
    };
    for (const auto& [keys, wrong] : cases) {
        const Query fake = [&](const std::string&) -> Result<Rows> {
            return Rows{{"site_checkins", std::string("CREATE TABLE `site_checkins` (\n  `id` "
                                                      "bigint(20) NOT NULL,\n  ") +
                                              keys + "\n) AUTOSTATS_ENABLED=TRUE"}};
        };
        BOOST_TEST(in_words(compare_layout(fake)) == wrong, boost::test_tools::per_element());
    }
    const Query denied = [](const std::string&) { return fail(Code::statement_failed, "no"); };
    BOOST_TEST(compare_layout(denied).empty());
}

BOOST_AUTO_TEST_CASE(missing_pipeline_is_created) {
    const Query fake = [](const std::string&) -> Result<Rows> { return Rows(); };
    const auto missing = compare_pipeline(source(), fake).value();
    BOOST_TEST_REQUIRE(missing.size() == 1);
    BOOST_TEST(missing[0].what == "pipeline site_checkins_v1 is missing");
    BOOST_TEST(missing[0].fix == create_pipeline(source()), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pipeline_is_known_again_however_it_is_printed) {
    ShownPipeline pipeline;
    BOOST_TEST(pipeline.wrong() == Words(), boost::test_tools::per_element());

    pipeline.replace("CREATE PIPELINE IF NOT EXISTS `site_checkins_v1` AS\nLOAD",
                     "CREATE PIPELINE `site_checkins_v1`\nAS load");
    pipeline.replace("CREDENTIALS '{\"sasl.password\":\"secret\"}'", "CREDENTIALS <REDACTED>");
    pipeline.replace("SKIP DUPLICATE",
                     "DISABLE OUT_OF_ORDER OPTIMIZATION\n"
                     "DISABLE OFFSETS METADATA GC\nSKIP  DUPLICATE");
    pipeline.replace("INTO TABLE site_checkins", "INTO TABLE `site_checkins`\nFORMAT CSV");
    pipeline.replace("\",\"", "\", \"");
    pipeline.replace("STOP_ON_ERROR ON\n", "");
    const size_t columns = pipeline.text.find("(`id`");
    pipeline.text.resize(columns);
    pipeline.text += "(\n";
    for (const auto& column : columns_table)
        pipeline.text += fmt::format("    `site_checkins`.`{}`{}\n", column.name,
                                     &column == std::end(columns_table) - 1 ? "" : ",");
    pipeline.text += ")";
    BOOST_TEST(pipeline.wrong() == Words(), boost::test_tools::per_element());
    pipeline.by_default = "0";
    BOOST_TEST(
        pipeline.wrong() == Words({"pipeline site_checkins_v1 is made without STOP_ON_ERROR ON"}),
        boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(whatever_is_otherwise_in_a_pipeline_is_told) {
    const struct {
        const char* what;
        const char* by;
        const char* wrong;
    } cases[] = {
        {"SKIP DUPLICATE KEY ERRORS", "SKIP ALL ERRORS",
         "is made without SKIP DUPLICATE KEY ERRORS"},
        {"ERRORS\n", "ERRORS REPLACE\n", "is made with REPLACE"},
        {"STOP_ON_ERROR ON", "STOP_ON_ERROR OFF", "is made without STOP_ON_ERROR ON"},
        {"kafka-1:9092/site_checkins.v1", "kafka-1:9092/site_checkins_v1",
         "is made without LOAD DATA KAFKA 'kafka-1:9092/site_checkins.v1'"},
        {"kafka-1:9092", "kafka-2:9092",
         "is made without LOAD DATA KAFKA 'kafka-1:9092/site_checkins.v1'"},
        {"read_committed", "read_uncommitted",
         "is made without \"isolation.level\":\"read_committed\" in its CONFIG"},
        {"BATCH_INTERVAL 1000", "BATCH_INTERVAL 10000", "is made without BATCH_INTERVAL 1000"},
        {"PARTITION 2048", "PARTITION 1000000",
         "is made without MAX_OFFSETS_PER_BATCH_PARTITION 2048"},
        {"ESCAPED BY '\\\\'", "ESCAPED BY ''",
         R"(is made without FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\')"},
        {"INTO TABLE site_checkins", "WITH TRANSFORM ('x','','') INTO TABLE site_checkins",
         "is made with WITH TRANSFORM"},
        {", `tenant`)", ")",
         "does not load column tenant: rows of this version need a new topic (kafka.topic) and "
         "a new pipeline"},
        {"`site_id`, `received_at`", "`received_at`, `site_id`",
         "must load exactly the columns that rollcalld schema show prints, in their order"},
        {", `tenant`)", ", `tenant`, `note`)",
         "must load exactly the columns that rollcalld schema show prints, in their order"},
        {", `tenant`)", ", `tenant`) SET `seq` = 1", "is made with SET"},
    };
    for (const auto& [what, by, wrong] : cases) {
        ShownPipeline pipeline;
        pipeline.replace(what, by);
        BOOST_TEST(pipeline.wrong() == Words({std::string("pipeline site_checkins_v1 ") + wrong}),
                   boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(pipeline_that_stands_is_started_only_if_it_has_loaded_nothing) {
    for (const char* const loaded : {"0", "1"}) {
        const Query fake = [&](const std::string& sql) -> Result<Rows> {
            if (sql.starts_with("SHOW")) return Rows{{create_pipeline(source())[0]}};
            if (sql.find("cursors") != sql.npos) return Rows{{loaded}};
            return Rows{{"Stopped"}};
        };
        const auto found = compare_pipeline(source(), fake).value();
        BOOST_TEST_REQUIRE(found.size() == (*loaded == '0' ? 1 : 0));
        if (found.empty()) continue;
        BOOST_TEST(found[0].what == "pipeline site_checkins_v1 was never started");
        BOOST_TEST(found[0].fix == start_pipeline(source()), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(many_differences_are_said_in_short) {
    BOOST_TEST(in_short({{"one", {}}}) == "one");
    BOOST_TEST(in_short({{"one", {}}, {"two", {}}, {"three", {}}}) ==
               "one, and 2 more differences");
}

BOOST_AUTO_TEST_SUITE_END()
