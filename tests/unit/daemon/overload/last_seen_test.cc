#include "daemon/overload/last_seen.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

namespace rollcall {

namespace {

constexpr int64_t now_s = 1'790'000'040;  // The start of a minute.
constexpr uint64_t site = 7ULL << 32 | 5;
constexpr uint64_t site_of_same_place = 8ULL << 32 | 5;
constexpr uint64_t site_of_other_place = 7ULL << 32 | 6;

}  // namespace

BOOST_AUTO_TEST_SUITE(overload_last_seen)

BOOST_AUTO_TEST_CASE(age_is_that_of_the_last_report) {
    LastSeen seen(1000);
    BOOST_TEST(!seen.collectors_age_s(site, now_s));
    seen.note_collectors(site, now_s);
    BOOST_TEST(seen.collectors_age_s(site, now_s).value() == 0);
    BOOST_TEST(seen.collectors_age_s(site, now_s + 90).value() == 90);
    seen.note_collectors(site, now_s + 60);
    BOOST_TEST(seen.collectors_age_s(site, now_s + 90).value() == 30);
    BOOST_TEST(seen.collectors_age_s(site, now_s).value() == 0);  // The clock was set back.
}

BOOST_AUTO_TEST_CASE(sites_of_one_place_forget_each_other_and_are_never_taken_for_each_other) {
    LastSeen seen(1000);
    seen.note_collectors(site, now_s);
    BOOST_TEST(!seen.collectors_age_s(site_of_same_place, now_s));
    BOOST_TEST(!seen.collectors_age_s(site_of_other_place, now_s));
    seen.note_collectors(site_of_other_place, now_s + 1);
    BOOST_TEST(seen.collectors_age_s(site, now_s + 1).value() == 1);
    seen.note_collectors(site_of_same_place, now_s + 2);
    BOOST_TEST(!seen.collectors_age_s(site, now_s + 2));
}

BOOST_AUTO_TEST_CASE(site_is_the_first_once_in_each_minute_of_the_clock) {
    LastSeen seen(1000);
    BOOST_TEST(seen.first_in_minute(site, now_s + 30));
    BOOST_TEST(!seen.first_in_minute(site, now_s + 31));
    BOOST_TEST(!seen.first_in_minute(site, now_s + 59));
    BOOST_TEST(seen.first_in_minute(site_of_other_place, now_s + 59));
    BOOST_TEST(seen.first_in_minute(site, now_s + 60));
    BOOST_TEST(!seen.first_in_minute(site, now_s + 119));
}

BOOST_AUTO_TEST_CASE(kinds_know_nothing_of_each_other) {
    LastSeen seen(1);
    seen.note_collectors(site, now_s);
    BOOST_TEST(seen.first_in_minute(site, now_s));
    BOOST_TEST(!seen.first_in_minute(site, now_s));
    BOOST_TEST(seen.collectors_age_s(site, now_s).value() == 0);
}

BOOST_AUTO_TEST_CASE(of_several_threads_one_is_the_first) {
    constexpr int64_t minutes = 200;
    for (int64_t minute = 0; minute < minutes; ++minute) {
        LastSeen seen(1000);
        std::atomic<int> firsts = 0;
        {
            std::vector<std::jthread> threads(4);
            for (auto& thread : threads)
                thread = std::jthread([&] {
                    for (int64_t second = 0; second < 60; ++second)
                        firsts += seen.first_in_minute(site, now_s + second);
                });
        }
        BOOST_TEST_REQUIRE(firsts == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
