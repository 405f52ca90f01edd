// Check-ins over MQTT 3.1.1 and 5.0, from mosquitto_pub and byte by byte.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_client.h"
#include "tests/support/mqtt_packets.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

Finished mosquitto_pub(const TestDaemon& daemon, std::vector<std::string> arguments) {
    std::vector<std::string> command{"mosquitto_pub", "-h", "127.0.0.1", "-p",
                                     std::to_string(daemon.mqtt_port())};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
}

std::string rejected(std::string_view code) {
    return fmt::format(R"(rollcall_checkins_rejected_total{{transport="mqtt",code="{}"}})", code);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt)

BOOST_AUTO_TEST_CASE(published_report_becomes_a_row_in_either_version_at_every_qos) {
    const TestDaemon daemon;
    int seq = 0;
    std::string expected;
    for (const auto* version : {"311", "5"})
        for (const auto* qos : {"0", "1", "2"}) {
            const auto published =
                mosquitto_pub(daemon, {"-V", version, "-q", qos, "-t", "checkins/HX1", "-m",
                                       fmt::format(R"({{"cpu_count":4,"seq":{}}})", ++seq)});
            BOOST_TEST(published.status == 0, published.errors);
            expected += fmt::format("{}HX1|{}|4|mqtt|127.0.0.1", seq > 1 ? "\n" : "", seq);
        }
    BOOST_TEST(daemon.query_until(expected,
                                  "SELECT site_id, seq, cpu_count, transport, source_ip"
                                  " FROM site_checkins ORDER BY seq") == expected);
}

BOOST_AUTO_TEST_CASE(many_messages_on_one_connection_are_all_stored) {
    const TestDaemon daemon;
    int seq = 0;
    for (const auto* version : {"311", "5"})
        for (const auto* qos : {"1", "2"}) {
            std::string lines;
            for (int line = 0; line < 200; ++line) lines += fmt::format("serial=M;seq={}\n", ++seq);
            const auto published =
                run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(daemon.mqtt_port()),
                     "-V", version, "-q", qos, "-l", "-t", "checkins/M"},
                    {}, lines);
            BOOST_TEST(published.status == 0, published.errors);
        }
    BOOST_TEST(daemon.query_until("800|320400",
                                  "SELECT COUNT(DISTINCT seq), SUM(seq) FROM site_checkins") ==
               "800|320400");
}

BOOST_AUTO_TEST_CASE(client_of_5_0_may_use_the_features_of_its_version) {
    const TestDaemon daemon;
    const auto published = mosquitto_pub(daemon, {"-V",
                                                  "5",
                                                  "-q",
                                                  "2",
                                                  "-i",
                                                  "router",
                                                  "-c",
                                                  "-x",
                                                  "60",
                                                  "-r",
                                                  "-D",
                                                  "connect",
                                                  "receive-maximum",
                                                  "2",
                                                  "-D",
                                                  "connect",
                                                  "user-property",
                                                  "a",
                                                  "b",
                                                  "-D",
                                                  "publish",
                                                  "content-type",
                                                  "application/json",
                                                  "-D",
                                                  "publish",
                                                  "topic-alias",
                                                  "1",
                                                  "-D",
                                                  "publish",
                                                  "message-expiry-interval",
                                                  "60",
                                                  "-D",
                                                  "publish",
                                                  "user-property",
                                                  "a",
                                                  "b",
                                                  "--will-topic",
                                                  "checkins/HX1",
                                                  "--will-payload",
                                                  "offline",
                                                  "-D",
                                                  "will",
                                                  "will-delay-interval",
                                                  "5",
                                                  "-t",
                                                  "checkins/HX1",
                                                  "-m",
                                                  R"({"cpu_count":4})"});
    BOOST_TEST(published.status == 0, published.errors);
    const std::string expected = "HX1|4|1";
    BOOST_TEST(daemon.query_until(
                   expected, "SELECT site_id, cpu_count, COUNT(*) FROM site_checkins") == expected);
    BOOST_TEST(daemon.metric("rollcall_mqtt_sessions_offline") == 1);
}

// The daemon refuses a subscription at once, so that the client does not wait for messages that
// never come.
BOOST_AUTO_TEST_CASE(subscription_is_refused_at_once) {
    const TestDaemon daemon;
    for (const auto* version : {"311", "5"}) {
        const auto subscribed =
            run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(daemon.mqtt_port()), "-V",
                 version, "-t", "checkins/#", "-W", "10"});
        BOOST_TEST(subscribed.errors.contains("ubscription"), subscribed.errors);
    }
    BOOST_TEST(daemon.metric(rejected("mqtt_unsupported")) == 2);
}

