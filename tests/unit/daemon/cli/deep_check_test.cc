#include "daemon/cli/deep_check.h"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "daemon/cli/schema_command.h"
#include "pipeline/base/files.h"
#include "pipeline/spool/writer.h"
#include "tests/support/rows.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct DeepCheckFixture {
    DeepCheckFixture() {
        settings.general.connections_max = 10;
        settings.general.workers = 1;
        settings.spool.size_max = 64_MiB;
    }
    // Returns the only problem.
    std::string problem() {
        const auto all = deep_problems(settings, directory.path());
        BOOST_TEST_REQUIRE(all.size() == 1);
        return all.front();
    }
    TemporaryDirectory directory;
    Settings settings;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(cli_deep_check, DeepCheckFixture)

BOOST_AUTO_TEST_CASE(new_installation_has_no_problem) {
    BOOST_TEST(deep_problems(settings, directory.path()).empty());
    BOOST_TEST(deep_problems(settings, directory.path() / "new").empty());
}

BOOST_AUTO_TEST_CASE(damaged_record_is_a_problem) {
    const std::string spool = directory.path() / "spool";
    Files files;
    const Clock clock;
    MetricShard shard;
    SpoolWriter writer(
        files, clock, shard,
        {spool, uint64_t{1} << 30, uint64_t{1} << 20, true, std::chrono::milliseconds(0)});
    BOOST_TEST((writer.open() && writer.append(one_row("S", 1)) && writer.sync()));
    BOOST_TEST(deep_problems(settings, directory.path()).empty());
    const auto file = files.open(spool + "/" + segment_name(0), Files::Open::existing);
    const std::byte other{0xff};
    BOOST_TEST((*file)->write(segment_head_bytes + 60, {&other, 1}).has_value());
    BOOST_TEST(problem().find("1 records are damaged") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(spool_larger_than_its_disk_is_a_problem) {
    settings.spool.size_max = 1024_TiB;
    BOOST_TEST(problem().starts_with("spool.size_max: "));
}

BOOST_AUTO_TEST_CASE(more_connections_than_open_files_are_a_problem) {
    rlimit limit{};
    BOOST_TEST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    settings.general.connections_max = limit.rlim_max;
    BOOST_TEST(problem().starts_with("connections_max: "));
}

BOOST_AUTO_TEST_CASE(sinks_that_are_not_what_they_should_be_are_problems) {
    std::ofstream(directory.path() / "rollcall.db") << "no database";
    BOOST_TEST(problem().starts_with("sink sqlite: "));
    settings.general.sinks = {"kafka"};
    settings.kafka.password_file = directory.path() / "nowhere";
    BOOST_TEST(problem().starts_with("kafka.password_file: "));
    settings.general.sinks = {"singlestore"};
    settings.singlestore.host = "127.0.0.1";
    settings.singlestore.port = 1;
    BOOST_TEST(problem().starts_with("sink singlestore: "));
}

BOOST_AUTO_TEST_CASE(tables_that_are_as_they_should_be_are_none) {
    BOOST_TEST(apply_schema(settings, SqlDialect::sqlite, directory.path(), {}).has_value());
    BOOST_TEST(deep_problems(settings, directory.path()).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
