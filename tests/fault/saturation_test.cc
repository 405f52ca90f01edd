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

constexpr int64_t growth_max_kib = 1536;

// Without the pages of files, such as the program itself.
int64_t anonymous_kib(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;)
        if (int64_t kib = 0; word == "RssAnon:" && status >> kib) return kib;
    return -1;
}

// 64 MQTT connections with 16 unacknowledged messages each. rate: check-ins per second, or 0
// for as many as the daemon acknowledges.
Process load(TestDaemon& daemon, int seconds, int rate) {
    return Process({ROLLCALL_LOAD_PATH, "--protocol", "mqtt", "--target",
                    fmt::format("127.0.0.1:{}", daemon.mqtt_port()), "--connections", "64",
                    "--in-flight", "16", "--seconds", std::to_string(seconds), "--rate",
                    std::to_string(rate)});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(saturation)

// On a slow disk there are always acknowledgements that wait, as under saturation on a fast one. So
// a queue that gives memory back only when it is empty grows here, by 200 KB a second. The window
// of duplicates and the database's cache grow until they are full: both are left out. Slots are
// small, since each takes memory as far as a row has ever filled it, and a stall fills more of
// them. bench/soak.sh --saturated runs for five minutes with a window, and with a finer bound.
BOOST_AUTO_TEST_CASE(resident_memory_is_flat_while_acknowledgements_always_wait) {
    TestDaemon daemon(
        {.settings = {"workers = 1", R"(sinks = ["discard"])",
                      R"(delivery.duplicate_window = "0s")", "ingest.slots_max = 4",
                      "ingest.slot_rows_max = 128", R"(ingest.slot_text_max = "64KiB")"},
         .environment = {"LD_PRELOAD=" SLOW_DISK_PATH}});
    // A burst makes buffers and slots as large as they will be.
    BOOST_TEST((load(daemon, 2, 0).wait(60s) == 0));
    Process steady = load(daemon, 28, 5000);
    std::this_thread::sleep_for(5s);
    const int64_t before = anonymous_kib(daemon.process().pid());
    int64_t most = before;
    for (int second = 0; second < 21; ++second) {
        std::this_thread::sleep_for(1s);
        most = std::max(most, anonymous_kib(daemon.process().pid()));
    }
    BOOST_TEST((steady.wait(60s) == 0), steady.errors());
    BOOST_TEST_MESSAGE(
        fmt::format("anonymous memory: {} KiB at first, at most {} KiB from then on\n{}", before,
                    most, steady.output()));
    BOOST_TEST(before > 0);
    BOOST_TEST(most < before + growth_max_kib);
}

BOOST_AUTO_TEST_SUITE_END()
