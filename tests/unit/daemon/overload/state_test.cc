#include "daemon/overload/state.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

uint64_t site(int number) { return stable_hash("S" + std::to_string(number)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(overload_state)

BOOST_AUTO_TEST_CASE(only_full_pressure_is_an_overload) {
    OverloadState state{Settings()};
    BOOST_TEST(!state.overloaded());
    state.publish(0.999, 3600);
    BOOST_TEST(!state.overloaded());
    state.publish(1, 0);
    BOOST_TEST(state.overloaded());
    state.publish(0, 0);
    BOOST_TEST(!state.overloaded());
}

BOOST_AUTO_TEST_CASE(retry_after_is_spread_over_half_as_long_again) {
    BOOST_TEST(spread_s(100, 0) == 100);
    BOOST_TEST(spread_s(100, UINT64_MAX) <= 150);
    BOOST_TEST(spread_s(0, UINT64_MAX) == 0);
}

BOOST_AUTO_TEST_CASE(retry_after_of_a_backlog_that_never_drains_is_bounded) {
    Settings settings;
    settings.general.overload_retry_after_max = Millis(60'000);
    OverloadState state(settings);
    state.publish(1, INT64_MAX / 2);
    BOOST_TEST(state.retry_after_s(0) == 60);
    BOOST_TEST(state.retry_after_s(UINT64_MAX) <= 90);
}

BOOST_AUTO_TEST_CASE(jitter_is_the_site_s_own_and_spreads_the_fleet_over_all_it_may) {
    Settings settings;
    settings.replies.next = Millis(100'000);
    settings.replies.next_jitter = 10;
    const OverloadState overload(settings);
    std::vector<int> sites_asked_for(200);
    for (int number = 0; number < 20'000; ++number) {
        const int64_t next = overload.reporting_interval_s(site(number));
        BOOST_TEST_REQUIRE(next >= 90);
        BOOST_TEST_REQUIRE(next <= 110);
        BOOST_TEST_REQUIRE(overload.reporting_interval_s(site(number)) == next);
        BOOST_TEST_REQUIRE(overload.base_interval_s(site(number)) == next);
        ++sites_asked_for[static_cast<size_t>(next)];
    }
    // There are 20 values of `next`, with about a thousand sites each. Rounding gives the first and
    // the last value fewer sites.
    for (size_t next = 91; next < 110; ++next) {
        BOOST_TEST(sites_asked_for[next] > 800);
        BOOST_TEST(sites_asked_for[next] < 1200);
    }
}

BOOST_AUTO_TEST_CASE(nobody_is_ever_asked_to_come_at_once) {
    Settings settings;
    settings.replies.next = Millis(1000);
    settings.replies.next_jitter = 50;
    const OverloadState overload(settings);
    for (int number = 0; number < 1000; ++number)
        BOOST_TEST_REQUIRE(overload.reporting_interval_s(site(number)) >= 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
