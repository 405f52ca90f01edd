#include "daemon/mqtt/delayed_wills.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace rollcall {

namespace {

constexpr DelayedWills::Limits plenty{.count = 100'000, .bytes = 1 << 30};

bool add(DelayedWills& wills, uint64_t connection, int64_t due_s, const std::string& site) {
    DelayedWill will{.site = site};
    return wills.add(connection, due_s, will);
}

std::string site_due(DelayedWills& wills, int64_t now_s) {
    const auto will = wills.take_due(now_s);
    return will ? will->site : "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_delayed_wills)

BOOST_AUTO_TEST_CASE(wills_are_due_in_the_order_of_their_times) {
    DelayedWills wills(plenty);
    BOOST_TEST(wills.next_due_s() == DelayedWills::never);
    BOOST_TEST(add(wills, 1, 20, "late"));
    BOOST_TEST(add(wills, 2, 10, "early"));
    BOOST_TEST(add(wills, 3, 10, "also_early"));
    BOOST_TEST(wills.next_due_s() == 10);
    BOOST_TEST(site_due(wills, 9) == "none");
    BOOST_TEST(site_due(wills, 10) == "early");
    BOOST_TEST(site_due(wills, 50) == "also_early");
    BOOST_TEST(wills.next_due_s() == 20);
    BOOST_TEST(site_due(wills, 19) == "none");
    BOOST_TEST(site_due(wills, 20) == "late");
    BOOST_TEST(site_due(wills, 20) == "none");
    BOOST_TEST(wills.next_due_s() == DelayedWills::never);
}

BOOST_AUTO_TEST_CASE(will_that_is_removed_is_never_due_and_takes_no_memory) {
    DelayedWills wills(plenty);
    BOOST_TEST(add(wills, 1, 10, std::string(1000, 's')));
    BOOST_TEST(wills.bytes() > 1000);
    wills.remove(2);
    BOOST_TEST(wills.size() == 1);
    wills.remove(1);
    BOOST_TEST(wills.size() == 0);
    BOOST_TEST(wills.bytes() == 0);
    BOOST_TEST(site_due(wills, 10) == "none");
}

BOOST_AUTO_TEST_CASE(client_that_reconnects_a_million_times_leaves_one_will) {
    DelayedWills wills(plenty);
    size_t most = 0;
    for (uint64_t connection = 1; connection <= 1'000'000; ++connection) {
        wills.remove(connection - 1);
        BOOST_TEST_REQUIRE(add(wills, connection, 3600, "router"));
        most = std::max(most, wills.bytes());
    }
    BOOST_TEST(wills.size() == 1);
    BOOST_TEST(most == wills.bytes());
}

BOOST_AUTO_TEST_CASE(wills_of_clients_that_stay_away_are_kept) {
    DelayedWills wills(plenty);
    for (uint64_t connection = 1; connection <= 10'000; ++connection)
        BOOST_TEST_REQUIRE(add(wills, connection, 1000, ""));
    BOOST_TEST(wills.size() == 10'000);
}

BOOST_AUTO_TEST_CASE(number_and_size_of_the_wills_are_limited) {
    DelayedWills few({.count = 2, .bytes = 1 << 20});
    BOOST_TEST(add(few, 1, 10, "a"));
    BOOST_TEST(add(few, 2, 10, "b"));
    DelayedWill third{.site = "c"};
    BOOST_TEST(!few.add(3, 10, third));
    BOOST_TEST(third.site == "c");
    few.remove(1);
    BOOST_TEST(few.add(3, 10, third));

    constexpr size_t bytes_max = 100'000;
    DelayedWills small({.count = 1'000'000, .bytes = bytes_max});
    uint64_t added = 0;
    while (add(small, added + 1, 10, std::string(1000, 's'))) ++added;
    BOOST_TEST(added > 50);
    BOOST_TEST(added < 100);
    BOOST_TEST(small.bytes() <= bytes_max);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
