#include "daemon/overload/controller.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/columns/row_id.h"
#include "tests/support/standard_error.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

constexpr int64_t second_us = 1'000'000;

struct PaceFixture {
    PaceFixture() { settings.replies.next_jitter = 0; }

    // The pressure after one more second.
    double measure(OverloadController& overload) {
        now_us += second_us;
        overload.measure(now_us);
        return static_cast<double>(overload.shard().read(Metric::pressure_ratio, 0)) / ratio_one;
    }
    void backlog(SinkName sink, double share) {
        const auto spool = static_cast<double>(settings.spool.size_max.count);
        shard.set(Metric::spool_backlog_bytes, static_cast<int64_t>(share * spool), label_of(sink));
    }
    static uint64_t site(int number) { return fingerprint("S" + std::to_string(number), 0); }

    Settings settings;
    TemporaryDirectory directory;
    MetricShard shard;
    MetricShard other_shard;
    int64_t now_us = second_us;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(overload_controller, PaceFixture)

BOOST_AUTO_TEST_CASE(without_pressure_and_jitter_everyone_is_asked_for_what_is_set) {
    OverloadController overload(settings);
    overload.watch({&shard});
    BOOST_TEST(measure(overload) == 0);
    for (int number = 0; number < 100; ++number) BOOST_TEST(overload.next_s(site(number)) == 30);
}

BOOST_AUTO_TEST_CASE(spool_that_cannot_grow_presses_fully) {
    OverloadController overload(settings);
    overload.watch({&shard});
    shard.set(Metric::spool_full, 1);
    BOOST_TEST(measure(overload) == 1);
    shard.set(Metric::spool_full, 0);
    BOOST_TEST(measure(overload) == 0);
}

BOOST_AUTO_TEST_CASE(sync_that_does_not_end_presses_though_no_answer_goes_out) {
    OverloadController overload(settings);
    overload.watch({&shard});
    BOOST_TEST(measure(overload) == 0);
    shard.set(Metric::spool_sync_start_seconds, now_us / second_us);
    BOOST_TEST(measure(overload) == 0);
    BOOST_TEST(measure(overload) > 0);
    for (int second = 0; second < 2; ++second) BOOST_TEST(measure(overload) < 1);
    BOOST_TEST(measure(overload) == 1);
    BOOST_TEST(overload.overloaded());
    shard.set(Metric::spool_sync_start_seconds, 0);
    BOOST_TEST(measure(overload) == 0);
}

BOOST_AUTO_TEST_CASE(backlog_of_the_slowest_sink_presses_from_half_of_the_spool) {
    OverloadController overload(settings);
    overload.watch({&shard, &other_shard});
    backlog(SinkName::sqlite, 0.1);
    const std::vector<std::pair<double, double>> expected = {{0.0, 0.0},  {0.5, 0.0}, {0.725, 0.5},
                                                             {0.95, 1.0}, {1.2, 1.0}, {0.3, 0.0}};
    for (const auto& [share, pressure] : expected) {
        backlog(SinkName::discard, share);
        BOOST_TEST(measure(overload) == pressure, boost::test_tools::tolerance(1e-3));
    }
}

BOOST_AUTO_TEST_CASE(slow_answers_press_as_long_as_they_are_among_the_last_eight_measures) {
    OverloadController overload(settings);
    overload.watch({&shard, &other_shard});
    shard.observe(Metric::ack_seconds, 1'000);
    BOOST_TEST(measure(overload) == 0);
    shard.observe(Metric::ack_seconds, 2'000'000);
    other_shard.observe(Metric::ack_seconds, 2'249'000);
    // A mean of 1.416667 s, with the quick one.
    BOOST_TEST(measure(overload) == (1'416'667.0 - 250e3) / (4e6 - 250e3),
               boost::test_tools::tolerance(1e-3));
    for (int quick = 0; quick < 7; ++quick) BOOST_TEST(measure(overload) > 0);
    BOOST_TEST(measure(overload) == 0);
    for (int slow = 0; slow < 3; ++slow) shard.observe(Metric::ack_seconds, 60'000'000);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(larger_of_the_shares_counts) {
    OverloadController overload(settings);
    overload.watch({&shard});
    backlog(SinkName::sqlite, 0.725);
    shard.observe(Metric::ack_seconds, 300'000);
    BOOST_TEST(measure(overload) == 0.5, boost::test_tools::tolerance(1e-3));
    shard.observe(Metric::ack_seconds, 60'000'000);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(memory_presses_from_four_fifths_of_what_the_control_group_may_have) {
    const std::string folder = directory.path();
    const std::vector<std::pair<int, double>> expected = {{0, 0.0},   {800, 0.0}, {875, 0.5},
                                                          {950, 1.0}, {990, 1.0}, {400, 0.0}};
    std::ofstream(folder + "/self") << "0::/\n";
    std::ofstream(folder + "/memory.max") << "1000\n";
    OverloadController overload(settings, CgroupMemory(folder, folder + "/self"));
    overload.watch({&shard});
    for (const auto& [used, pressure] : expected) {
        std::ofstream(folder + "/memory.current") << used << "\n";
        BOOST_TEST(measure(overload) == pressure, boost::test_tools::tolerance(1e-3));
        BOOST_TEST(overload.shard().read(Metric::memory_ratio, 0) == used * (ratio_one / 1000));
        BOOST_TEST(overload.overloaded() == (pressure == 1.0));
    }
}

BOOST_AUTO_TEST_CASE(whoever_is_sent_away_comes_again_when_the_backlog_will_have_fallen) {
    settings.spool.size_max = Bytes{1'000'000'000};
    OverloadController overload(settings);
    overload.watch({&shard});
    // 5 MB a second come in, and 10 MB a second go out.
    for (int second = 0; second < 20; ++second) {
        shard.add(Metric::spool_written_bytes_total, 5'000'000);
        backlog(SinkName::sqlite, 0.96 - 0.005 * second);
        measure(overload);
    }
    // 365 MB above where pressure ends. next is 30 s times growth at this pressure, which is more
    // than 36.5 s: so ask for a overload that does not grow.
    BOOST_TEST(overload.shard().read(Metric::backlog_drain_seconds, 0) == 37);
    settings.replies.next_factor_max = 1;
    OverloadController steady(settings);
    steady.watch({&shard});
    shard.add(Metric::spool_written_bytes_total, 5'000'000);
    measure(steady);
    for (int second = 0; second < 9; ++second) {
        shard.add(Metric::spool_written_bytes_total, 5'000'000);
        backlog(SinkName::sqlite, 0.96 - 0.005 * second);
        measure(steady);
    }
    const int64_t drain = steady.shard().read(Metric::backlog_drain_seconds, 0);
    BOOST_TEST(drain == 42);
    int64_t soonest = INT64_MAX;
    int64_t latest = 0;
    for (int number = 0; number < 1000; ++number) {
        const int64_t after = steady.retry_after_s(site(number));
        soonest = std::min(soonest, after);
        latest = std::max(latest, after);
    }
    BOOST_TEST(soonest == drain);
    BOOST_TEST(latest == drain + drain / 2);
}

BOOST_AUTO_TEST_CASE(if_nothing_is_delivered_nobody_is_told_to_come_before_an_hour) {
    OverloadController overload(settings);
    overload.watch({&shard});
    backlog(SinkName::sqlite, 1);
    for (int second = 0; second < 3; ++second) measure(overload);
    BOOST_TEST(overload.retry_after_s(0) == 3600);
    backlog(SinkName::sqlite, 0.4);
    measure(overload);
    BOOST_TEST(overload.shard().read(Metric::backlog_drain_seconds, 0) == 0);
    BOOST_TEST(overload.retry_after_s(0) == 30);
}

BOOST_AUTO_TEST_CASE(nothing_is_measured_twice_in_a_second) {
    OverloadController overload(settings);
    overload.watch({&shard});
    BOOST_TEST(measure(overload) == 0);
    backlog(SinkName::sqlite, 1);
    overload.measure(now_us + second_us - 1);
    BOOST_TEST(overload.shard().read(Metric::pressure_ratio, 0) == 0);
    BOOST_TEST(measure(overload) == 1);
}

BOOST_AUTO_TEST_CASE(next_grows_with_the_pressure_and_the_base_does_not) {
    for (const Count growth_max : {1, 8, 100}) {
        settings.replies.next_factor_max = growth_max;
        OverloadController overload(settings);
        overload.watch({&shard});
        backlog(SinkName::sqlite, 0.725);
        measure(overload);
        const double half = 30 * (1 + 0.5 * (static_cast<double>(growth_max) - 1));
        BOOST_TEST(std::abs(static_cast<double>(overload.next_s(1)) - half) <= 1);
        backlog(SinkName::sqlite, 1);
        measure(overload);
        BOOST_TEST(overload.next_s(1) == static_cast<int64_t>(30 * growth_max));
        BOOST_TEST(overload.base_s(1) == 30);
    }
}

BOOST_AUTO_TEST_CASE(jitter_is_the_site_s_own_and_spreads_the_fleet_over_all_it_may) {
    settings.replies.next = Millis(100'000);
    settings.replies.next_jitter = 10;
    const OverloadController overload(settings);
    std::vector<int> sites_asked_for(200);
    for (int number = 0; number < 20'000; ++number) {
        const int64_t next = overload.next_s(site(number));
        BOOST_TEST_REQUIRE(next >= 90);
        BOOST_TEST_REQUIRE(next <= 110);
        BOOST_TEST_REQUIRE(overload.next_s(site(number)) == next);
        BOOST_TEST_REQUIRE(overload.base_s(site(number)) == next);
        ++sites_asked_for[static_cast<size_t>(next)];
    }
    // 20 seconds of them, a thousand sites each; the two ends are rounded to from one side only.
    for (size_t next = 91; next < 110; ++next) {
        BOOST_TEST(sites_asked_for[next] > 800);
        BOOST_TEST(sites_asked_for[next] < 1200);
    }
}

BOOST_AUTO_TEST_CASE(nobody_is_ever_asked_to_come_at_once) {
    settings.replies.next = Millis(1000);
    settings.replies.next_jitter = 50;
    const OverloadController overload(settings);
    for (int number = 0; number < 1000; ++number)
        BOOST_TEST_REQUIRE(overload.next_s(site(number)) >= 1);
}

BOOST_FIXTURE_TEST_CASE(full_pressure_is_said_when_it_begins_and_when_it_is_over, PaceFixture) {
    OverloadController overload(settings,
                                CgroupMemory(directory.path(), directory.path() / "none"));
    overload.watch({&shard});
    const auto said_at = [&](double share) {
        return standard_error_of([&] {
            backlog(SinkName::sqlite, share);
            measure(overload);
            measure(overload);
        });
    };
    BOOST_TEST(said_at(0.9) == "");
    const std::string begun = said_at(0.99);
    BOOST_TEST(begun.find("under full pressure by the spool's backlog") != std::string::npos,
               begun);
    BOOST_TEST(begun.find('\n') == begun.size() - 1);
    BOOST_TEST(said_at(0.94) == "");
    const std::string over = said_at(0.5);
    BOOST_TEST(over.find("no more") != std::string::npos, over);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
