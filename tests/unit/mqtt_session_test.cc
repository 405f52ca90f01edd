#include "daemon/mqtt_session.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/tcp_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// A packet: type and flags, then what follows, its length put between. All are short.
std::string packet(char first, const std::string& rest) {
    return std::string(1, first) + static_cast<char>(rest.size()) + rest;
}
std::string text(const std::string& bytes) {
    return "\0"s + static_cast<char>(bytes.size()) + bytes;
}
std::string connect(char level = 4, char keep_alive_s = 60, const std::string& id = "MT1",
                    char flags = 2) {
    return packet(0x10, text("MQTT") + level + flags + "\0"s + keep_alive_s + text(id));
}
std::string publish(char qos, char id, const std::string& payload,
                    const std::string& topic = "checkins/r1") {
    const std::string packet_id = qos > 0 ? "\0"s + id : "";
    return packet(static_cast<char>(0x30 | qos << 1), text(topic) + packet_id + payload);
}
std::string puback(char id) { return "\x40\x02\0"s + id; }

const std::string connack = "\x20\x02\0\0"s;
const std::string report = R"({"cpu_count":4})";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_session, WorkerFixture)

BOOST_AUTO_TEST_CASE(publish_is_acknowledged_when_it_is_durable) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect() + publish(1, 7, report));
    BOOST_TEST(client.take(8) == connack + puback(7));
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 1);
}

BOOST_AUTO_TEST_CASE(acknowledgements_come_in_the_order_of_the_publishes) {
    start();
    TcpClient client(mqtt_port);
    std::string packets = connect();
    std::string expected = connack;
    for (char id = 1; id <= 100; ++id) {
        // Every third cannot be decoded, and is acknowledged in its turn all the same.
        packets += publish(1, id, id % 3 == 0 ? "{" : report);
        expected += puback(id);
    }
    client.send(packets);
    BOOST_TEST(client.take(expected.size()) == expected);
    BOOST_TEST(counted(Metric::checkins_rejected_total,
                       label_of(Transport::mqtt, Code::malformed_json)) == 33);
}

BOOST_AUTO_TEST_CASE(publish_without_acknowledgement_is_counted_when_durable) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect() + publish(0, 0, report) + publish(1, 1, report));
    BOOST_TEST(client.take(8) == connack + puback(1));
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 2);
}

BOOST_AUTO_TEST_CASE(router_with_a_broken_report_is_acknowledged_and_seen) {
    start();
    gate.advance(1);
    TcpClient client(mqtt_port);
    client.send(connect() + publish(1, 1, "{", "checkins/r1") + publish(1, 2, "{", "checkins/r2"));
    BOOST_TEST(client.take(12) == connack + puback(1) + puback(2));
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (rows_stored.read() < 2 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(rows_stored.read() == 2);
    BOOST_TEST(counted(Metric::liveness_rows_total, label_of(Transport::mqtt)) == 2);
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 0);
}

BOOST_AUTO_TEST_CASE(ping_is_answered) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect() + packet(static_cast<char>(0xC0), ""));
    BOOST_TEST(client.take(6) == connack + "\xD0\0"s);
}

BOOST_AUTO_TEST_CASE(goodbye_ends_the_connection) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect() + publish(1, 1, report) + packet(static_cast<char>(0xE0), ""));
    BOOST_TEST(client.take_rest() == connack + puback(1));
}

BOOST_AUTO_TEST_CASE(client_that_breaks_the_protocol_is_cut_and_counted) {
    start();
    const struct {
        std::string sent;
        std::string answer;
        Code code;
    } cases[] = {
        {publish(0, 0, report), "", Code::mqtt_out_of_order},
        {connect() + connect(), connack, Code::mqtt_out_of_order},
        {"GET / HTTP/1.1\r\n\r\n", "", Code::mqtt_malformed},
        {connect(5), "\x20\x02\0\x01"s, Code::mqtt_unsupported},
        {connect(4, 60, "", 0), "\x20\x02\0\x02"s, Code::mqtt_malformed},
        {connect() + publish(2, 1, report), connack, Code::mqtt_unsupported},
        {connect() + publish(1, 1, report, "elsewhere"), connack, Code::unknown_topic},
        {connect() + packet(static_cast<char>(0x82), "\0\x01"s + text("a") + "\0"s), connack,
         Code::mqtt_unsupported},
    };
    for (const auto& [sent, answer, code] : cases) {
        const int64_t before =
            counted(Metric::checkins_rejected_total, label_of(Transport::mqtt, code));
        TcpClient client(mqtt_port);
        client.send(sent);
        BOOST_TEST(client.take_rest() == answer);
        BOOST_TEST(counted(Metric::checkins_rejected_total, label_of(Transport::mqtt, code)) ==
                   before + 1);
    }
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 0);
}

BOOST_AUTO_TEST_CASE(too_large_packet_is_refused_by_its_length_alone) {
    settings.mqtt.packet_size_max = 1_KiB;
    start();
    TcpClient client(mqtt_port);
    client.send(connect() + "\x30\x80\x80\x01"s);
    BOOST_TEST(client.take_rest() == connack);
}

BOOST_AUTO_TEST_CASE(silent_client_is_cut_after_one_and_a_half_keep_alives) {
    start();
    TcpClient client(mqtt_port);
    client.send(connect(4, 1));
    BOOST_TEST(client.take(4) == connack);
    BOOST_TEST(!client.ends_within(1200ms));
    BOOST_TEST(client.ends_within(3s));
}

BOOST_AUTO_TEST_CASE(client_that_never_connects_is_cut) {
    settings.mqtt.connect_timeout_max = Millis(300);
    start();
    TcpClient client(mqtt_port);
    BOOST_TEST(client.ends_within(3s));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
