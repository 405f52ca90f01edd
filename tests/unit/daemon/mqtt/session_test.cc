#include "daemon/mqtt/session.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/mqtt_packets.h"
#include "tests/support/random.h"
#include "tests/support/tcp_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

namespace {

using namespace packets;
using namespace std::chrono_literals;
using namespace std::string_literals;
using mqtt::Reason;
using mqtt::Type;
using mqtt::Version;

constexpr int levels[] = {4, 5};
const std::string malformed = "{";

// What the daemon says to a client of 5.0 that asks for nothing, as the settings are.
constexpr mqtt::ServerProperties usual{
    .receive_max = 1000, .topic_alias_max = 8, .packet_bytes_max = 80 * 1024};

mqtt::ServerProperties with_receive_max(uint16_t receive_max) {
    mqtt::ServerProperties properties = usual;
    properties.receive_max = receive_max;
    return properties;
}
std::string connack(int level, bool session_present = false,
                    const mqtt::ServerProperties& properties = usual) {
    return mqtt::connack(static_cast<Version>(level), session_present, properties);
}
std::string refused(int level, Reason reason, std::string_view words = {}) {
    return mqtt::refusing_connack(static_cast<Version>(level), reason, words);
}
// What 5.0 hears with an acknowledgement that says no.
std::string puback_saying(size_t packet_id, Reason reason, std::string_view words) {
    return mqtt::acknowledgement(Version::v5, Type::puback, static_cast<uint16_t>(packet_id),
                                 reason, words);
}
std::string pubrec_saying(size_t packet_id, Reason reason, std::string_view words) {
    return mqtt::acknowledgement(Version::v5, Type::pubrec, static_cast<uint16_t>(packet_id),
                                 reason, words);
}
std::string pubcomp_unknown(int level, size_t packet_id) {
    return level == 5 ? packet(0x70, two(packet_id) + "\x92") : packets::pubcomp(packet_id);
}
// 3.1.1 just ends.
std::string dismissal(int level, Reason reason, std::string_view words = {}) {
    return level == 5 ? mqtt::disconnect(reason, words) : std::string();
}

// A CONNECT of a client whose session is to outlive its connection for a minute.
std::string connect_to_stay(int level, int flags = 0, const std::string& id = "stays") {
    return connect(
        id + byte(static_cast<size_t>('0' + level)),
        {.level = level, .flags = flags, .properties = level == 5 ? property(17, four(60)) : ""});
}

std::string connect_with_will(int level, size_t delay_s = 0, size_t expiry_s = 0,
                              size_t keep_alive_s = 60) {
    return connect(
        "MT1", {.level = level,
                .flags = 2 | will_flag,
                .keep_alive_s = keep_alive_s,
                .properties = level == 5 ? property(17, four(expiry_s)) : "",
                .behind_id = will(level, "checkins/gone", "offline", property(24, four(delay_s)))});
}

struct SessionFixture : WorkerFixture {
    [[nodiscard]] int64_t rejected(Code code) const {
        return counted(Metric::checkins_rejected_total, label_of(Transport::mqtt, code));
    }
    [[nodiscard]] int64_t accepted() const {
        return counted(Metric::checkins_accepted_total, label_of(Transport::mqtt));
    }
    void limit_network(size_t checkins_a_minute, Millis burst, Millis grace = Millis(0)) {
        settings.quotas.network_checkins_max = checkins_a_minute;
        settings.quotas.burst = burst;
        settings.quotas.grace = grace;
    }
    // A report of r1 on a connection of its own, behind all that happened before.
    void mark() const {
        TcpClient client(mqtt_port);
        client.send(connect("marker") + publish(4, 1, 1));
        BOOST_TEST(client.take(8) == connack(4) + puback(1));
    }
};

void expect(TcpClient& client, const std::string& answers) {
    BOOST_TEST(client.take(answers.size()) == answers);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_session, SessionFixture)

// --- messages ---

BOOST_AUTO_TEST_CASE(publish_is_acknowledged_when_it_is_durable) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 1, 7) + publish(level, 2, 8));
        expect(client, connack(level) + puback(7) + pubrec(8));
    }
    BOOST_TEST(accepted() == 4);
}

// The sink is down, so the spool fills up and takes no more: then nothing more is acknowledged.
BOOST_AUTO_TEST_CASE(message_that_does_not_reach_the_disk_is_not_acknowledged) {
    settings.spool.size_max = Bytes{64 * 1024};
    start();
    for (const int qos : {1, 2}) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1"));
        expect(client, connack(4));
        constexpr size_t messages = 800;
        std::string all;
        for (size_t id = 1; id <= messages; ++id) all += publish(4, qos, id);
        client.send(all);
        std::this_thread::sleep_for(300ms);
        const auto before = accepted();
        BOOST_TEST(before < static_cast<int64_t>(messages));
        if (qos == 1) continue;
        (void)sites(1);  // The sink is up.
        for (size_t id = 1; id <= messages; ++id) expect(client, pubrec(id));
    }
}

// [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT5-4.6.0-2] [MQTT5-4.6.0-3]
BOOST_AUTO_TEST_CASE(acknowledgements_come_in_the_order_of_the_publishes) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        std::string sent = connect("MT1", {.level = level});
        std::string expected = connack(level);
        for (size_t id = 1; id <= 100; ++id) {
            // Every third cannot be decoded, and is answered in its turn all the same.
            const bool is_bad = id % 3 == 0;
            const bool says_why = is_bad && level == 5;
            const int qos = id % 2 == 0 ? 2 : 1;
            sent +=
                is_bad ? publish(level, qos, id, {.payload = malformed}) : publish(level, qos, id);
            constexpr Reason why = Reason::payload_format_invalid;
            if (qos == 1)
                expected += says_why ? puback_saying(id, why, "malformed_json") : puback(id);
            if (qos == 2)
                expected += says_why ? pubrec_saying(id, why, "malformed_json") : pubrec(id);
        }
        client.send(sent);
        expect(client, expected);
    }
    BOOST_TEST(rejected(Code::malformed_json) == 66);
}

