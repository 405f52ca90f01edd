#include "daemon/service_manager.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "tests/support/notify_socket.h"
#include "tests/support/temporary_directory.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

struct ServiceManagerFixture {
    ServiceManagerFixture() { setenv("NOTIFY_SOCKET", path.c_str(), 1); }
    ~ServiceManagerFixture() {
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
    }

    TemporaryDirectory directory;
    std::string path = directory.path() / "notify";
    NotifySocket socket{path};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(service_manager, ServiceManagerFixture)

BOOST_AUTO_TEST_CASE(each_state_is_sent_at_once) {
    ServiceManager manager;
    manager.ready();
    BOOST_TEST(socket.hears("READY=1", 0ms));
    manager.reloading(17);
    BOOST_TEST(socket.hears("MONOTONIC_USEC=17", 0ms));
    manager.stopping();
    BOOST_TEST(socket.hears("STOPPING=1", 0ms));
}

BOOST_AUTO_TEST_CASE(watchdog_is_notified_if_the_service_has_one) {
    ServiceManager without;
    without.alive();
    BOOST_TEST(!socket.hears("WATCHDOG=1", 0ms));
    setenv("WATCHDOG_USEC", "30000000", 1);
    ServiceManager with;
    with.alive();
    BOOST_TEST(socket.hears("WATCHDOG=1", 0ms));
}

BOOST_AUTO_TEST_CASE(service_manager_that_hangs_does_not_block_and_gets_the_last_state_later) {
    setenv("WATCHDOG_USEC", "30000000", 1);
    ServiceManager manager;
    for (int message = 0; message < 10'000; ++message) manager.alive();  // Fills the socket.
    manager.reloading(17);
    manager.ready();
    socket.forget();
    BOOST_TEST(!socket.hears("READY=1", 0ms));
    manager.retry();
    BOOST_TEST(socket.hears("READY=1", 0ms));
    manager.retry();
    BOOST_TEST(!socket.hears("READY=1", 0ms));
}

BOOST_AUTO_TEST_CASE(without_a_service_manager_nothing_happens) {
    unsetenv("NOTIFY_SOCKET");
    ServiceManager manager;
    manager.ready();
    manager.retry();
    BOOST_TEST(!socket.hears("READY=1", 0ms));
}

BOOST_AUTO_TEST_SUITE_END()
