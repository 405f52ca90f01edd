#include "daemon/mqtt/will.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

BOOST_FIXTURE_TEST_SUITE(mqtt_will, MqttSessionFixture)

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
        if (leaves_will) (void)sites(rows);  // Waits until the will is stored, before mark().
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
        TcpClient client(mqtt_port);  // The client connects again, and then sends DISCONNECT.
        client.send(connect("MT1", {.level = 5}) + disconnect());
        BOOST_TEST(client.take_rest() == connack(5));
    }
    std::this_thread::sleep_for(3500ms);
    mark();
    BOOST_TEST(sites(3) == "r1 -gone r1");
}

// [MQTT5-3.1.2-8]
BOOST_AUTO_TEST_CASE(will_waits_no_longer_than_its_session_is_kept) {
    settings.mqtt.sessions_max = 0;
    start();
    for (const size_t expiry_s : {0, 60}) {  // No session is kept, so the expiry must have no
                                             // effect.
        TcpClient client(mqtt_port);
        client.send(connect_with_will(5, 60, expiry_s));
        expect(client, connack(5));
    }
    BOOST_TEST(sites(2) == "-gone -gone");
}

BOOST_AUTO_TEST_CASE(availability_is_said_in_two_words_only) {
    BOOST_TEST(availability("online").value());
    BOOST_TEST(!availability("offline").value());
    for (const char* other : {"", "Online", "offline ", "{}"})
        BOOST_TEST(!availability(other).has_value(), other);
}

BOOST_AUTO_TEST_CASE(will_counts_if_its_topic_takes_check_ins) {
    mqtt::Connect connect;
    BOOST_TEST(!will_of(connect, settings).has_value());
    connect.will = mqtt::Will{.topic = "checkins/r1", .payload = "anything", .delay_s = 7};
    const auto will = will_of(connect, settings);
    BOOST_REQUIRE(will.has_value());
    BOOST_TEST(will->device == "r1");
    BOOST_TEST(will->delay_s == 7U);
    connect.will->topic = "elsewhere/r1";
    BOOST_TEST(!will_of(connect, settings).has_value());
}

BOOST_AUTO_TEST_CASE(site_of_a_will_is_the_credentials_else_the_reported_one_else_the_topics) {
    MqttWill will{.device = "r1", .reported_site = {}, .delay_s = 0};
    BOOST_TEST(will.site("") == "r1");
    will.reported_site = "HX1";
    BOOST_TEST(will.site("") == "HX1");
    BOOST_TEST(will.site("s1") == "s1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