BOOST_AUTO_TEST_CASE(publish_without_acknowledgement_is_counted_when_durable) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1") + publish(4, 0, 0) + publish(4, 1, 1));
    expect(client, connack(4) + puback(1));
    BOOST_TEST(accepted() == 2);
}

BOOST_AUTO_TEST_CASE(router_with_a_broken_report_is_answered_and_seen) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1") + publish(4, 1, 1, {.payload = malformed}) +
                publish(4, 1, 2, {.topic = "checkins/r2", .payload = malformed}));
    expect(client, connack(4) + puback(1) + puback(2));
    BOOST_TEST(sites(2) == "r1 r2");
    BOOST_TEST(counted(Metric::liveness_rows_total, label_of(Transport::mqtt)) == 2);
    BOOST_TEST(accepted() == 0);
}

BOOST_AUTO_TEST_CASE(topic_that_nobody_takes_is_said_in_5_0_and_acknowledged_in_3_1_1) {
    start();
    const std::string too_long = "checkins/" + std::string(1024, 'x');
    for (const std::string& topic : {std::string("elsewhere"), too_long})
        for (const int level : levels) {
            const Message elsewhere{.topic = topic};
            TcpClient client(mqtt_port);
            client.send(connect("MT1", {.level = level}) + publish(level, 0, 0, elsewhere) +
                        publish(level, 1, 1, elsewhere) + publish(level, 2, 2, elsewhere) +
                        publish(level, 1, 3));
            expect(client, level == 4
                               ? connack(4) + puback(1) + pubrec(2) + puback(3)
                               : connack(5) +
                                     puback_saying(1, Reason::topic_name_invalid, "unknown_topic") +
                                     pubrec_saying(2, Reason::topic_name_invalid, "unknown_topic") +
                                     puback(3));
        }
    BOOST_TEST(rejected(Code::unknown_topic) == 12);
    BOOST_TEST(accepted() == 4);
}

BOOST_AUTO_TEST_CASE(retained_messages_are_taken_as_any_other) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 1, 1, {.retain = true}) +
                    publish(level, 1, 2, {.payload = "", .retain = true}));
        expect(client, connack(level) + puback(1) + puback(2));
    }
    BOOST_TEST(sites(4) == "r1 r1 r1 r1");
}

BOOST_AUTO_TEST_CASE(user_properties_are_taken_and_the_content_type_is_heard) {
    start();
    const std::string user = property(38, pair("a", "b")) + property(38, pair("a", "b"));
    TcpClient client(mqtt_port);
    client.send(
        connect("MT1", {.level = 5, .properties = user}) +
        publish(5, 1, 1, {.payload = "cpu_count=4", .properties = user}) +
        publish(5, 1, 2,
                {.payload = "cpu_count=4", .properties = property(3, text("application/json"))}));
    expect(client, connack(5) + puback(1) +
                       puback_saying(2, Reason::payload_format_invalid, "malformed_json"));
}

// --- QoS 2 ---

// [MQTT-4.3.3-2] [MQTT5-4.3.3-8] [MQTT5-4.3.3-10] [MQTT5-4.3.3-11] [MQTT5-4.3.3-12]
BOOST_AUTO_TEST_CASE(message_of_qos_2_is_stored_once_until_it_is_released) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 2, 7) +
                    publish(level, 2, 7, {.dup = true}));
        expect(client, connack(level) + pubrec(7) + pubrec(7));
        client.send(publish(level, 2, 7, {.dup = true}) + pubrel(7) +
                    publish(level, 2, 7, {.topic = "checkins/r2"}) + pubrel(7));
        expect(client, pubrec(7) + pubcomp(7) + pubrec(7) + pubcomp(7));
    }
    BOOST_TEST(sites(4) == "r1 r2 r1 r2");
}

BOOST_AUTO_TEST_CASE(release_of_a_message_that_nobody_sent_is_completed_and_said_in_5_0) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 2, 7) + pubrel(7) +
                    pubrel(7) + pubrel(9));
        expect(client, connack(level) + pubrec(7) + pubcomp(7) + pubcomp_unknown(level, 7) +
                           pubcomp_unknown(level, 9));
    }
}

// [MQTT5-4.3.3-9]
BOOST_AUTO_TEST_CASE(packet_id_of_a_message_that_was_refused_is_free_in_5_0) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5}) + publish(5, 2, 7, {.payload = malformed}) +
                pubrel(7) + publish(5, 2, 7) + pubrel(7));
    expect(client, connack(5) + pubrec_saying(7, Reason::payload_format_invalid, "malformed_json") +
                       pubcomp_unknown(5, 7) + pubrec(7) + pubcomp(7));
}

BOOST_AUTO_TEST_CASE(message_of_qos_2_that_cannot_be_decoded_goes_its_way_in_3_1_1) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1") + publish(4, 2, 7, {.payload = malformed}) +
                publish(4, 2, 7, {.payload = malformed, .dup = true}) + pubrel(7));
    expect(client, connack(4) + pubrec(7) + pubrec(7) + pubcomp(7));
    BOOST_TEST(rejected(Code::malformed_json) == 1);
}

BOOST_AUTO_TEST_CASE(answers_to_what_the_server_never_sent_are_answered_as_the_standard_says) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + packet(0x40, two(1)) + packet(0x50, two(2)) +
                    packet(0x70, two(3)) + pingreq());
        const std::string to_pubrec = level == 5 ? packet(0x62, two(2) + "\x92") : "";
        expect(client, connack(level) + to_pubrec + "\xD0\0"s);
    }
}

// --- sessions ---

// [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-4.1.0-1] [MQTT5-3.1.2-5] [MQTT5-3.1.2-23]
BOOST_AUTO_TEST_CASE(session_goes_on_after_a_connection_and_knows_what_was_received) {
    start();
    for (const int level : levels) {
        {
            TcpClient client(mqtt_port);
            client.send(connect_to_stay(level));
            expect(client, connack(level, false));
        }
        {
            TcpClient client(mqtt_port);
            client.send(connect_to_stay(level) + publish(level, 2, 7));
            expect(client, connack(level, true) + pubrec(7));
        }
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(level) + publish(level, 2, 7, {.dup = true}) + pubrel(7) +
                    pubrel(7) + publish(level, 2, 8, {.topic = "checkins/r2"}));
        expect(client, connack(level, true) + pubrec(7) + pubcomp(7) + pubcomp_unknown(level, 7) +
                           pubrec(8));
    }
    BOOST_TEST(sites(4) == "r1 r2 r1 r2");
}

