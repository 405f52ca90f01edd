#include "daemon/mqtt/session.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

BOOST_FIXTURE_TEST_SUITE(mqtt_session, MqttSessionFixture)

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

// Whether DISCONNECT may set an expiry depends on the expiry that CONNECT asked for, not on the one
// that the server granted (section 3.14.2.2.2 of 5.0).
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

BOOST_AUTO_TEST_CASE(ping_is_answered) {
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level}) + pingreq());
        expect(client, connack(level) + "\xD0\0"s);
    }
}

// [MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.10.4-4] [MQTT-3.10.4-5] and the same statements of 5.0.
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
        // Before CONNECT the client receives no response.
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
        // After CONNECT the client receives CONNACK first.
        {hello + hello, connack(4), Code::mqtt_unexpected_packet},
        {hello_5 + publish(5, 0, 0, {.topic = long_topic, .properties = property(35, two(1))}),
         end_5(Reason::packet_too_large, "mqtt_too_large"), Code::mqtt_too_large},
        {hello + packet(0x90, two(1)), connack(4), Code::mqtt_protocol_error},
        {hello + packet(0xF0), connack(4), Code::mqtt_malformed},
        {hello_5 + hello_5, end_5(Reason::protocol_error, "mqtt_unexpected_packet"),
         Code::mqtt_unexpected_packet},
        {hello_5 + hello, end_5(Reason::protocol_error, "mqtt_unexpected_packet"),
         Code::mqtt_unexpected_packet},
        {hello_5 + packet(0x90, two(1)), end_5(Reason::protocol_error, "mqtt_protocol_error"),
         Code::mqtt_protocol_error},
        {hello_5 + publish(5, 0, 0, {.properties = property(11, byte(1))}),
         end_5(Reason::protocol_error, "mqtt_protocol_error"), Code::mqtt_protocol_error},
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

// Some connections are taken over by a new connection of the same client, and some end in the
// middle of a packet.
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
