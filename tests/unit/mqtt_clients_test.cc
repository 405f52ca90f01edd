#include "daemon/mqtt_clients.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

namespace rollcall {

namespace {

struct Desk final : MqttDesk {
    void ask_to_leave(uint64_t connection) override { asked.push_back(connection); }
    std::vector<uint64_t> asked;
};

std::string knows(MqttReceived& received, uint16_t packet_id, uint64_t connection) {
    switch (received.knows(packet_id, connection)) {
        case MqttReceived::Known::no: return "no";
        case MqttReceived::Known::yes: return "yes";
        case MqttReceived::Known::unsettled: return "unsettled";
    }
    return {};
}

struct ClientsFixture {
    // A client that wants its session kept.
    MqttClients::Opened open(std::string_view id, bool clean_start = false, bool keep = true) {
        return clients.open(id, desk, clean_start, keep, now_s);
    }
    [[nodiscard]] int64_t counted(Metric metric) const { return clients.slab().read(metric, 0); }

    Desk desk;
    Desk other_desk;
    MqttClients clients{2};
    int64_t now_s = 1000;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_clients, ClientsFixture)

// --- what was received ---

BOOST_AUTO_TEST_CASE(message_is_known_to_its_own_connection_at_once_and_to_the_next_when_settled) {
    MqttReceived received;
    received.add(7, 1, 100);
    BOOST_TEST(knows(received, 7, 1) == "yes");
    BOOST_TEST(knows(received, 8, 1) == "no");
    BOOST_TEST(knows(received, 7, 2) == "unsettled");  // It may not be on disk yet.
    received.settle(1, 100);
    BOOST_TEST(knows(received, 7, 2) == "yes");
}

BOOST_AUTO_TEST_CASE(message_whose_answer_was_never_heard_is_forgotten_with_its_connection) {
    MqttReceived received;
    received.add(1, 1, 100);
    received.add(2, 1, 101);
    received.add(3, 2, 500);  // Of another connection: not settled yet.
    received.settle(1, 100);
    BOOST_TEST(knows(received, 1, 9) == "yes");
    BOOST_TEST(knows(received, 2, 9) == "no");
    BOOST_TEST(knows(received, 3, 2) == "yes");
    BOOST_TEST(received.size() == 2u);
}

BOOST_AUTO_TEST_CASE(message_is_released_once) {
    MqttReceived received;
    received.add(7, 1, 100);
    BOOST_TEST(received.release(7));
    BOOST_TEST(knows(received, 7, 1) == "no");
    BOOST_TEST(!received.release(7));
}

// --- sessions ---

BOOST_AUTO_TEST_CASE(session_of_a_client_that_comes_back_in_time_goes_on) {
    const auto first = open("a");
    BOOST_TEST(!first.present);
    first.received->add(7, first.connection, 4);
    first.received->settle(first.connection, 4);
    BOOST_TEST(clients.close("a", first.connection, 60, now_s));
    BOOST_TEST(counted(Metric::mqtt_sessions_away) == 1);
    now_s += 59;
    const auto second = open("a");
    BOOST_TEST(second.present);
    BOOST_TEST(knows(*second.received, 7, second.connection) == "yes");
    BOOST_TEST(second.connection != first.connection);
    BOOST_TEST(counted(Metric::mqtt_sessions_away) == 0);
}

// [MQTT5-4.1.0-2]
BOOST_AUTO_TEST_CASE(session_that_has_expired_is_a_new_one) {
    const auto first = open("a");
    clients.close("a", first.connection, 60, now_s);
    now_s += 60;
    BOOST_TEST(!open("a").present);
}

BOOST_AUTO_TEST_CASE(session_that_nobody_asked_to_keep_ends_with_its_connection) {
    const auto first = open("a", false, false);
    BOOST_TEST(!clients.close("a", first.connection, 0, now_s));
    BOOST_TEST(counted(Metric::mqtt_sessions_away) == 0);
    BOOST_TEST(!open("a").present);
}

// [MQTT5-3.1.2-4]
BOOST_AUTO_TEST_CASE(clean_start_forgets_what_was_received) {
    const auto first = open("a");
    first.received->add(7, first.connection, 4);
    first.received->settle(first.connection, 4);
    clients.close("a", first.connection, 60, now_s);
    const auto second = open("a", true);
    BOOST_TEST(!second.present);
    BOOST_TEST(second.received->size() == 0u);
}

BOOST_AUTO_TEST_CASE(clients_have_sessions_of_their_own) {
    const auto a = open("a");
    const auto b = open("b");
    BOOST_TEST(!b.present);
    BOOST_TEST(a.connection != b.connection);
    BOOST_TEST((a.received != b.received));
    BOOST_TEST(desk.asked.empty());
}

BOOST_AUTO_TEST_CASE(sessions_beyond_the_limit_are_not_kept) {
    for (const auto* id : {"a", "b", "c"}) {
        const auto opened = open(id);
        const bool is_kept = clients.close(id, opened.connection, 60, now_s);
        BOOST_TEST(is_kept == (std::string_view(id) != "c"));
    }
    BOOST_TEST(counted(Metric::mqtt_sessions_away) == 2);
    BOOST_TEST(!open("c").present);
    BOOST_TEST(open("a").present);
}

BOOST_AUTO_TEST_CASE(expired_sessions_make_room_for_others) {
    for (const auto* id : {"a", "b"}) {
        const auto opened = open(id);
        clients.close(id, opened.connection, 60, now_s);
    }
    now_s += 60;
    const auto opened = open("c");
    BOOST_TEST(clients.close("c", opened.connection, 60, now_s));
    BOOST_TEST(counted(Metric::mqtt_sessions_away) == 1);
}

// --- takeover ---

// [MQTT-3.1.4-2] [MQTT5-3.1.4-3]
BOOST_AUTO_TEST_CASE(connection_that_is_taken_over_is_asked_to_leave_at_its_own_desk) {
    const auto first = open("a");
    const auto second = clients.open("a", other_desk, false, true, now_s);
    BOOST_TEST(desk.asked == std::vector<uint64_t>{first.connection});
    BOOST_TEST(other_desk.asked.empty());
    BOOST_TEST(second.present);
    BOOST_TEST(counted(Metric::mqtt_takeovers_total) == 1);
    (void)open("a");
    BOOST_TEST(other_desk.asked == std::vector<uint64_t>{second.connection});
}

BOOST_AUTO_TEST_CASE(session_that_was_to_end_with_its_connection_is_not_taken_over) {
    (void)open("a", true, false);
    BOOST_TEST(!open("a").present);
    BOOST_TEST(desk.asked.size() == 1u);
}

BOOST_AUTO_TEST_CASE(end_of_a_connection_that_was_taken_over_ends_nothing) {
    const auto first = open("a");
    const auto second = open("a");
    BOOST_TEST(clients.close("a", first.connection, 0, now_s));
    const auto third = open("a");
    BOOST_TEST(third.present);
    BOOST_TEST((desk.asked == std::vector<uint64_t>{first.connection, second.connection}));
}

BOOST_AUTO_TEST_CASE(last_connection_of_a_session_is_known_to_those_before_it) {
    const auto first = open("a");
    BOOST_TEST(first.received->last_connection() == first.connection);
    clients.close("a", first.connection, 60, now_s);
    BOOST_TEST(first.received->last_connection() == first.connection);
    // Also if it begins a session anew, and ends it.
    const auto second = open("a", true, false);
    BOOST_TEST(first.received->last_connection() == second.connection);
    clients.close("a", second.connection, 0, now_s);
    BOOST_TEST(first.received->last_connection() == second.connection);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