// [MQTT-3.1.2-6] [MQTT-3.2.2-1] [MQTT5-3.1.2-4] [MQTT5-3.2.2-2]
BOOST_AUTO_TEST_CASE(clean_start_begins_a_new_session) {
    start();
    for (const int level : levels) {
        {
            TcpClient client(mqtt_port);
            client.send(connect_to_stay(level) + publish(level, 2, 7));
            expect(client, connack(level, false) + pubrec(7));
        }
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(level, 2) + publish(level, 2, 7) + pubrel(7));
        expect(client, connack(level, false) + pubrec(7) + pubcomp(7));
    }
    BOOST_TEST(sites(4) == "r1 r1 r1 r1");
}

BOOST_AUTO_TEST_CASE(session_of_a_clean_start_in_3_1_1_or_without_expiry_in_5_0_ends_at_once) {
    start();
    for (const int level : levels)
        for (int round = 0; round < 2; ++round) {
            TcpClient client(mqtt_port);
            client.send(connect("MT1", {.level = level, .flags = level == 5 ? 0 : 2}) +
                        disconnect());
            BOOST_TEST(client.take_rest() == connack(level, false));
        }
    TcpClient client(mqtt_port);
    client.send(connect_to_stay(4));
    expect(client, connack(4, false));
}

BOOST_AUTO_TEST_CASE(session_is_kept_no_longer_than_the_settings_allow_and_5_0_hears_so) {
    settings.mqtt.session_expiry_max = Millis(0);
    start();
    for (const int level : levels)
        for (int round = 0; round < 2; ++round) {
            mqtt::ServerProperties properties = usual;
            properties.session_expiry_s = 0;
            TcpClient client(mqtt_port);
            client.send(connect_to_stay(level) + disconnect());
            BOOST_TEST(client.take_rest() == connack(level, false, properties));
        }
}

BOOST_AUTO_TEST_CASE(disconnect_may_change_how_long_a_session_is_kept_but_not_revive_it) {
    start();
    const auto disconnect_with_expiry = [](size_t seconds) {
        return packet(0xE0, "\0\5"s + property(17, four(seconds)));
    };
    {
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(5) + disconnect_with_expiry(0));
        BOOST_TEST(client.take_rest() == connack(5, false));
    }
    {
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(5) + disconnect_with_expiry(30));
        BOOST_TEST(client.take_rest() == connack(5, false));
    }
    {
        TcpClient client(mqtt_port);
        client.send(connect("stays5", {.level = 5, .flags = 0}) + disconnect_with_expiry(30));
        BOOST_TEST(client.take_rest() ==
                   connack(5, true) + dismissal(5, Reason::protocol_error, "mqtt_protocol_error"));
    }
    TcpClient client(mqtt_port);
    client.send(connect_to_stay(5));
    expect(client, connack(5, false));
}

// What counts is what its CONNECT asked for, not what was granted (section 3.14.2.2.2 of 5.0).
BOOST_AUTO_TEST_CASE(client_whose_session_is_not_kept_may_ask_again_at_its_end) {
    settings.mqtt.session_expiry_max = Millis(0);
    start();
    mqtt::ServerProperties properties = usual;
    properties.session_expiry_s = 0;
    TcpClient client(mqtt_port);
    client.send(connect_to_stay(5) + packet(0xE0, "\0\5"s + property(17, four(30))));
    BOOST_TEST(client.take_rest() == connack(5, false, properties));
    BOOST_TEST(rejected(Code::mqtt_protocol_error) == 0);
}

// [MQTT-3.1.3-6] [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
BOOST_AUTO_TEST_CASE(client_without_an_id_is_given_one_of_its_own) {
    start();
    TcpClient first(mqtt_port);
    TcpClient second(mqtt_port);
    std::string ids[2];
    for (TcpClient* client : {&first, &second}) {
        client->send(connect("", {.level = 5}));
        mqtt::ServerProperties properties = usual;
        const std::string an_id(23, 'x');  // Which every server takes [MQTT5-3.1.3-5].
        properties.assigned_client_id = an_id;
        const size_t size = connack(5, false, properties).size();
        const std::string answer = client->take(size);
        std::string& id = ids[client == &first ? 0 : 1];
        id = answer.substr(answer.find("client-"), 23);
        properties.assigned_client_id = id;
        BOOST_TEST(answer == connack(5, false, properties));
    }
    BOOST_TEST(ids[0] != ids[1]);
    TcpClient third(mqtt_port);
    third.send(connect("") + publish(4, 1, 1));
    expect(third, connack(4) + puback(1));
}

// --- takeover ---

// [MQTT-3.1.4-2] [MQTT5-3.1.4-3]
BOOST_AUTO_TEST_CASE(client_that_connects_again_ends_its_last_connection_which_leaves_no_will) {
    start();
    for (const int level : levels) {
        TcpClient first(mqtt_port);
        first.send(connect_with_will(level) + publish(level, 1, 1));
        expect(first, connack(level) + puback(1));
        TcpClient second(mqtt_port);
        second.send(connect("MT1", {.level = level}));
        expect(second, connack(level));
        BOOST_TEST(first.take_rest() == dismissal(level, Reason::session_taken_over));
        second.send(publish(level, 1, 1));
        expect(second, puback(1));
    }
    BOOST_TEST(shared->mqtt_clients.shard().read(Metric::mqtt_takeovers_total, 0) >= 2);
    BOOST_TEST(sites(4) == "r1 r1 r1 r1");
}

