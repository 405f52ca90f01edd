#include "daemon/mqtt/clients.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

namespace rollcall {

namespace {

struct Mailbox final : MqttMailbox {
    void post_takeover(uint32_t session_index, uint64_t connection) override {
        posted.push_back(connection);
        indexes.push_back(session_index);
    }
    std::vector<uint64_t> posted;
    std::vector<uint32_t> indexes;
};

std::string state_of(MqttUnreleased& unreleased, uint16_t packet_id, uint64_t connection) {
    switch (unreleased.state_of(packet_id, connection)) {
        case MqttUnreleased::State::unknown: return "unknown";
        case MqttUnreleased::State::stored: return "stored";
        case MqttUnreleased::State::unsettled: return "unsettled";
    }
    return {};
}

using Closed = MqttClients::Closed;

// Returns an id of two words, of which the second is computed from the first: all these ids have
// the same std::hash in libstdc++, which is MurmurHash64A with a fixed seed.
std::string colliding_id(uint64_t number) {
    constexpr uint64_t multiplier = 0xc6a4a7935bd1e995;
    const auto mixed = [](uint64_t word) {
        word *= multiplier;
        return (word ^ word >> 47) * multiplier;
    };
    uint64_t inverse = 1;  // Of the multiplier, by Newton's iteration.
    for (int round = 0; round < 6; ++round) inverse *= 2 - multiplier * inverse;
    const uint64_t start = 0xc70f6907 ^ 16 * multiplier;
    // The state behind the first word must be xored away by the second.
    uint64_t second = ((start ^ mixed(number)) * multiplier) * inverse;
    second = (second ^ second >> 47) * inverse;
    std::string id(16, '\0');
    std::memcpy(id.data(), &number, sizeof number);
    std::memcpy(id.data() + sizeof number, &second, sizeof second);
    return id;
}

struct RegistryFixture {
    // A client that wants its session kept.
    MqttClients::Opened open(std::string_view id, bool clean_start = false, bool keep = true) {
        return registry.open(std::string(id), mailbox, 0, clean_start, keep, now_s);
    }
    MqttUnreleased& unreleased(const MqttClients::Opened& opened) {
        return *registry.unreleased(*opened.client, opened.connection);
    }
    MqttClients::Closed close(const MqttClients::Opened& opened, uint32_t expiry_s) {
        return registry.close(*opened.client, opened.connection, expiry_s, now_s);
    }
    // With a message that is settled.
    MqttClients::Opened open_with_message(std::string_view id, uint16_t packet_id) {
        const auto opened = open(id);
        unreleased(opened).add(packet_id, opened.connection, 4);
        unreleased(opened).settle(opened.connection, 4);
        return opened;
    }
    [[nodiscard]] int64_t counted(Metric metric) const { return registry.shard().read(metric, 0); }

    Mailbox mailbox;
    Mailbox other_mailbox;
    MqttClients registry{2};
    int64_t now_s = 1000;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_clients, RegistryFixture)

BOOST_AUTO_TEST_CASE(ids_that_were_chosen_to_collide_do_not_share_a_bucket) {
    constexpr size_t count = 10'000;
    std::unordered_set<std::string, MqttClients::Hash> clients;
    for (uint64_t number = 0; number < count; ++number) clients.insert(colliding_id(number));
    const auto standard = std::hash<std::string>{};
    BOOST_TEST(standard(colliding_id(1)) == standard(colliding_id(2)));
    BOOST_TEST(clients.size() == count);
    size_t longest = 0;
    for (size_t bucket = 0; bucket < clients.bucket_count(); ++bucket)
        longest = std::max(longest, clients.bucket_size(bucket));
    BOOST_TEST(longest < 20);
}

// --- sessions ---

BOOST_AUTO_TEST_CASE(session_of_a_client_that_comes_back_in_time_goes_on) {
    const auto first = open_with_message("a", 7);
    BOOST_TEST(!first.session_present);
    BOOST_TEST((close(first, 60) == Closed::kept));
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 1);
    now_s += 59;
    const auto second = open("a");
    BOOST_TEST(second.session_present);
    BOOST_REQUIRE(second.unreleased);
    BOOST_TEST(state_of(*second.unreleased, 7, second.connection) == "stored");
    BOOST_TEST((&unreleased(second) == second.unreleased.get()));
    BOOST_TEST(second.connection != first.connection);
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 0);
}

