// Memory of the daemon as shipped. A sanitizer build says nothing about it and leaves this out.
#include <boost/test/unit_test.hpp>
#include <fstream>

#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

int64_t resident_kib(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;)
        if (int64_t kib = 0; word == "VmRSS:" && status >> kib) return kib;
    return -1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(idle_daemon_with_default_limits_stays_under_60_mb) {
    TestDaemon daemon;
    BOOST_TEST(daemon.post("{}").status == 200);
    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(*) FROM site_checkins") == "1");
    const int64_t kib = resident_kib(daemon.process().pid());
    BOOST_TEST_MESSAGE("resident: " << kib << " KiB");
    BOOST_TEST(kib > 0);
    BOOST_TEST(kib < 60'000'000 / 1024);
}

BOOST_AUTO_TEST_SUITE_END()
