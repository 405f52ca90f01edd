// The process runs out of memory and ends. No acknowledged check-in may be missing. Sanitizer
// builds omit this test, because they reserve more address space than the limit allows.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(out_of_memory)

BOOST_AUTO_TEST_CASE(daemon_that_dies_of_it_has_lost_nothing_when_it_starts_again) {
    // 1.5 GB of address space, most of it for libraries, stacks and arenas.
    TestDaemon daemon({.settings = {R"(http.batch_size_max = "16MiB")", "workers = 2"},
                       .wrapper = {"sh", "-c",
                                   "if [ -e $0/started ]; then exec \"$@\"; fi; touch $0/started; "
                                   "exec prlimit --as=1500000000 \"$@\"",
                                   TemporaryDirectory().path()}});
    Routers routers;
    routers.connect(daemon);
    std::this_thread::sleep_for(300ms);
    // No client sends the end of its list, so the daemon has to keep all lists in memory.
    const std::string most(15 << 20, ' ');
    std::vector<std::unique_ptr<HttpClient>> greedy;
    try {
        for (int i = 0; i < 200 && !daemon.process().wait(0ms); ++i) {
            auto& client = greedy.emplace_back(std::make_unique<HttpClient>(daemon.http_port()));
            client->send(
                "POST /v1/checkins HTTP/1.1\r\nHost: h\r\nContent-Length: 16000000\r\n\r\n[");
            client->send(most);
        }
    } catch (const ConnectionEnded&) {
        // As expected, the daemon has run out of memory and ended.
    }
    const auto status = daemon.process().wait(patience);
    BOOST_TEST((status == 128 + SIGABRT), daemon.log());
    BOOST_TEST(daemon.says("bad_alloc"), daemon.log());
    routers.join();
    daemon.start();
    routers.connect(daemon);
    std::this_thread::sleep_for(300ms);
    routers.disconnect();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.acknowledged() > 0);
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_SUITE_END()