BOOST_AUTO_TEST_CASE(session_that_received_nothing_goes_on_too) {
    close(open("a"), 60);
    const auto second = open("a");
    BOOST_TEST(second.session_present);
    BOOST_TEST(!second.unreleased);
}

// [MQTT5-4.1.0-2]
BOOST_AUTO_TEST_CASE(session_that_has_expired_is_a_new_one) {
    close(open_with_message("a", 7), 60);
    now_s += 60;  // Which may have been 59 and a bit.
    BOOST_TEST(open("a").session_present);
    close(open_with_message("b", 7), 60);
    now_s += 61;
    const auto second = open("b");
    BOOST_TEST(!second.session_present);
    BOOST_TEST(!second.unreleased);
}

BOOST_AUTO_TEST_CASE(session_that_nobody_asked_to_keep_ends_with_its_connection) {
    BOOST_TEST((close(open("a", false, false), 0) == Closed::ended));
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 0);
    BOOST_TEST(!open("a").session_present);
}

// [MQTT5-3.1.2-4]
BOOST_AUTO_TEST_CASE(clean_start_forgets_what_was_received) {
    close(open_with_message("a", 7), 60);
    const auto second = open("a", true);
    BOOST_TEST(!second.session_present);
    BOOST_TEST(!second.unreleased);
    BOOST_TEST(unreleased(second).size() == 0u);
}

BOOST_AUTO_TEST_CASE(clients_have_sessions_of_their_own) {
    const auto a = open("a");
    const auto b = open("b");
    BOOST_TEST(!b.session_present);
    BOOST_TEST(a.connection != b.connection);
    BOOST_TEST((&unreleased(a) != &unreleased(b)));
    BOOST_TEST(mailbox.posted.empty());
}

BOOST_AUTO_TEST_CASE(sessions_beyond_the_limit_are_not_kept) {
    for (const auto* id : {"a", "b", "c"}) {
        const bool is_kept = close(open(id), 60) == Closed::kept;
        BOOST_TEST(is_kept == (std::string_view(id) != "c"));
    }
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 2);
    BOOST_TEST(!open("c").session_present);
    BOOST_TEST(open("a").session_present);
}

BOOST_AUTO_TEST_CASE(expired_sessions_make_room_for_others) {
    for (const auto* id : {"a", "b"}) close(open(id), 60);
    now_s += 61;
    BOOST_TEST((close(open("c"), 60) == Closed::kept));
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 1);
}

BOOST_AUTO_TEST_CASE(sessions_go_when_they_expire_some_at_a_time) {
    MqttClients many(1000);
    const auto offline = [&many] { return many.shard().read(Metric::mqtt_sessions_offline, 0); };
    for (uint32_t number = 0; number < 1000; ++number) {
        const auto opened = many.open("c" + std::to_string(number), mailbox, 0, false, true, now_s);
        many.close(*opened.client, opened.connection, number < 300 ? 60 : 61, now_s);
    }
    BOOST_TEST(!many.drop_expired(now_s + 60));
    BOOST_TEST(offline() == 1000);
    int calls = 1;
    for (; many.drop_expired(now_s + 61); ++calls) BOOST_TEST(offline() == 1000 - calls * 100);
    BOOST_TEST(offline() == 700);
    BOOST_TEST(calls == 3);
    while (many.drop_expired(now_s + 62)) continue;
    BOOST_TEST(offline() == 0);
}

// --- takeover ---

BOOST_AUTO_TEST_CASE(
    session_that_disconnect_has_ended_is_not_there_for_who_takes_over_before_it_is) {
    const auto first = open_with_message("a", 7);
    registry.set_keep_session(*first.client, first.connection, false);
    const auto second = open("a");
    BOOST_TEST(!second.session_present);
    // A late request of the first connection affects its own session only.
    registry.set_keep_session(*first.client, first.connection, false);
    BOOST_TEST(open("a").session_present);
}