BOOST_AUTO_TEST_CASE(client_may_connect_again_to_another_worker) {
    start(2);
    for (const int level : levels) {
        TcpClient first(mqtt_port);
        first.send(connect_with_will(level));
        expect(first, connack(level));
        TcpClient second(second_mqtt_port);
        second.send(connect_with_will(level));
        expect(second, connack(level));
        BOOST_TEST(first.take_rest() == dismissal(level, Reason::session_taken_over));
        TcpClient third(mqtt_port);
        third.send(connect("MT1", {.level = level}));
        expect(third, connack(level));
        BOOST_TEST(second.take_rest() == dismissal(level, Reason::session_taken_over));
        third.send(publish(level, 1, 1) + disconnect());
        BOOST_TEST(third.take_rest() == puback(1));
    }
    mark();
    BOOST_TEST(sites(3) == "r1 r1 r1");
}

// The message comes again while the connection that took it has not ended.
BOOST_AUTO_TEST_CASE(session_that_is_taken_over_knows_what_was_received) {
    start(2);
    for (const int level : levels)
        for (const uint16_t port : {mqtt_port, second_mqtt_port}) {
            const std::string hello = connect_to_stay(level, 0, std::to_string(port));
            TcpClient first(mqtt_port);
            first.send(hello + publish(level, 2, 7));
            expect(first, connack(level, false) + pubrec(7));
            TcpClient second(port);
            second.send(hello + publish(level, 2, 7, {.dup = true}) + pubrel(7) + disconnect());
            BOOST_TEST(second.take_rest() == connack(level, true) + pubrec(7) + pubcomp(7));
        }
    mark();
    BOOST_TEST(sites(5) == "r1 r1 r1 r1 r1");
}

// --- limits ---

BOOST_AUTO_TEST_CASE(silent_client_is_cut_after_one_and_a_half_keep_alives_and_leaves_its_will) {
    start();
    TcpClient old(mqtt_port);
    TcpClient client(mqtt_port);
    old.send(connect("old", {.keep_alive_s = 1}));
    expect(old, connack(4));
    client.send(connect_with_will(5, 0, 0, 1));
    expect(client, connack(5));
    BOOST_TEST(!old.ends_within(1200ms));
    BOOST_TEST(old.ends_within(3s));
    BOOST_TEST(client.take_rest() == dismissal(5, Reason::keep_alive_timeout));
    BOOST_TEST(rejected(Code::timeout) == 2);
    BOOST_TEST(sites(1) == "-gone");
}

BOOST_AUTO_TEST_CASE(client_that_is_not_read_from_while_the_spool_is_full_is_not_taken_for_silent) {
    settings.spool.size_max = Bytes{64 * 1024};
    start();
    const std::string hello = connect("MT1", {.keep_alive_s = 1});
    TcpClient client(mqtt_port);
    client.send(hello);
    constexpr size_t reports = 1500;
    std::string sent;
    std::string answers = connack(4);
    for (size_t number = 1; number <= reports; ++number) {
        sent += publish(4, 1, number);
        answers += puback(number);
    }
    std::thread sender([&] { client.send(sent); });
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (counted(Metric::ring_full_total) == 0 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(counted(Metric::ring_full_total) > 0);
    std::this_thread::sleep_for(4s);
    gate.advance(1);
    BOOST_TEST(client.take(answers.size()) == answers);
    sender.join();
    BOOST_TEST(rejected(Code::timeout) == 0);
}

// [MQTT5-3.2.2-22]
BOOST_AUTO_TEST_CASE(client_of_5_0_that_asks_for_no_keep_alive_hears_of_the_daemons) {
    settings.mqtt.idle_timeout_max = Millis(1000);
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5, .keep_alive_s = 0}));
    mqtt::ServerProperties properties = usual;
    properties.keep_alive_s = 1;
    expect(client, connack(5, false, properties));
    BOOST_TEST(!client.ends_within(1200ms));  // One and a half times what was said.
    BOOST_TEST(client.take_rest() == dismissal(5, Reason::keep_alive_timeout));
}

BOOST_AUTO_TEST_CASE(client_that_never_connects_is_cut) {
    settings.mqtt.connect_timeout_max = Millis(300);
    start();
    TcpClient client(mqtt_port);
    BOOST_TEST(client.ends_within(3s));
}

BOOST_AUTO_TEST_CASE(packet_that_trickles_is_cut_and_one_that_comes_at_the_rate_is_taken) {
    settings.mqtt.connect_timeout_max = Millis(1000);
    settings.mqtt.packet_rate_min = 1_KiB;
    start();
    const std::string report =
        publish(5, 1, 1, {.payload = "{\"note\":\"" + std::string(8000, 'x') + "\"}"});
    TcpClient steady(mqtt_port);
    std::vector<std::unique_ptr<TcpClient>> slow;
    for (const int level : levels) {
        slow.push_back(std::make_unique<TcpClient>(mqtt_port));
        slow.back()->send(connect("slow" + std::to_string(level), {.level = level}) + "\x32\x7f"s);
        expect(*slow.back(), connack(level));
    }
    steady.send(connect("steady", {.level = 5}));
    expect(steady, connack(5));
    for (size_t at = 0; at < report.size(); at += 1000) {
        steady.send(report.substr(at, 1000));
        if (at <= 2000)
            for (const auto& client : slow) client->send("\0"s);
        std::this_thread::sleep_for(400ms);
    }
    expect(steady, puback(1));
    BOOST_TEST(slow[0]->take_rest() == "");
    BOOST_TEST(slow[1]->take_rest() == dismissal(5, Reason::unspecified_error, "too_slow"));
    BOOST_TEST(rejected(Code::too_slow) == 2);
}

BOOST_AUTO_TEST_CASE(too_large_packet_is_refused_by_its_length_alone) {
    settings.mqtt.packet_size_max = 1_KiB;
    start();
    mqtt::ServerProperties properties = usual;
    properties.packet_bytes_max = 1024;
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + "\x30\x80\x80\x01"s);
        BOOST_TEST(client.take_rest() ==
                   connack(level, false, properties) +
                       dismissal(level, Reason::packet_too_large, "mqtt_too_large"));
    }
}

