// The power fails repeatedly under load. Spool and database are on one disk, which keeps any part
// of the unsynced data, or nothing. Each acknowledged check-in must be stored once.
//
// ROLLCALL_POWER_CUTS=1000 makes 1,000 cuts. After every fifty cuts the test continues with a new
// disk, so that no disk grows too large.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"
#include "tests/support/volatile_disk.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

constexpr int cuts_of_a_disk = 50;

int power_cuts() {
    const char* given = std::getenv("ROLLCALL_POWER_CUTS");
    return given ? std::atoi(given) : cuts_of_a_disk;
}

class Machine {
public:
    explicit Machine(Random& random, std::string_view lies_below = {})
        : random_(random),
          // The segments of the spool are small, so that some cuts occur when the daemon begins a
          // segment.
          daemon_({.settings = {R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")",
                                R"(delivery.stop_timeout_max = "5min")"},
                   .arguments = {"--set", "state_dir=" + disk_.root().string()},
                   .environment = disk_.environment(lies_below)}) {}

    void cut_power_under_load() {
        routers_.connect(daemon_);
        std::this_thread::sleep_for(50ms + random_.below(250) * 1ms);
        cut_power();
        // The power also fails during recovery.
        if (random_.below(5) == 0) {
            daemon_.launch();
            std::this_thread::sleep_for(random_.below(60) * 1ms);
            cut_power();
        }
        daemon_.start();
    }

    // A clean stop stores the remaining check-ins of the spool. If many check-ins are left, the
    // stop may take only a twentieth of delivery.stop_timeout_max to store them. So the setting is
    // long.
    std::string losses_and_repeats() {
        BOOST_TEST((daemon_.stop() == 0), daemon_.log());
        return routers_.losses_and_repeats(disk_.root() / "rollcall.db");
    }

    [[nodiscard]] uint64_t acknowledged() const { return routers_.acknowledged(); }

private:
    void cut_power() {
        daemon_.kill();
        routers_.join();
        disk_.cut_power(random_);
    }

    Random& random_;
    VolatileDisk disk_;
    TestDaemon daemon_;
    Routers routers_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(power_cut)

BOOST_AUTO_TEST_CASE(every_acknowledged_check_in_is_stored_once_after_fifty_power_cuts) {
    Random random("every_acknowledged_check_in_is_stored_once_after_fifty_power_cuts");
    uint64_t acknowledged = 0;
    for (int left = power_cuts(); left > 0; left -= cuts_of_a_disk) {
        Machine machine(random);
        const int cuts = std::min(left, cuts_of_a_disk);
        for (int cut = 0; cut < cuts; ++cut) machine.cut_power_under_load();
        BOOST_TEST(machine.losses_and_repeats() == "");
        BOOST_TEST(machine.acknowledged() > 20 * cuts);
        acknowledged += machine.acknowledged();
        fmt::print("{} power cuts to go; {} check-ins were acknowledged\n", left - cuts,
                   acknowledged);
        std::fflush(stdout);
    }
}

// Shows that the previous test case can fail.
BOOST_AUTO_TEST_CASE(with_a_disk_that_lies_about_its_syncs_acknowledged_check_ins_are_missed) {
    Random random("with_a_disk_that_lies_about_its_syncs_acknowledged_check_ins_are_missed");
    Machine machine(random, "spool");
    for (int cut = 0; cut < 5; ++cut) machine.cut_power_under_load();
    const std::string losses = machine.losses_and_repeats();
    BOOST_TEST(losses.find("was acknowledged and is not there") != std::string::npos, losses);
}

BOOST_AUTO_TEST_SUITE_END()