// A restarted daemon has no sessions, but it recognizes repeated reports.
BOOST_AUTO_TEST_CASE(message_repeated_after_a_restart_adds_no_row) {
    const std::string hello = packets::connect("S", {.flags = 0});
    const std::string connack("\x20\x02\x00\x00", 4);  // No session is present.
    // The first payload has a `seq`, so the daemon recognizes it after the restart. The second
    // payload has no `seq`. It could be a new report with the same content, so the daemon stores it
    // twice.
    for (const std::string payload : {R"({"seq":7,"uptime":"1d"})", R"({"cpu_count":4})"}) {
        TestDaemon daemon;
        packets::Message report{.topic = "checkins/S", .payload = payload};
        {
            TcpClient client(daemon.mqtt_port());
            client.send(hello + packets::publish(4, 2, 7, report) +
                        packets::publish(4, 1, 8, report));
            BOOST_TEST(client.take(12) == connack + packets::pubrec(7) + packets::puback(8));
        }
        daemon.kill();
        daemon.start();
        report.dup = true;
        TcpClient client(daemon.mqtt_port());
        client.send(hello + packets::publish(4, 2, 7, report) + packets::pubrel(7) +
                    packets::publish(4, 1, 8, report));
        BOOST_TEST(client.take(16) ==
                   connack + packets::pubrec(7) + packets::pubcomp(7) + packets::puback(8));
        BOOST_TEST((daemon.stop() == 0), daemon.log());
        const bool tells_itself = payload.find("seq") != std::string::npos;
        BOOST_TEST(daemon.query("SELECT COUNT(*) FROM site_checkins") ==
                   (tells_itself ? "1" : "2"));
    }
}

// Equal messages can be different reports: for example, a client can use packet id 1 for each
// report.
BOOST_AUTO_TEST_CASE(equal_messages_are_all_stored_if_none_is_marked_as_repeated) {
    TestDaemon daemon;
    for (int time = 0; time < 3; ++time) {
        TcpClient client(daemon.mqtt_port());
        client.send(packets::connect("S") + packets::publish(4, 1, 1));
        BOOST_TEST(client.take(8).ends_with(packets::puback(1)));
    }
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(daemon.query("SELECT COUNT(*) FROM site_checkins") == "3");
}

BOOST_AUTO_TEST_CASE(acknowledgement_carries_the_packet_id_of_its_publish) {
    const TestDaemon daemon;
    MqttClient client(daemon.mqtt_port(), "client");
    constexpr uint16_t ids[] = {1, 77, 65535};
    for (const uint16_t id : ids) client.publish("checkins/S", "{}", id);
    for (const uint16_t id : ids) BOOST_TEST(client.puback() == id);
}

BOOST_AUTO_TEST_CASE(ping_is_answered_and_disconnect_ends_the_connection) {
    const TestDaemon daemon;
    MqttClient client(daemon.mqtt_port(), "client");
    client.connection().send(std::string("\xC0\x00", 2));
    BOOST_TEST(client.connection().take(2) == std::string("\xD0\x00", 2));
    client.connection().send(std::string("\xE0\x00", 2));
    BOOST_TEST(client.connection().ends_within(patience));
}

BOOST_AUTO_TEST_CASE(malformed_body_is_acknowledged_and_counted_and_leaves_only_a_liveness_row) {
    const TestDaemon daemon;
    MqttClient client(daemon.mqtt_port(), "client");
    // MQTT 3.1.1 has no negative acknowledgement, so the daemon sends a PUBACK. Without one, the
    // router would repeat the message for ever.
    client.publish("checkins/S", "{]", 5);
    BOOST_TEST(client.puback() == 5);
    client.publish("checkins/S", R"({"seq":1})", 6);
    BOOST_TEST(client.puback() == 6);
    const std::string expected = "S||malformed_json\nS|1|";
    BOOST_TEST(daemon.query_until(expected,
                                  "SELECT site_id, seq, warnings FROM site_checkins"
                                  " ORDER BY rowid") == expected);
    BOOST_TEST(daemon.metric(rejected("malformed_json")) == 1);
}

BOOST_AUTO_TEST_CASE(availability_messages_become_online_and_offline_rows) {
    const TestDaemon daemon({.settings = {R"(mqtt.topics = ["checkins/+", "ros/+/status"])"}});
    for (const auto* word : {"online", "offline"})
        BOOST_TEST(
            mosquitto_pub(daemon, {"-r", "-q", "1", "-t", "ros/HX1/status", "-m", word}).status ==
            0);
    const std::string expected = "HX1|1|1|1\nHX1|0|1|1";
    BOOST_TEST(daemon.query_until(expected,
                                  "SELECT site_id, online, warnings IS NULL, uptime_s IS NULL"
                                  " FROM site_checkins ORDER BY rowid") == expected);
    // A text that is neither online nor offline is no report.
    BOOST_TEST(mosquitto_pub(daemon, {"-q", "1", "-t", "ros/HX1/status", "-m", "hello"}).status ==
               0);
    BOOST_TEST(daemon.metric(rejected("malformed_pairs")) == 1);
}

