#include "daemon/admin/readiness.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

namespace {

struct ReadinessFixture {
    [[nodiscard]] bool is(Readiness expected) const {
        return readiness_of(load, measured, thread_stuck) == expected;
    }

    SpoolLoad load;
    OverloadMeasurement measured;
    bool thread_stuck = false;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(admin_readiness, ReadinessFixture)

BOOST_AUTO_TEST_CASE(daemon_is_ready_until_its_spool_is_full) {
    BOOST_TEST(is(Readiness::ready));
    load.full = true;
    BOOST_TEST(is(Readiness::spool_full));
}

BOOST_AUTO_TEST_CASE(daemon_under_full_pressure_is_not_ready_and_names_the_cause) {
    measured.pressure = 0.999999;
    BOOST_TEST(is(Readiness::ready));
    measured.pressure = 1;
    BOOST_TEST(is(Readiness::disk_slow));
    measured.memory_share = 0.9;
    BOOST_TEST(is(Readiness::disk_slow));
    measured.memory_share = 0.95;
    BOOST_TEST(is(Readiness::memory_short));
    measured.drain_s = 60;
    BOOST_TEST(is(Readiness::sink_behind));
    load.full = true;
    BOOST_TEST(is(Readiness::spool_full));
}

BOOST_AUTO_TEST_CASE(
    daemon_with_a_stuck_thread_is_not_ready_and_names_a_better_reason_if_there_is_one) {
    thread_stuck = true;
    BOOST_TEST(is(Readiness::thread_stuck));
    measured.pressure = 1;
    BOOST_TEST(is(Readiness::disk_slow));
    load.full = true;
    BOOST_TEST(is(Readiness::spool_full));
}

BOOST_AUTO_TEST_CASE(only_a_ready_daemon_has_no_reason) {
    BOOST_TEST(reason_of(Readiness::ready) == "");
    for (const auto readiness :
         {Readiness::starting, Readiness::spool_full, Readiness::sink_behind,
          Readiness::memory_short, Readiness::disk_slow, Readiness::thread_stuck})
        BOOST_TEST(reason_of(readiness) != "");
}

BOOST_AUTO_TEST_SUITE_END()