// [MQTT5-3.3.4-7]
BOOST_AUTO_TEST_CASE(more_messages_at_a_time_than_the_receive_maximum_end_the_connection) {
    settings.mqtt.in_flight_max = 2;
    start();
    const auto properties = with_receive_max(2);
    const std::string end = dismissal(5, Reason::receive_maximum_exceeded, "mqtt_receive_maximum");
    {
        TcpClient client(mqtt_port);  // None of them can be acknowledged before all are read.
        client.send(connect("MT1", {.level = 5}) + publish(5, 1, 1) + publish(5, 1, 2) +
                    publish(5, 1, 3));
        BOOST_TEST(client.take_rest() ==
                   connack(5, false, properties) + puback(1) + puback(2) + end);
    }
    {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = 5}) + publish(5, 2, 1) + publish(5, 2, 2));
        expect(client, connack(5, false, properties) + pubrec(1) + pubrec(2));
        // One that came before is none more; and one that is released makes room.
        client.send(publish(5, 2, 2, {.dup = true}) + pubrel(1) + publish(5, 2, 3));
        expect(client, pubrec(2) + pubcomp(1) + pubrec(3));
        client.send(publish(5, 1, 4));
        BOOST_TEST(client.take_rest() == end);
    }
    {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = 5}));
        expect(client, connack(5, false, properties));
        for (size_t id = 1; id <= 10; ++id) {
            client.send(publish(5, 1, id));
            expect(client, puback(id));
        }
    }
    // 3.1.1 knows no maximum, but what has to be remembered of QoS 2 has one.
    TcpClient client(mqtt_port);
    client.send(connect("MT2") + publish(4, 1, 1) + publish(4, 1, 2) + publish(4, 1, 3) +
                publish(4, 2, 4) + publish(4, 2, 5) + publish(4, 2, 6));
    BOOST_TEST(client.take_rest() ==
               connack(4) + puback(1) + puback(2) + puback(3) + pubrec(4) + pubrec(5));
    BOOST_TEST(rejected(Code::mqtt_receive_maximum) == 3);
}

// Section 4.9 of 5.0: the quota is not kept from one connection to the next, and each PUBCOMP gives
// back one, also of a message that an earlier connection has left.
BOOST_AUTO_TEST_CASE(each_connection_begins_with_all_of_the_receive_maximum) {
    settings.mqtt.in_flight_max = 2;
    start();
    const auto properties = with_receive_max(2);
    {
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(5) + publish(5, 2, 1) + publish(5, 2, 2));
        expect(client, connack(5, false, properties) + pubrec(1) + pubrec(2));
    }
    mark();
    TcpClient client(mqtt_port);
    client.send(connect_to_stay(5));
    expect(client, connack(5, true, properties));
    client.send(publish(5, 2, 3) + publish(5, 2, 4));
    expect(client, pubrec(3) + pubrec(4));
    client.send(pubrel(1));
    expect(client, pubcomp(1));
    client.send(publish(5, 2, 5));
    expect(client, pubrec(5));
    client.send(publish(5, 2, 6));
    BOOST_TEST(client.take_rest() ==
               dismissal(5, Reason::receive_maximum_exceeded, "mqtt_receive_maximum"));
}

BOOST_AUTO_TEST_CASE(session_remembers_no_more_than_twice_the_receive_maximum) {
    settings.mqtt.in_flight_max = 2;
    start();
    for (const int level : levels) {
        size_t id = 0;
        for (int connection = 0; connection < 2; ++connection) {
            TcpClient client(mqtt_port);
            client.send(connect_to_stay(level));
            (void)client.take(level == 5 ? connack(5).size() : connack(4).size());
            for (int message = 0; message < 2; ++message) {
                client.send(publish(level, 2, ++id));
                expect(client, pubrec(id));
            }
        }
        mark();
        TcpClient client(mqtt_port);
        client.send(connect_to_stay(level) + publish(level, 2, 5));
        const std::string end =
            dismissal(level, Reason::receive_maximum_exceeded, "mqtt_receive_maximum");
        BOOST_TEST(client.take_rest().ends_with(end));
    }
    BOOST_TEST(rejected(Code::mqtt_receive_maximum) == 2);
}

// [MQTT5-3.3.2-12] [MQTT5-3.3.2-8] [MQTT5-3.3.2-9] [MQTT5-3.3.2-7]
BOOST_AUTO_TEST_CASE(topic_alias_stands_for_the_topic_it_came_with_last) {
    start();
    const auto with_alias = [](size_t id, size_t alias, const std::string& topic) {
        return publish(5, 1, id, {.topic = topic, .properties = property(35, two(alias))});
    };
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5}) + with_alias(1, 8, "checkins/r1") +
                with_alias(2, 8, "") + with_alias(3, 8, "checkins/r2") + with_alias(4, 8, "") +
                with_alias(5, 1, "checkins/r3"));
    expect(client, connack(5) + puback(1) + puback(2) + puback(3) + puback(4) + puback(5));
    BOOST_TEST(sites(5) == "r1 r1 r2 r2 r3");

    const struct {
        std::string sent;
        std::string end;
    } cases[] = {
        {with_alias(1, 0, "checkins/r1"),
         dismissal(5, Reason::topic_alias_invalid, "mqtt_topic_alias")},
        {with_alias(1, 9, "checkins/r1"),
         dismissal(5, Reason::topic_alias_invalid, "mqtt_topic_alias")},
        // Known to the connection before, and not to this one.
        {with_alias(1, 8, ""), dismissal(5, Reason::protocol_error, "mqtt_protocol_error")},
    };
    for (const auto& [sent, end] : cases) {
        TcpClient next(mqtt_port);
        next.send(connect("MT2", {.level = 5}) + sent);
        BOOST_TEST(next.take_rest() == connack(5) + end);
    }
}