BOOST_AUTO_TEST_CASE(will_is_stored_if_a_client_disappears_without_disconnect) {
    const TestDaemon daemon({.settings = {"workers = 1"}});
    const MqttWish will{.will_topic = "checkins/HX1"};
    {
        const MqttClient gone(daemon.mqtt_port(), "a", will);
    }
    {
        MqttClient gone(daemon.mqtt_port(), "b", will);
        gone.publish("checkins/HX1", R"({"serial_number":"S1","cpu_count":4})", 1);
        gone.publish("checkins/HX2", R"({"serial_number":"S2","cpu_count":4})", 2);
        BOOST_TEST(gone.puback() == 1);
        BOOST_TEST(gone.puback() == 2);
    }
    // The payload has no effect. A published will means that the client is gone.
    const MqttWish silent{
        .will_topic = "checkins/HX3", .will_payload = R"({"cpu_count":4})", .keep_alive_s = 1};
    MqttClient still_open(daemon.mqtt_port(), "c", silent);
    BOOST_TEST(still_open.connection().ends_within(patience));
    const std::string expected = "HX1|0\nHX3|0\nS1|0\nS1|1\nS2|1";
    BOOST_TEST(daemon.query_until(expected,
                                  "SELECT site_id, online FROM site_checkins"
                                  " ORDER BY site_id, online") == expected);
    BOOST_TEST(daemon.query("SELECT COUNT(*) FROM site_checkins WHERE NOT online AND"
                            " cpu_count + warnings + extra IS NOT NULL") == "0");
    BOOST_TEST(daemon.metric(R"(rollcall_checkins_accepted_total{transport="mqtt"})") == 5);
}

BOOST_AUTO_TEST_CASE(no_will_is_stored_after_disconnect_or_a_clean_stop) {
    TestDaemon daemon({.settings = {"workers = 1"}});
    MqttClient polite(daemon.mqtt_port(), "a", {.will_topic = "checkins/HX1"});
    polite.connection().send(std::string("\xE0\x00", 2));
    BOOST_TEST(polite.connection().ends_within(patience));
    {
        const MqttClient elsewhere(daemon.mqtt_port(), "b", {.will_topic = "lights/HX2"});
    }
    const MqttClient staying(daemon.mqtt_port(), "c", {.will_topic = "checkins/HX3"});
    BOOST_TEST(daemon.post(R"({"serial_number":"S"})").status == 200);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(daemon.query("SELECT group_concat(site_id) FROM site_checkins") == "S");
}

BOOST_AUTO_TEST_CASE(malformed_packets_close_the_connection_and_are_counted) {
    using namespace std::string_literals;
    const TestDaemon daemon;
    const std::string connect = mqtt_connect("client");
    struct Case {
        std::string bytes;
        std::string_view code;
    };
    const std::vector<Case> cases = {
        {"GET / HTTP/1.1\r\n\r\n", "mqtt_malformed"},
        {"\x00\x00"s, "mqtt_malformed"},                             // Packet type 0.
        {connect + "\x36\x04\x00\x01t\x00"s, "mqtt_malformed"},      // QoS 3.
        {connect + "\x32\x05\x00\x09t\x00\x01"s, "mqtt_malformed"},  // Topic beyond the packet.
        {connect + "\x32\xff\xff\xff\xff\x01"s, "mqtt_malformed"},   // Length of five bytes.
        {"\x32\x05\x00\x01t\x00\x01"s, "mqtt_unexpected_packet"},    // PUBLISH without CONNECT.
        {connect + connect, "mqtt_unexpected_packet"},
        {connect + "\x32\xff\xff\xff\x7f"s, "mqtt_too_large"},  // Announces 256 MiB.
    };
    for (const auto& bad : cases) {
        BOOST_TEST_CONTEXT(bad.code) {
            const double before = daemon.metric(rejected(bad.code));
            TcpClient client(daemon.mqtt_port());
            client.send(bad.bytes);
            (void)client.take_rest();  // Returns at the end of the connection.
            BOOST_TEST(daemon.metric(rejected(bad.code)) == before + 1);
        }
    }
    MqttClient good(daemon.mqtt_port(), "client");
    good.publish("checkins/S", "{}", 1);
    BOOST_TEST(good.puback() == 1);
    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(*) FROM site_checkins") == "1");
}

BOOST_AUTO_TEST_SUITE_END()
