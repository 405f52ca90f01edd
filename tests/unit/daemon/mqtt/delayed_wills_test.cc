#include "daemon/mqtt/delayed_wills.h"

#include <boost/test/unit_test.hpp>
#include <vector>

namespace rollcall {

namespace {

// A session whose last connection is this one.
std::shared_ptr<MqttUnreleased> session(uint64_t connection) {
    auto unreleased = std::make_shared<MqttUnreleased>();
    unreleased->set_newest_connection(connection);
    return unreleased;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_delayed_wills)

BOOST_AUTO_TEST_CASE(wills_are_due_in_the_order_of_their_times) {
    DelayedWills wills;
    BOOST_TEST(wills.empty());
    wills.add(2000, {session(1), 1, "late", ""});
    wills.add(1000, {session(2), 2, "early", ""});
    BOOST_TEST(wills.due(999) == nullptr);
    BOOST_TEST_REQUIRE(wills.due(1000) != nullptr);
    BOOST_TEST(wills.due(5000)->site == "early");
    wills.pop();
    BOOST_TEST(wills.due(1999) == nullptr);
    BOOST_TEST_REQUIRE(wills.due(2000) != nullptr);
    BOOST_TEST(wills.due(2000)->site == "late");
    BOOST_TEST(!wills.due(2000)->withdrawn());
    wills.pop();
    BOOST_TEST(wills.empty());
}

BOOST_AUTO_TEST_CASE(client_that_reconnects_a_million_times_leaves_few_wills) {
    DelayedWills wills;
    const auto unreleased = session(0);
    size_t most = 0;
    for (uint64_t connection = 1; connection <= 1'000'000; ++connection) {
        unreleased->set_newest_connection(connection);
        wills.add(3'600'000'000, {unreleased, connection, "router", "127.0.0.1"});
        most = std::max(most, wills.size());
    }
    BOOST_TEST(most <= 1024);
}

BOOST_AUTO_TEST_CASE(wills_of_clients_that_stay_away_are_kept) {
    DelayedWills wills;
    std::vector<std::shared_ptr<MqttUnreleased>> sessions;
    for (uint64_t connection = 1; connection <= 10'000; ++connection)
        wills.add(1000, {sessions.emplace_back(session(connection)), connection, "", ""});
    BOOST_TEST(wills.size() == 10'000);
    // Those that come back are removed when more wills are added than there were.
    for (const auto& unreleased : sessions) unreleased->set_newest_connection(20'000);
    for (uint64_t connection = 1; connection <= 20'000; ++connection)
        wills.add(2000, {session(connection), connection, "", ""});
    BOOST_TEST(wills.size() == 20'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
