#include "daemon/overload/controller.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/base/hash.h"
#include "tests/support/standard_error.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

constexpr int64_t second_us = 1'000'000;

struct ControllerFixture {
    ControllerFixture() { settings.replies.next_jitter = 0; }

    // Makes the controller read `load`, `acks` and `other_acks`.
    void watch(OverloadController& controller) {
        controller.watch(
            {.spool_load = [this] { return load; }, .ack_times = {&acks, &other_acks}});
    }
    // Returns the pressure after one more second.
    double measure(OverloadController& controller) {
        now_us += second_us;
        controller.measure(now_us);
        return controller.last().pressure;
    }
    void backlog(double share) {
        const auto spool = static_cast<double>(settings.spool.size_max.count);
        load.backlog_bytes = static_cast<uint64_t>(share * spool);
    }
    static uint64_t site(int number) { return stable_hash("S" + std::to_string(number)); }

    Settings settings;
    TemporaryDirectory directory;
    SpoolLoad load;
    AckTimes acks;
    AckTimes other_acks;
    int64_t now_us = second_us;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(overload_controller, ControllerFixture)

BOOST_AUTO_TEST_CASE(without_pressure_and_jitter_everyone_is_asked_for_what_is_set) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    BOOST_TEST(measure(overload) == 0);
    for (int number = 0; number < 100; ++number)
        BOOST_TEST(state.reporting_interval_s(site(number)) == 30);
}

BOOST_AUTO_TEST_CASE(spool_that_cannot_grow_presses_fully) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    load.full = true;
    BOOST_TEST(measure(overload) == 1);
    load.full = false;
    BOOST_TEST(measure(overload) == 0);
}

BOOST_AUTO_TEST_CASE(sync_that_does_not_end_presses_though_no_answer_goes_out) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    BOOST_TEST(measure(overload) == 0);
    load.sync_began_us = now_us;
    BOOST_TEST(measure(overload) == 0);
    BOOST_TEST(measure(overload) > 0);
    for (int second = 0; second < 2; ++second) BOOST_TEST(measure(overload) < 1);
    BOOST_TEST(measure(overload) == 1);
    BOOST_TEST(state.overloaded());
    load.sync_began_us.reset();
    BOOST_TEST(measure(overload) == 0);
}

BOOST_AUTO_TEST_CASE(backlog_presses_from_half_of_the_spool) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    const std::vector<std::pair<double, double>> expected = {{0.0, 0.0},  {0.5, 0.0}, {0.725, 0.5},
                                                             {0.95, 1.0}, {1.2, 1.0}, {0.3, 0.0}};
    for (const auto& [share, pressure] : expected) {
        backlog(share);
        BOOST_TEST(measure(overload) == pressure, boost::test_tools::tolerance(1e-3));
    }
}

