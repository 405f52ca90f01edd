#include "daemon/mqtt/clients.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <functional>
#include <optional>
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

constexpr DelayedWills::Limits wills_max{.count = 100, .bytes = 1 << 20};

// Returns an id of two words. The second word is computed from the first, so that all these ids
// have the same std::hash in libstdc++, which is MurmurHash64A with a fixed seed.
std::string colliding_id(uint64_t number) {
    constexpr uint64_t multiplier = 0xc6a4a7935bd1e995;
    const auto mixed = [](uint64_t word) {
        word *= multiplier;
        return (word ^ word >> 47) * multiplier;
    };
    uint64_t inverse = 1;  // The inverse of the multiplier, by Newton's iteration.
    for (int round = 0; round < 6; ++round) inverse *= 2 - multiplier * inverse;
    const uint64_t start = 0xc70f6907 ^ 16 * multiplier;
    // Choose the second word so that its xor cancels the hash state after the first word.
    uint64_t second = ((start ^ mixed(number)) * multiplier) * inverse;
    second = (second ^ second >> 47) * inverse;
    std::string id(16, '\0');
    std::memcpy(id.data(), &number, sizeof number);
    std::memcpy(id.data() + sizeof number, &second, sizeof second);
    return id;
}

struct RegistryFixture {
    // Opens a connection. By default, the client asks to keep its session after the connection.
    MqttClients::Opened open(std::string_view id, bool clean_start = false, bool keep = true) {
        return registry.open(std::string(id), mailbox, 0, clean_start, keep, now_s);
    }
    MqttUnreleased& unreleased(const MqttClients::Opened& opened) {
        return *registry.unreleased(*opened.client, opened.connection);
    }
    MqttClients::Closed close(const MqttClients::Opened& opened, uint32_t expiry_s) {
        return registry.close(*opened.client, opened.connection, expiry_s, now_s);
    }
    // Closes a connection with a will, and returns what happens to the will.
    std::string close_with_will(const MqttClients::Opened& opened, uint32_t expiry_s,
                                uint32_t delay_s) {
        const int64_t waiting = counted(Metric::mqtt_wills_waiting);
        std::optional<MqttClosingWill> will{
            {.will = {.site = "site"}, .delay_s = delay_s, .site_hash = site_hash}};
        registry.close(*opened.client, opened.connection, expiry_s, now_s, will);
        if (will) return "stored now";
        return counted(Metric::mqtt_wills_waiting) > waiting ? "waits" : "withdrawn";
    }
    // Opens a session that remembers one message.
    MqttClients::Opened open_with_message(std::string_view id, uint16_t packet_id) {
        const auto opened = open(id);
        unreleased(opened).add(packet_id, opened.connection, 4);
        unreleased(opened).settle(opened.connection, 4);
        return opened;
    }
    [[nodiscard]] int64_t counted(Metric metric) const { return registry.shard().read(metric, 0); }