// [MQTT5-3.1.2-24] [MQTT5-3.4.2-2]
BOOST_AUTO_TEST_CASE(client_of_5_0_hears_nothing_larger_than_it_takes) {
    start();
    const auto with_maximum = [](size_t bytes) {
        return connect("MT1", {.level = 5, .properties = property(39, four(bytes))});
    };
    const std::string bad = publish(5, 1, 1, {.payload = malformed});
    const std::string full = puback_saying(1, Reason::payload_format_invalid, "malformed_json");
    const std::string brief = puback_saying(1, Reason::payload_format_invalid, "");
    BOOST_TEST(connack(5).size() < full.size() - 1);
    {
        TcpClient client(mqtt_port);
        client.send(with_maximum(full.size()) + bad);
        expect(client, connack(5) + full);
    }
    {
        TcpClient client(mqtt_port);
        client.send(with_maximum(full.size() - 1) + bad + connect("MT1"));
        BOOST_TEST(client.take_rest() == connack(5) + brief + dismissal(5, Reason::protocol_error));
    }
    // One that cannot hear what holds from now on would break it.
    TcpClient client(mqtt_port);
    client.send(with_maximum(connack(5).size() - 1) + bad);
    BOOST_TEST(client.take_rest() == refused(5, Reason::packet_too_large));
    TcpClient deaf(mqtt_port);
    deaf.send(with_maximum(1));
    BOOST_TEST(deaf.take_rest() == "");
}

// [MQTT5-3.1.2-29]
BOOST_AUTO_TEST_CASE(client_of_5_0_that_wants_no_words_hears_none) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5, .properties = property(23, "\0"s)}) +
                publish(5, 1, 1, {.payload = malformed}) + connect("MT1"));
    BOOST_TEST(client.take_rest() == connack(5) +
                                         puback_saying(1, Reason::payload_format_invalid, "") +
                                         dismissal(5, Reason::protocol_error));
}

// --- the others ---

BOOST_AUTO_TEST_CASE(ping_is_answered) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + pingreq());
        expect(client, connack(level) + "\xD0\0"s);
    }
}

// [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] and the same of 5.0.
BOOST_AUTO_TEST_CASE(nobody_may_subscribe_and_who_tries_is_told_and_may_stay) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + subscribe(level, 5) + unsubscribe(level, 6) +
                    packet(0x82, two(7) + list(level) + text("a") + "\0"s + text("b") + "\1"s) +
                    publish(level, 1, 1));
        const std::string answers =
            level == 5 ? "\x90\x04\0\5\0\x87"s + "\xB0\x04\0\6\0\x11"s + "\x90\x05\0\7\0\x87\x87"s
                       : "\x90\x03\0\5\x80"s + "\xB0\x02\0\6"s + "\x90\x04\0\7\x80\x80"s;
        expect(client, connack(level) + answers + puback(1));
    }
}

// [MQTT5-4.12.0-1]
BOOST_AUTO_TEST_CASE(authentication_by_a_method_is_refused) {
    start();
    const std::string method = property(21, text("SCRAM-SHA-1"));
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5, .properties = method}) + publish(5, 1, 1));
    BOOST_TEST(client.take_rest() ==
               refused(5, Reason::bad_authentication_method, "mqtt_unsupported"));
    TcpClient other(mqtt_port);
    other.send(connect("MT1", {.level = 5}) + packet(0xF0));
    BOOST_TEST(other.take_rest() ==
               connack(5) + dismissal(5, Reason::protocol_error, "mqtt_protocol_error"));
    BOOST_TEST(accepted() == 0);
}

BOOST_AUTO_TEST_CASE(goodbye_ends_the_connection) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 1, 1) + disconnect() +
                    publish(level, 1, 2));
        BOOST_TEST(client.take_rest() == connack(level) + puback(1));
    }
}

BOOST_AUTO_TEST_CASE(client_hears_that_the_daemon_stops_behind_its_answers) {
    start();
    TcpClient old(mqtt_port);
    old.send(connect("old") + publish(4, 1, 1));
    expect(old, connack(4) + puback(1));
    TcpClient client(mqtt_port);
    client.send(connect_with_will(5) + publish(5, 1, 1));
    expect(client, connack(5) + puback(1));
    worker->begin_stop();
    BOOST_TEST(client.take_rest() == dismissal(5, Reason::server_shutting_down));
    BOOST_TEST(old.take_rest() == "");
}

// [MQTT-3.1.0-1] [MQTT-3.1.0-2] [MQTT-4.8.0-1] [MQTT5-4.13.1-1]
BOOST_AUTO_TEST_CASE(client_that_breaks_the_protocol_is_cut_and_counted) {
    start();
    const std::string hello = connect("MT1");
    const std::string hello_5 = connect("MT1", {.level = 5});
    const std::string long_topic = "checkins/" + std::string(1024, 'x');
    const auto end_5 = [](Reason reason, std::string_view words) {
        return connack(5) + dismissal(5, reason, words);
    };
    const struct {
        std::string sent;
        std::string answer;
        Code code;
    } cases[] = {
        // Before CONNECT nothing is said.
        {publish(4, 0, 0), "", Code::mqtt_unexpected_packet},
        {pingreq(), "", Code::mqtt_unexpected_packet},
        {packet(0xF0), "", Code::mqtt_malformed},
        {"GET / HTTP/1.1\r\n\r\n", "", Code::mqtt_malformed},
        {packet(0x10, text("MQIsdp") + "\x03\x02\0\x3C"s + text("MT1")), "",
         Code::mqtt_unsupported},
        {connect("MT1", {.flags = 3}), "", Code::mqtt_malformed},
        // CONNECT is refused.
        {connect("MT1", {.level = 3}), refused(4, Reason::unsupported_protocol_version),
         Code::mqtt_unsupported},
        {connect("MT1", {.level = 6}), refused(4, Reason::unsupported_protocol_version),
         Code::mqtt_unsupported},
        {connect("", {.flags = 0}) + publish(4, 1, 1),
         refused(4, Reason::client_identifier_not_valid), Code::mqtt_protocol_error},
        {connect(std::string(257, 'x')), refused(4, Reason::client_identifier_not_valid),
         Code::mqtt_too_large},
        {connect(std::string(257, 'x'), {.level = 5}),
         refused(5, Reason::client_identifier_not_valid, "mqtt_too_large"), Code::mqtt_too_large},
        {connect("MT1", {.level = 5, .flags = 3}), refused(5, Reason::malformed_packet),
         Code::mqtt_malformed},
        {connect("MT1", {.level = 5, .properties = property(33, two(0))}),
         refused(5, Reason::protocol_error), Code::mqtt_protocol_error},
        {"\x10\xFF\xFF\x03" + text("MQTT") + "\5", refused(5, Reason::packet_too_large),
         Code::mqtt_too_large},
        {"\x10\xFF\xFF\x03", "", Code::mqtt_too_large},
        // After it.
        {hello + hello, connack(4), Code::mqtt_unexpected_packet},
        {hello_5 + publish(5, 0, 0, {.topic = long_topic, .properties = property(35, two(1))}),
         end_5(Reason::packet_too_large, "mqtt_too_large"), Code::mqtt_too_large},
        {hello + packet(0x90, two(1)), connack(4), Code::mqtt_malformed},
        {hello + packet(0xF0), connack(4), Code::mqtt_malformed},
        {hello_5 + hello_5, end_5(Reason::protocol_error, "mqtt_unexpected_packet"),
         Code::mqtt_unexpected_packet},
        {hello_5 + hello, end_5(Reason::protocol_error, "mqtt_unexpected_packet"),
         Code::mqtt_unexpected_packet},
        {hello_5 + packet(0x90, two(1)), end_5(Reason::malformed_packet, "mqtt_malformed"),
         Code::mqtt_malformed},
        {hello_5 + packet(0x36), end_5(Reason::malformed_packet, "mqtt_malformed"),
         Code::mqtt_malformed},
        {hello_5 + publish(5, 1, 0), end_5(Reason::malformed_packet, "mqtt_malformed"),
         Code::mqtt_malformed},
        {hello_5 + packet(0x82, two(1) + "\0"s),
         end_5(Reason::protocol_error, "mqtt_protocol_error"), Code::mqtt_protocol_error},
        {hello_5 + packet(0xE0, "\x8E"), end_5(Reason::malformed_packet, "mqtt_malformed"),
         Code::mqtt_malformed},
    };
    for (const auto& [sent, answer, code] : cases) {
        const int64_t before = rejected(code);
        TcpClient client(mqtt_port);
        client.send(sent);
        BOOST_TEST(client.take_rest() == answer);
        BOOST_TEST(rejected(code) == before + 1);
    }
    BOOST_TEST(accepted() == 0);
}

