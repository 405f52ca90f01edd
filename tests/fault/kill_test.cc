// The daemon is killed again and again under load. What it had acknowledged is stored, once.
//
// kill -9 loses what the process held, not what the kernel holds: that a reply waits for the disk
// is shown by durable_before_reply_test.cc.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

constexpr int kills = 50;

}  // namespace

BOOST_AUTO_TEST_SUITE(kill)

BOOST_AUTO_TEST_CASE(every_acknowledged_check_in_is_stored_once_after_fifty_kills) {
    Random random("every_acknowledged_check_in_is_stored_once_after_fifty_kills");
    // Small segments, so that some kills hit the change from one to the next.
    TestDaemon daemon(
        {.settings = {R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")"}});
    Routers routers;
    for (int round = 0; round < kills; ++round) {
        routers.connect(daemon);
        std::this_thread::sleep_for(50ms + random.below(250) * 1ms);
        daemon.kill();
        routers.join();
        // Recovery itself has to survive a kill.
        if (random.below(5) == 0) {
            daemon.launch();
            std::this_thread::sleep_for(random.below(30) * 1ms);
            daemon.kill();
        }
        daemon.start();
    }
    // A clean stop stores what the spool still holds.
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    fmt::print("{} check-ins were acknowledged, {} are stored\n", routers.acknowledged(),
               daemon.query("SELECT COUNT(id) FROM site_checkins"));
    BOOST_TEST(routers.acknowledged() > 100 * kills);
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_SUITE_END()