    Mailbox mailbox;
    Mailbox other_mailbox;
    static constexpr MqttSiteHash site_hash = 7;
    static constexpr size_t bytes_max = 100'000;
    MemoryBudget memory{bytes_max};
    MqttClients registry{2, wills_max, memory};
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
    now_s += 60;  // Times are in whole seconds, so perhaps only 59.x s have passed.
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
    MqttClients many(1000, wills_max, memory);
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

BOOST_AUTO_TEST_CASE(session_that_takes_more_memory_than_others_leave_is_not_kept) {
    const auto opened = open("a");
    for (uint16_t packet_id = 1; packet_id <= 1000; ++packet_id)
        unreleased(opened).add(packet_id, opened.connection, 4);
    unreleased(opened).settle(opened.connection, 4);
    BOOST_TEST(memory.used_by(MemoryUse::mqtt_messages) >= 24'000);
    memory.add(MemoryUse::buffers, bytes_max - 40'000);
    BOOST_TEST((close(opened, 60) == Closed::ended));
    BOOST_TEST(memory.used_by(MemoryUse::mqtt_messages) == 0);
    BOOST_TEST((close(open("b"), 60) == Closed::kept));
}

BOOST_AUTO_TEST_CASE(wills_that_wait_are_charged_and_given_back) {
    BOOST_TEST(close_with_will(open("a"), 60, 5) == "waits");
    BOOST_TEST(memory.used_by(MemoryUse::wills) > 0);
    (void)open("a");
    BOOST_TEST(memory.used_by(MemoryUse::wills) == 0);
}

// --- takeover ---

BOOST_AUTO_TEST_CASE(
    session_that_disconnect_has_ended_is_not_there_for_who_takes_over_before_it_is) {
    const auto first = open_with_message("a", 7);
    registry.set_keep_session(*first.client, first.connection, false);
    const auto second = open("a");
    BOOST_TEST(!second.session_present);
    // A late request of the first connection must affect only its own session.
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

// The two connections of a client may close in any order. The client's entry must exist until both
// have closed, and no longer.
BOOST_AUTO_TEST_CASE(client_whose_session_ended_while_an_older_connection_is_open_may_come_back) {
    const auto first = open("a");
    const auto second = open("a");
    BOOST_TEST((close(second, 0) == Closed::ended));
    const auto third = open("a");
    BOOST_TEST(!third.session_present);
    BOOST_TEST(mailbox.posted.size() == 1u);  // No message for `second`, which is already closed.
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

// --- wills ---

// [MQTT5-3.1.3-9]
BOOST_AUTO_TEST_CASE(will_waits_for_its_delay_and_for_nobody_who_comes_back) {
    const auto first = open("a");
    BOOST_TEST(close_with_will(first, 60, 5) == "waits");
    BOOST_TEST(counted(Metric::mqtt_wills_waiting) == 1);
    BOOST_TEST(!registry.has_due_will(now_s + 5));  // Perhaps only 4.x s have passed.
    BOOST_TEST(registry.has_due_will(now_s + 6));
    const auto second = open("a");
    BOOST_TEST(counted(Metric::mqtt_wills_waiting) == 0);
    BOOST_TEST(!registry.has_due_will(now_s + 6));
    BOOST_TEST(!registry.take_due_will(now_s + 6).has_value());
    BOOST_TEST(close_with_will(second, 60, 5) == "waits");
    const auto due = registry.take_due_will(now_s + 6);
    BOOST_REQUIRE(due.has_value());
    BOOST_TEST(due->site == "site");
    BOOST_TEST(counted(Metric::mqtt_wills_waiting) == 0);
}

// [MQTT5-3.1.2-8]
BOOST_AUTO_TEST_CASE(will_is_stored_at_once_without_a_delay_or_a_session) {
    BOOST_TEST(close_with_will(open("a"), 60, 0) == "stored now");
    BOOST_TEST(close_with_will(open("b"), 0, 5) == "stored now");
    BOOST_TEST(close_with_will(open("c"), 60, 100) == "waits");
    BOOST_TEST(registry.has_due_will(now_s + 61));
}

BOOST_AUTO_TEST_CASE(will_beyond_the_limit_is_stored_at_once_and_counted) {
    MqttClients few(100, {.count = 1, .bytes = 1 << 20}, memory);
    for (const auto* id : {"a", "b"}) {
        const auto opened = few.open(id, mailbox, 0, false, true, now_s);
        std::optional<MqttClosingWill> will{{.will = {.site = id}, .delay_s = 5}};
        BOOST_TEST((few.close(*opened.client, opened.connection, 60, now_s, will) == Closed::kept));
        BOOST_TEST(will.has_value() == (std::string_view(id) == "b"));
    }
    BOOST_TEST(few.shard().read(Metric::mqtt_wills_early_total, 0) == 1);
    (void)few.open("a", mailbox, 0, false, true, now_s);
    const auto opened = few.open("c", mailbox, 0, false, true, now_s);
    std::optional<MqttClosingWill> will{{.will = {.site = "c"}, .delay_s = 5}};
    few.close(*opened.client, opened.connection, 60, now_s, will);
    BOOST_TEST(!will.has_value());
}

// [MQTT-3.1.2-8] [MQTT5-3.1.2-8]
BOOST_AUTO_TEST_CASE(will_of_a_connection_that_is_taken_over_is_withdrawn_if_its_site_is_online) {
    const auto taken_over = [this](MqttSiteHash new_site, bool clean_start, uint32_t delay_s) {
        const auto first = open("a");
        const auto second = registry.open("a", mailbox, 0, clean_start, true, now_s, new_site);
        const std::string fate = close_with_will(first, 60, delay_s);
        close(second, 0);
        return fate;
    };
    constexpr MqttSiteHash other_site = site_hash + 1;
    for (const bool clean_start : {false, true})
        for (const uint32_t delay_s : {0, 5})
            BOOST_TEST(taken_over(site_hash, clean_start, delay_s) == "withdrawn");
    for (const MqttSiteHash new_site : {MqttSiteHash{0}, other_site}) {
        BOOST_TEST(taken_over(new_site, false, 0) == "stored now");
        BOOST_TEST(taken_over(new_site, true, 0) == "stored now");
        BOOST_TEST(taken_over(new_site, false, 5) == "withdrawn");  // The session continues.
        BOOST_TEST(taken_over(new_site, true, 5) == "stored now");
    }
    BOOST_TEST(counted(Metric::mqtt_wills_waiting) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
