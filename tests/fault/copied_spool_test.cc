// Daemons that store into the same table. Some use copies of one spool, or a spool that an older
// copy has overwritten. The daemons are killed repeatedly under load. Each acknowledged check-in
// must be stored once.
//
// ROLLCALL_KILLS sets the number of kills. ROLLCALL_SEED repeats the random choices of an earlier
// run.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/support/copied_spools.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

namespace fs = std::filesystem;

int kills_of_copies(int by_default) {
    const char* const given = std::getenv("ROLLCALL_KILLS");
    return given == nullptr ? by_default : std::atoi(given);
}

void kill_copies(const TestDaemon::Options& options, int kills, Random& random,
                 const Routers::Stored& stored) {
    CopiedSpools spools(options, random);
    spools.kill(kills);
    spools.stop();
    fmt::print("{} kills, {} check-ins were acknowledged\n", kills, spools.acknowledged());
    BOOST_TEST(spools.losses_and_repeats(stored) == "");
    BOOST_TEST(spools.acknowledged() > 10 * static_cast<uint64_t>(kills));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(copied_spool)

BOOST_AUTO_TEST_CASE(copies_and_restored_spools_with_one_sqlite_file_lose_nothing) {
    Random random("copies_and_restored_spools_with_one_sqlite_file_lose_nothing");
    const TemporaryDirectory shared;
    const fs::path database = shared.path() / "rollcall.db";
    kill_copies({.settings = {fmt::format(R"(sqlite.path = "{}")", database.string()),
                              R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")"}},
                kills_of_copies(20), random, Routers::in_any_of({database}));
}

BOOST_AUTO_TEST_CASE(copies_and_restored_spools_with_one_mariadb_lose_nothing) {
    Random random("copies_and_restored_spools_with_one_mariadb_lose_nothing");
    const MariadbServer server;
    server.make_tables();
    const auto stored = [&](const std::string& router) {
        std::istringstream rows(
            server.ask("SELECT seq FROM site_checkins WHERE identity = '" + router + "'"));
        std::vector<uint64_t> seqs;
        for (uint64_t seq = 0; rows >> seq;) seqs.push_back(seq);
        return seqs;
    };
    kill_copies({.settings = {R"(sinks = ["singlestore"])", R"(spool.segment_size = "4MiB")",
                              R"(spool.size_max = "64MiB")", "[singlestore]",
                              fmt::format("port = {}", server.port()), R"(user = "root")"}},
                kills_of_copies(10), random, stored);
}

// A sink stores its position in its database. The position goes back when a backup of the database
// is restored, or when a replica that lags becomes the primary.
BOOST_AUTO_TEST_CASE(position_that_goes_back_while_the_daemon_runs_costs_nothing) {
    TestDaemon daemon;
    const auto post = [&](int seq) {
        return daemon.post(fmt::format(R"({{"serial_number":"HX","seq":{}}})", seq)).status;
    };
    for (int seq = 0; seq < 3; ++seq) BOOST_TEST(post(seq) == 200);
    const std::string count = "SELECT COUNT(*) FROM site_checkins";
    BOOST_TEST(daemon.query_until("3", count) == "3");
    BOOST_TEST(daemon.query("DROP TABLE rollcall_position; DELETE FROM site_checkins") == "");
    for (int seq = 3; seq < 5; ++seq) BOOST_TEST(post(seq) == 200);
    BOOST_TEST(daemon.query_until("5", count) == "5");
    BOOST_TEST(daemon.metric(R"(rollcall_sink_setbacks_total{sink="sqlite"})") == 1);
    BOOST_TEST(daemon.metric(R"(rollcall_sink_missing_records_total{sink="sqlite"})") == 0);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
}

BOOST_AUTO_TEST_SUITE_END()