// --- wills ---

// [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.14.4-3] [MQTT5-3.1.2-8] [MQTT5-3.14.4-3]
BOOST_AUTO_TEST_CASE(will_is_left_by_whoever_ends_without_a_plain_goodbye) {
    start();
    const std::string with_will = packet(0xE0, "\4");
    const struct {
        int level;
        std::string last;
        bool leaves_will;
    } cases[] = {
        {4, "", true},        {4, disconnect(), false}, {4, packet(0x36), true},
        {5, "", true},        {5, disconnect(), false}, {5, packet(0xE0, "\0"s), false},
        {5, with_will, true}, {5, packet(0x36), true},  {5, packet(0xE0, "\x80"), true},
    };
    std::string expected;
    size_t rows = 0;
    for (const auto& [level, last, leaves_will] : cases) {
        {
            TcpClient client(mqtt_port);
            client.send(connect_with_will(level) + last);
            expect(client, connack(level));
            if (!last.empty()) (void)client.take_rest();
        }
        expected += leaves_will ? "-gone " : "";
        rows += leaves_will ? 1 : 0;
        if (leaves_will) (void)sites(rows);  // It is written before the marker is sent.
        mark();
        expected += "r1 ";
        ++rows;
    }
    BOOST_TEST(sites(rows) + " " == expected);
}

// [MQTT5-3.1.3-9]
BOOST_AUTO_TEST_CASE(will_waits_for_its_delay_and_is_dropped_if_the_client_comes_back) {
    start();
    {
        TcpClient client(mqtt_port);
        client.send(connect_with_will(5, 1, 60));
        expect(client, connack(5));
    }
    mark();
    BOOST_TEST(sites(2) == "r1 -gone");
    {
        TcpClient client(mqtt_port);
        client.send(connect_with_will(5, 1, 60));
        expect(client, connack(5));
    }
    {
        TcpClient client(mqtt_port);  // It comes back, and says goodbye for good.
        client.send(connect("MT1", {.level = 5}) + disconnect());
        BOOST_TEST(client.take_rest() == connack(5));
    }
    std::this_thread::sleep_for(2200ms);
    mark();
    BOOST_TEST(sites(3) == "r1 -gone r1");
}

// [MQTT5-3.1.2-8]
BOOST_AUTO_TEST_CASE(will_waits_no_longer_than_its_session_is_kept) {
    settings.mqtt.sessions_max = 0;
    start();
    for (const size_t expiry_s : {0, 60}) {  // The latter is more than there is room for.
        TcpClient client(mqtt_port);
        client.send(connect_with_will(5, 60, expiry_s));
        expect(client, connack(5));
    }
    BOOST_TEST(sites(2) == "-gone -gone");
}

// --- anything at all ---

BOOST_AUTO_TEST_CASE(answers_are_the_same_however_the_packets_are_split) {
    Random random("mqtt_session");
    start();
    for (int round = 0; round < 40; ++round) {
        const int level = random.one_of({4, 5});
        std::string sent = connect("MT1", {.level = level});
        std::string expected = connack(level);
        for (size_t id = 1; id <= 20; ++id) {
            switch (random.below(6)) {
                case 0: sent += publish(level, 0, 0); break;
                case 1: sent += publish(level, 1, id), expected += puback(id); break;
                case 2:
                    sent += publish(level, 2, id) + publish(level, 2, id, {.dup = true});
                    expected += pubrec(id) + pubrec(id);
                    break;
                case 3:
                    sent += publish(level, 2, id) + pubrel(id);
                    expected += pubrec(id) + pubcomp(id);
                    break;
                case 4: sent += pingreq(), expected += "\xD0\0"s; break;
                default:
                    sent += unsubscribe(level, id);
                    expected += packet(0xB0, two(id) + (level == 5 ? "\0\x11"s : ""));
            }
        }
        TcpClient client(mqtt_port);
        for (std::string_view rest = sent; !rest.empty();) {
            const size_t size = std::min<size_t>(rest.size(), 1 + random.below(60));
            client.send(rest.substr(0, size));
            rest.remove_prefix(size);
        }
        expect(client, expected);
    }
}

