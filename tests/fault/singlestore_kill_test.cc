// A daemon is killed again and again while it stores into MariaDB. ROLLCALL_KILLS sets the number
// of kills.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "tests/support/mariadb_server.h"
#include "tests/support/random.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(singlestore_kill)

BOOST_AUTO_TEST_CASE(daemon_killed_200_times_loses_and_doubles_nothing) {
    using namespace std::chrono_literals;
    const MariadbServer server;
    server.make_tables();
    const auto stored = [&] {
        return server.ask("SELECT COUNT(*), COUNT(DISTINCT id), SUM(seq) FROM site_checkins");
    };
    Random random("singlestore_kill");
    TestDaemon daemon({.settings = {R"(sinks = ["singlestore"])", "[singlestore]",
                                    fmt::format("port = {}", server.port()), R"(user = "root")"},
                       .arguments = {"--set", "delivery.batch_age_max=2ms"}});
    const char* const given = std::getenv("ROLLCALL_KILLS");
    const int all_kills = given == nullptr ? 200 : std::atoi(given);
    int64_t seq = 0;
    for (int kills = 0; kills < all_kills; ++kills) {
        for (int i = 0; i < 5; ++i, ++seq)
            BOOST_TEST_REQUIRE(
                daemon.post(fmt::format(R"({{"serial_number":"HX{}","seq":{}}})", seq, seq))
                    .status == 200);
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(20'000)));
        daemon.kill();
        daemon.start();
    }
    const std::string all = fmt::format("{}|{}|{}", seq, seq, seq * (seq - 1) / 2);
    for (auto left = patience; left > 0s && stored() != all; left -= 1s)
        std::this_thread::sleep_for(1s);
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
    BOOST_TEST(stored() == all);
}

BOOST_AUTO_TEST_SUITE_END()
