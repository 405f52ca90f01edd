#include "daemon/mqtt/publish.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

BOOST_FIXTURE_TEST_SUITE(mqtt_publish, MqttSessionFixture)

BOOST_AUTO_TEST_CASE(publish_is_acknowledged_when_it_is_durable) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + publish(level, 1, 7) + publish(level, 2, 8));
        expect(client, connack(level) + puback(7) + pubrec(8));
    }
    BOOST_TEST(accepted() == 4);
}

// The sink is down, so the spool fills up. Then the daemon must acknowledge no more messages.
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
        (void)sites(1);  // Opens the sink.
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
            // Every third message cannot be decoded. It must still be answered in order.
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
        if (level != 5) continue;
        // No PUBREL follows a PUBREC with an error [MQTT5-4.3.3-4].
        client.send(packet(0x50, two(2) + "\x80") + packet(0x50, two(2) + "\x10") + pingreq());
        expect(client, to_pubrec + "\xD0\0"s);
    }
}

// [MQTT5-3.3.4-7]
BOOST_AUTO_TEST_CASE(more_messages_at_a_time_than_the_receive_maximum_end_the_connection) {
    settings.mqtt.in_flight_max = 2;
    start();
    const auto properties = with_receive_max(2);
    const std::string end = dismissal(5, Reason::receive_maximum_exceeded, "mqtt_receive_maximum");
    {
        TcpClient client(mqtt_port);
        // The messages are sent together, so that the daemon reads all of them before it can
        // acknowledge the first.
        client.send(connect("MT1", {.level = 5}) + publish(5, 1, 1) + publish(5, 1, 2) +
                    publish(5, 1, 3));
        BOOST_TEST(client.take_rest() ==
                   connack(5, false, properties) + puback(1) + puback(2) + end);
    }
    {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = 5}) + publish(5, 2, 1) + publish(5, 2, 2));
        expect(client, connack(5, false, properties) + pubrec(1) + pubrec(2));
        // A repeated message must not count twice, and a released message must make room.
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
    // 3.1.1 has no receive maximum, but the list of unreleased QoS 2 messages has a limit.
    TcpClient client(mqtt_port);
    client.send(connect("MT2") + publish(4, 1, 1) + publish(4, 1, 2) + publish(4, 1, 3) +
                publish(4, 2, 4) + publish(4, 2, 5) + publish(4, 2, 6));
    BOOST_TEST(client.take_rest() ==
               connack(4) + puback(1) + puback(2) + puback(3) + pubrec(4) + pubrec(5));
    BOOST_TEST(rejected(Code::mqtt_receive_maximum) == 3);
}

// Section 4.9 of 5.0: the quota (the number of further messages that the client may send) is not
// kept from one connection to the next. Each PUBCOMP adds one to the quota, even for a message of
// an earlier connection.
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
        // Only the previous connection knew this alias.
        {with_alias(1, 8, ""), dismissal(5, Reason::protocol_error, "mqtt_protocol_error")},
    };
    for (const auto& [sent, end] : cases) {
        TcpClient next(mqtt_port);
        next.send(connect("MT2", {.level = 5}) + sent);
        BOOST_TEST(next.take_rest() == connack(5) + end);
    }
}

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
    const auto over = [](size_t id) {
        return puback_saying(id, Reason::quota_exceeded, "over_network_quota");
    };
    // A client could have sent three messages before it received the first refusal. So the daemon
    // ends the connection only at the fourth message.
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
