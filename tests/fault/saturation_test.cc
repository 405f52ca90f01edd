// A worker that never gets a pause must not need more and more memory. This is not part of a
// sanitizer build, whose memory says nothing about that of the daemon.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/process.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

int64_t resident_kib(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;)
        if (int64_t kib = 0; word == "VmRSS:" && status >> kib) return kib;
    return -1;
}

Process load(TestDaemon& daemon, std::string_view protocol, std::vector<std::string> more) {
    std::vector<std::string> command{ROLLCALL_LOAD_PATH,
                                     "--protocol",
                                     std::string(protocol),
                                     "--target",
                                     fmt::format("127.0.0.1:{}", daemon.port_of(protocol)),
                                     "--seconds",
                                     "30"};
    command.insert(command.end(), more.begin(), more.end());
    return Process(command);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(saturation)

// On a slow disk there are always acknowledgements that wait, as under saturation on a fast one. So
// a queue that gives memory back only when it is empty grows here, by 200 KB a second. The window
// of duplicates and the database's cache grow until they are full: both are left out. bench/soak.sh
// --saturated runs for five minutes with a window, and with a finer bound.
BOOST_AUTO_TEST_CASE(resident_memory_is_flat_while_acknowledgements_always_wait) {
    TestDaemon daemon({.settings = {"workers = 1", R"(sinks = ["discard"])",
                                    R"(delivery.duplicate_window = "0s")"},
                       .environment = {"LD_PRELOAD=" SLOW_DISK_PATH}});
    Process mqtt =
        load(daemon, "mqtt", {"--connections", "64", "--in-flight", "100", "--rate", "5000"});
    std::this_thread::sleep_for(10s);
    const int64_t before = resident_kib(daemon.process().pid());
    int64_t most = before;
    for (int second = 0; second < 18; ++second) {
        std::this_thread::sleep_for(1s);
        most = std::max(most, resident_kib(daemon.process().pid()));
    }
    BOOST_TEST((mqtt.wait(60s) == 0), mqtt.errors());
    BOOST_TEST_MESSAGE(fmt::format("resident: {} KiB after 10 s, at most {} KiB from then on\n{}",
                                   before, most, mqtt.output()));
    BOOST_TEST(before > 0);
    BOOST_TEST(most < before + before / 20);
}

BOOST_AUTO_TEST_SUITE_END()