// [MQTT-3.1.4-2] [MQTT5-3.1.4-3]
BOOST_AUTO_TEST_CASE(connection_that_is_taken_over_is_asked_to_leave_at_its_own_mailbox) {
    const auto first = registry.open("a", mailbox, 7, false, true, now_s);
    const auto second = registry.open("a", other_mailbox, 9, false, true, now_s);
    BOOST_TEST(mailbox.posted == std::vector<uint64_t>{first.connection});
    BOOST_TEST(mailbox.indexes == std::vector<uint32_t>{7});
    BOOST_TEST(other_mailbox.posted.empty());
    BOOST_TEST(second.session_present);
    BOOST_TEST(counted(Metric::mqtt_takeovers_total) == 1);
    (void)open("a");
    BOOST_TEST(other_mailbox.posted == std::vector<uint64_t>{second.connection});
    BOOST_TEST(other_mailbox.indexes == std::vector<uint32_t>{9});
}

BOOST_AUTO_TEST_CASE(session_that_was_to_end_with_its_connection_is_not_taken_over) {
    (void)open("a", true, false);
    BOOST_TEST(!open("a").session_present);
    BOOST_TEST(mailbox.posted.size() == 1u);
}

BOOST_AUTO_TEST_CASE(end_of_a_connection_that_was_taken_over_ends_nothing) {
    const auto first = open("a");
    const auto second = open("a");
    BOOST_TEST((close(first, 0) == Closed::taken_over));
    const auto third = open("a");
    BOOST_TEST(third.session_present);
    BOOST_TEST((mailbox.posted == std::vector<uint64_t>{first.connection, second.connection}));
}

BOOST_AUTO_TEST_CASE(connection_that_was_taken_over_receives_nothing_more) {
    const auto first = open("a");
    const auto second = open("a");
    BOOST_TEST(!registry.unreleased(*first.client, first.connection));
    unreleased(second).add(7, second.connection, 4);
    BOOST_TEST(unreleased(second).size() == 1u);
}

// However the two ends come, its place is there until the last one, and free after it.
BOOST_AUTO_TEST_CASE(client_whose_session_ended_while_an_older_connection_is_open_may_come_back) {
    const auto first = open("a");
    const auto second = open("a");
    BOOST_TEST((close(second, 0) == Closed::ended));
    const auto third = open("a");
    BOOST_TEST(!third.session_present);
    BOOST_TEST(mailbox.posted.size() == 1u);  // Nobody was there any more.
    BOOST_TEST((close(first, 60) == Closed::taken_over));
    BOOST_TEST((close(third, 0) == Closed::ended));
    BOOST_TEST(!open("a").session_present);
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 0);
}

BOOST_AUTO_TEST_CASE(older_connection_that_closes_last_leaves_an_ended_session_ended) {
    const auto first = open("a");
    close(open("a"), 0);
    BOOST_TEST((close(first, 60) == Closed::taken_over));
    BOOST_TEST(!open("a").session_present);
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 0);
}

BOOST_AUTO_TEST_CASE(older_connection_that_closes_last_leaves_a_kept_session_kept) {
    const auto first = open("a");
    close(open("a"), 60);
    BOOST_TEST((close(first, 0) == Closed::taken_over));
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 1);
    BOOST_TEST(open("a").session_present);
}

BOOST_AUTO_TEST_CASE(session_that_has_expired_goes_before_the_last_of_its_connections) {
    const auto first = open("a");
    close(open_with_message("a", 7), 60);
    now_s += 61;
    BOOST_TEST(!registry.drop_expired(now_s));
    BOOST_TEST(counted(Metric::mqtt_sessions_offline) == 0);
    const auto third = open("a");
    BOOST_TEST(!third.session_present);
    BOOST_TEST(!third.unreleased);
    BOOST_TEST((close(third, 0) == Closed::ended));
    BOOST_TEST((close(first, 60) == Closed::taken_over));
    BOOST_TEST(!open("a").session_present);
}

BOOST_AUTO_TEST_CASE(last_connection_of_a_session_is_known_to_those_before_it) {
    const auto first = open("a");
    const auto session = registry.unreleased(*first.client, first.connection);
    BOOST_TEST(session->newest_connection() == first.connection);
    close(first, 60);
    BOOST_TEST(session->newest_connection() == first.connection);
    // Also if it begins a session anew, and ends it.
    const auto second = open("a", true, false);
    BOOST_TEST(session->newest_connection() == second.connection);
    close(second, 0);
    BOOST_TEST(session->newest_connection() == second.connection);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
