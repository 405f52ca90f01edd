#include "daemon/clock_watch.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <string>

#include "tests/support/manual_clock.h"
#include "tests/support/standard_error.h"

using namespace rollcall;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(clock_watch)

BOOST_AUTO_TEST_CASE(jump_of_more_than_a_second_is_counted_and_logged) {
    ManualClock clock;
    ClockWatch watch(clock);
    const auto said = [&](int64_t jump_us) {
        clock.pass(1s);
        clock.wall += jump_us;
        return standard_error_of([&] { watch.measure(); });
    };
    BOOST_TEST(said(0) == "");
    BOOST_TEST(said(900'000) == "");
    BOOST_TEST(said(-900'000) == "");
    BOOST_TEST(watch.shard().read(Metric::clock_jumps_total, 0) == 0);
    BOOST_TEST(said(3'600'000'000).find("forward: seconds=3600") != std::string::npos);
    BOOST_TEST(said(-7'200'000'000).find("back: seconds=7200") != std::string::npos);
    BOOST_TEST(said(0) == "");
    BOOST_TEST(watch.shard().read(Metric::clock_jumps_total, 0) == 2);
}

BOOST_AUTO_TEST_SUITE_END()