BOOST_AUTO_TEST_CASE(slow_answers_press_as_long_as_they_are_among_the_last_eight_measures) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    acks.add(1'000);
    BOOST_TEST(measure(overload) == 0);
    acks.add(2'000'000);
    other_acks.add(2'249'000);
    // The mean is 1.416667 s, including the fast acknowledgement.
    BOOST_TEST(measure(overload) == (1'416'667.0 - 250e3) / (4e6 - 250e3),
               boost::test_tools::tolerance(1e-3));
    for (int quick = 0; quick < 7; ++quick) BOOST_TEST(measure(overload) > 0);
    BOOST_TEST(measure(overload) == 0);
    for (int slow = 0; slow < 3; ++slow) acks.add(60'000'000);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(larger_of_the_shares_counts) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    backlog(0.725);
    acks.add(300'000);
    BOOST_TEST(measure(overload) == 0.5, boost::test_tools::tolerance(1e-3));
    acks.add(60'000'000);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(memory_presses_from_four_fifths_of_what_the_control_group_may_have) {
    const std::string folder = directory.path();
    const std::vector<std::pair<int, double>> expected = {{0, 0.0},   {800, 0.0}, {875, 0.5},
                                                          {950, 1.0}, {990, 1.0}, {400, 0.0}};
    std::ofstream(folder + "/self") << "0::/\n";
    std::ofstream(folder + "/memory.max") << "1000\n";
    OverloadState state(settings);
    OverloadController overload(settings, state, CgroupMemory(folder, folder + "/self"));
    watch(overload);
    for (const auto& [used, pressure] : expected) {
        std::ofstream(folder + "/memory.current") << used << "\n";
        BOOST_TEST(measure(overload) == pressure, boost::test_tools::tolerance(1e-3));
        BOOST_TEST(overload.shard().read(Metric::memory_ratio, 0) == used * (ratio_one / 1000));
        BOOST_TEST(state.overloaded() == (pressure == 1.0));
    }
}

BOOST_AUTO_TEST_CASE(memory_presses_without_a_control_group) {
    settings.general.memory_max = Bytes{1000};
    OverloadState state(settings);
    OverloadController overload(settings, state,
                                CgroupMemory(directory.path(), directory.path() / "none"));
    uint64_t used = 0;
    MemoryBudget budget;
    budget.add(MemoryUse::admin, 77);
    overload.watch({.process_bytes = [&used] { return used; }, .client_memory = &budget});
    for (const auto& [bytes, pressure] :
         {std::pair(800U, 0.0), std::pair(875U, 0.5), std::pair(950U, 1.0)}) {
        used = bytes;
        BOOST_TEST(measure(overload) == pressure, boost::test_tools::tolerance(1e-3));
        BOOST_TEST(state.overloaded() == (pressure == 1.0));
    }
    BOOST_TEST(overload.shard().read(Metric::memory_bytes, label_of(MemoryUse::admin)) == 77);
}

BOOST_AUTO_TEST_CASE(whoever_is_sent_away_comes_again_when_the_backlog_will_have_fallen) {
    settings.spool.size_max = Bytes{1'000'000'000};
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    // The spool receives 5 MB a second, and the sink stores 10 MB a second.
    for (int second = 0; second < 20; ++second) {
        load.written_bytes += 5'000'000;
        backlog(0.96 - 0.005 * second);
        measure(overload);
    }
    // The backlog is 365 MB above the level where pressure ends. Draining this takes 36.5 s.
    BOOST_TEST(overload.last().drain_s == 37);
    // Retry-After is at least `next`, the reporting interval, which this pressure raises to more
    // than 37 s. The second controller keeps `next` small, so that Retry-After depends on the
    // backlog alone.
    settings.replies.next_factor_max = 1;
    OverloadState steady_state(settings);
    OverloadController steady(settings, steady_state);
    watch(steady);
    load.written_bytes += 5'000'000;
    measure(steady);
    for (int second = 0; second < 9; ++second) {
        load.written_bytes += 5'000'000;
        backlog(0.96 - 0.005 * second);
        measure(steady);
    }
    const int64_t drain = steady.last().drain_s;
    BOOST_TEST(drain == 42);
    int64_t soonest = INT64_MAX;
    int64_t latest = 0;
    for (int number = 0; number < 1000; ++number) {
        const int64_t after = steady_state.retry_after_s(site(number));
        soonest = std::min(soonest, after);
        latest = std::max(latest, after);
    }
    BOOST_TEST(soonest == drain);
    BOOST_TEST(latest == drain + drain / 2);
}

BOOST_AUTO_TEST_CASE(if_nothing_is_delivered_clients_are_asked_to_wait_for_an_hour_or_the_maximum) {
    OverloadState usual(settings);
    OverloadController of_usual(settings, usual);
    watch(of_usual);
    backlog(1);
    for (int second = 0; second < 3; ++second) measure(of_usual);
    BOOST_TEST(usual.retry_after_s(0) == settings.general.overload_retry_after_max.count() / 1000);
    settings.general.overload_retry_after_max = Millis(7'200'000);
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    backlog(1);
    for (int second = 0; second < 3; ++second) measure(overload);
    BOOST_TEST(state.retry_after_s(0) == 3600);
    backlog(0.4);
    measure(overload);
    BOOST_TEST(overload.last().drain_s == 0);
    BOOST_TEST(state.retry_after_s(0) == 30);
}

BOOST_AUTO_TEST_CASE(nothing_is_measured_twice_in_a_second) {
    OverloadState state(settings);
    OverloadController overload(settings, state);
    watch(overload);
    BOOST_TEST(measure(overload) == 0);
    backlog(1);
    overload.measure(now_us + second_us - 1);
    BOOST_TEST(overload.last().pressure == 0);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(next_grows_with_the_pressure_and_the_base_does_not) {
    for (const Count growth_max : {1, 8, 100}) {
        settings.replies.next_factor_max = growth_max;
        OverloadState state(settings);
        OverloadController overload(settings, state);
        watch(overload);
        backlog(0.725);
        measure(overload);
        const double half = 30 * (1 + 0.5 * (static_cast<double>(growth_max) - 1));
        BOOST_TEST(std::abs(static_cast<double>(state.reporting_interval_s(1)) - half) <= 1);
        backlog(1);
        measure(overload);
        BOOST_TEST(state.reporting_interval_s(1) == static_cast<int64_t>(30 * growth_max));
        BOOST_TEST(state.base_interval_s(1) == 30);
    }
}

BOOST_AUTO_TEST_CASE(metrics_report_what_was_measured) {
    std::ofstream(directory.path() / "self") << "0::/\n";
    std::ofstream(directory.path() / "memory.max") << "1000\n";
    std::ofstream(directory.path() / "memory.current") << "500\n";
    OverloadState state(settings);
    OverloadController overload(settings, state,
                                CgroupMemory(directory.path(), directory.path() / "self"));
    watch(overload);
    backlog(0.725);
    measure(overload);
    const MetricShard& shard = overload.shard();
    BOOST_TEST(static_cast<double>(shard.read(Metric::pressure_ratio, 0)) == ratio_one / 2.0,
               boost::test_tools::tolerance(1e-3));
    BOOST_TEST(shard.read(Metric::memory_ratio, 0) == ratio_one / 2);
    BOOST_TEST(shard.read(Metric::backlog_drain_seconds, 0) == 3600);
}

BOOST_FIXTURE_TEST_CASE(full_pressure_is_said_when_it_begins_and_when_it_is_over,
                        ControllerFixture) {
    OverloadState state(settings);
    OverloadController overload(settings, state,
                                CgroupMemory(directory.path(), directory.path() / "none"));
    watch(overload);
    const auto said_at = [&](double share) {
        return standard_error_of([&] {
            backlog(share);
            measure(overload);
            measure(overload);
        });
    };
    BOOST_TEST(said_at(0.9) == "");
    const std::string begun = said_at(0.99);
    BOOST_TEST(
        begun.find("rejecting new clients because of the spool's backlog") != std::string::npos,
        begun);
    BOOST_TEST(begun.find('\n') == begun.size() - 1);
    BOOST_TEST(said_at(0.94) == "");
    const std::string over = said_at(0.5);
    BOOST_TEST(over.find("overload: ended") != std::string::npos, over);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