// Some of them are taken over, some end in the middle of a packet.
BOOST_AUTO_TEST_CASE(whatever_clients_send_the_next_one_is_served) {
    Random random("mqtt_session");
    settings.mqtt.in_flight_max = 5;
    start(2);
    std::vector<std::unique_ptr<TcpClient>> clients;
    for (int round = 0; round < 400; ++round) {
        const int level = random.one_of({4, 5});
        std::string sent = random.one_in(2) ? connect_with_will(level, random.below(2), 60)
                                            : connect_to_stay(level, random.one_of({0, 2}));
        for (uint64_t packets = random.below(8); packets > 0; --packets) {
            const size_t id = 1 + random.below(4);
            const std::string alias = property(35, two(random.below(10)));
            sent += random.one_of({publish(level, random.one_of({0, 1, 2}), id),
                                   publish(level, 2, id, {.payload = malformed}),
                                   publish(level, 1, id, {.topic = "", .properties = alias}),
                                   pubrel(id), subscribe(level, id), pingreq(), disconnect(),
                                   packet(0xE0, "\4"), packet(0xF0)});
        }
        for (uint64_t changes = random.below(3); changes > 0; --changes)
            sent[random.below(sent.size())] = static_cast<char>(random.below(256));
        if (random.one_in(4)) sent.resize(random.below(sent.size()));
        clients.push_back(
            std::make_unique<TcpClient>(random.one_of({mqtt_port, second_mqtt_port})));
        clients.back()->send(sent);
        if (clients.size() > 8) clients.erase(clients.begin() + random.below(clients.size()));
    }
    for (const uint16_t port : {mqtt_port, second_mqtt_port}) {
        TcpClient client(port);
        client.send(connect("good") + publish(4, 2, 1));
        expect(client, connack(4) + pubrec(1));
    }
}

// --- quotas ---

BOOST_AUTO_TEST_CASE(client_of_5_0_over_its_quota_is_told_so_and_to_wait_for_each_answer) {
    limit_network(1, Millis(120'000), Millis(30'000));
    start();
    TcpClient client(mqtt_port);
    client.send(connect("greedy", {.level = 5}));
    expect(client, connack(5));
    for (size_t id = 1; id <= 2; ++id) {
        client.send(publish(5, 1, id));
        expect(client, puback(id));
    }
    client.send(publish(5, 1, 3) + publish(5, 2, 4) + pingreq());
    expect(client, puback_saying(3, Reason::quota_exceeded, "over_network_quota") +
                       pubrec_saying(4, Reason::quota_exceeded, "over_network_quota") +
                       packet(0xD0));
    TcpClient next(mqtt_port);
    next.send(connect("greedy too", {.level = 5}));
    const auto one_at_a_time = with_receive_max(1);
    expect(next, connack(5, false, one_at_a_time));
    BOOST_TEST(sites(2) == "r1 r1");
}

BOOST_AUTO_TEST_CASE(client_of_5_0_that_does_not_heed_its_quota_is_ended) {
    limit_network(1, Millis(60'000));
    settings.mqtt.in_flight_max = 3;
    start();
    const auto properties = with_receive_max(3);
    TcpClient client(mqtt_port);
    client.send(connect("greedy", {.level = 5}) + publish(5, 1, 1));
    expect(client, connack(5, false, properties) + puback(1));
    // As many as may be on their way when it hears of it.
    const auto over = [](size_t id) {
        return puback_saying(id, Reason::quota_exceeded, "over_network_quota");
    };
    for (size_t id = 2; id <= 4; ++id) {
        client.send(publish(5, 1, id));
        expect(client, over(id));
    }
    client.send(publish(5, 1, 5) + pingreq());
    BOOST_TEST(client.take_rest() ==
               over(5) + dismissal(5, Reason::message_rate_too_high, "mqtt_over_quota"));
    BOOST_TEST(rejected(Code::over_network_quota) == 4);
    BOOST_TEST(rejected(Code::mqtt_over_quota) == 1);
}

BOOST_AUTO_TEST_CASE(client_of_5_0_that_was_within_its_quota_again_is_not_ended) {
    limit_network(600, Millis(1000));
    settings.mqtt.in_flight_max = 3;
    start();
    const auto properties = with_receive_max(3);
    TcpClient client(mqtt_port);
    client.send(connect("greedy", {.level = 5}));
    expect(client, connack(5, false, properties));
    for (int round = 0; round < 3; ++round) {
        for (int refused = 0; refused < 2;) {
            client.send(publish(5, 1, 1));
            const auto size = static_cast<size_t>(client.take(2)[1]);
            if (client.take(size) != two(1)) ++refused;
        }
        std::this_thread::sleep_for(400ms);
    }
    BOOST_TEST(rejected(Code::over_network_quota) == 6);
    BOOST_TEST(rejected(Code::mqtt_over_quota) == 0);
}

BOOST_AUTO_TEST_CASE(client_that_cannot_be_told_of_its_quota_is_not_read_from_until_it_has_some) {
    limit_network(60, Millis(1000));
    start();
    TcpClient client(mqtt_port);
    client.send(connect("greedy"));
    expect(client, connack(4));
    client.send(publish(4, 1, 1) + publish(4, 1, 2) + publish(4, 2, 3));
    expect(client, puback(1) + puback(2) + pubrec(3));
    BOOST_TEST(counted(Metric::connections_throttled_total, label_of(Transport::mqtt)) >= 1);
    BOOST_TEST(sites(3) == "r1 r1 r1");
}

BOOST_AUTO_TEST_CASE(client_that_leaves_while_it_is_not_read_from_is_not_kept) {
    settings.quotas.network_checkins_max = 1;
    settings.quotas.grace = Millis(0);
    start();
    {
        TcpClient client(mqtt_port);
        client.send(connect("greedy") + publish(4, 0, 0) + publish(4, 0, 0) + pingreq());
        expect(client, connack(4));
        const auto rests = label_of(Transport::mqtt);
        while (counted(Metric::connections_throttled_total, rests) == 0)
            std::this_thread::sleep_for(5ms);
    }
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (counted(Metric::connections, label_of(Transport::mqtt)) > 0 &&
           std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(counted(Metric::connections, label_of(Transport::mqtt)) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
