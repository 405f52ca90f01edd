#include "daemon/mqtt/connect.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

namespace {

mqtt::Connect clean_connect(std::string_view client_id) {
    mqtt::Connect connect;
    connect.client_id = client_id;
    connect.clean_start = true;
    return connect;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_connect, MqttSessionFixture)

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

// [MQTT-3.1.3-6] [MQTT5-3.1.3-6] [MQTT5-3.1.3-7] [MQTT5-3.2.2-16]
BOOST_AUTO_TEST_CASE(client_without_an_id_is_given_one_of_its_own) {
    start();
    TcpClient first(mqtt_port);
    TcpClient second(mqtt_port);
    std::string ids[2];
    for (TcpClient* client : {&first, &second}) {
        client->send(connect("", {.level = 5}));
        mqtt::ServerProperties properties = usual;
        const std::string an_id(23, 'x');  // Every server must accept this id [MQTT5-3.1.3-5].
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

// [MQTT5-3.2.2-22]
BOOST_AUTO_TEST_CASE(client_of_5_0_that_asks_for_no_keep_alive_hears_of_the_daemons) {
    settings.mqtt.idle_timeout_max = Millis(1000);
    start();
    TcpClient client(mqtt_port);
    client.send(connect("MT1", {.level = 5, .keep_alive_s = 0}));
    mqtt::ServerProperties properties = usual;
    properties.keep_alive_s = 1;
    expect(client, connack(5, false, properties));
    // The daemon waits one and a half times the keep-alive.
    BOOST_TEST(!client.ends_within(1200ms));
    BOOST_TEST(client.take_rest() == dismissal(5, Reason::keep_alive_timeout));
}

// [MQTT5-3.2.2-21]
BOOST_AUTO_TEST_CASE(keep_alive_is_capped_and_5_0_is_told) {
    settings.mqtt.keep_alive_max = Millis(1000);
    start();
    for (const int level : levels) {
        TcpClient client(mqtt_port);
        client.send(connect("MT1", {.level = level, .keep_alive_s = 65535}));
        mqtt::ServerProperties properties = usual;
        properties.keep_alive_s = 1;
        expect(client, connack(level, false, properties));
        BOOST_TEST(!client.ends_within(1200ms));
        BOOST_TEST(client.take_rest() == dismissal(level, Reason::keep_alive_timeout));
    }
    BOOST_TEST(rejected(Code::timeout) == 2);
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

BOOST_AUTO_TEST_CASE(connect_is_refused_for_what_it_says_alone) {
    mqtt::Connect connect = clean_connect("c");
    const auto refusal = [&] {
        const auto found = refusal_of(connect, settings);
        return found ? std::string(to_text(found->code)) : std::string();
    };
    BOOST_TEST(refusal() == "");
    connect.client_id = "";
    BOOST_TEST(refusal() == "");
    connect.clean_start = false;  // [MQTT-3.1.3-8]
    BOOST_TEST(refusal() == "mqtt_protocol_error");
    connect.version = Version::v5;
    BOOST_TEST(refusal() == "");
    const std::string long_id(settings.mqtt.client_id_size_max.count + 1, 'c');
    connect.client_id = long_id;
    BOOST_TEST(refusal() == "mqtt_too_large");
    connect.client_id = std::string_view(long_id).substr(1);
    BOOST_TEST(refusal() == "");
    const std::string long_topic(settings.mqtt.topic_size_max.count + 1, 't');
    connect.will = mqtt::Will{.topic = long_topic, .payload = {}};
    BOOST_TEST(refusal() == "mqtt_too_large");
    BOOST_TEST((refusal_of(connect, settings)->reason == Reason::topic_name_invalid));
    connect.will.reset();
    connect.wants_authentication = true;
    BOOST_TEST(refusal() == "mqtt_unsupported");
}

BOOST_AUTO_TEST_CASE(terms_follow_the_connect_within_the_limits_of_the_settings) {
    settings.mqtt.session_expiry_max = Millis(60'000);
    mqtt::Connect connect = clean_connect("c");
    connect.version = Version::v5;
    connect.keep_alive_s = 20;
    connect.session_expiry_s = 30;
    const auto within = negotiate(connect, settings, false);
    BOOST_TEST(within.client_id == "c");
    BOOST_TEST(!within.client_id_is_assigned);
    BOOST_TEST(within.session_expiry_s == 30U);
    BOOST_TEST(within.session_wanted);
    BOOST_TEST(!within.session_is_shortened);
    BOOST_TEST(within.silence_max_ms == 30'000U);
    BOOST_TEST(!within.keep_alive_s.has_value());
    BOOST_TEST(within.receive_max == settings.mqtt.in_flight_max);
    connect.session_expiry_s = UINT32_MAX;
    connect.keep_alive_s = 65535;
    BOOST_TEST(negotiate(connect, settings, false).silence_max_ms == 5'400'000U);
    BOOST_TEST(negotiate(connect, settings, false).keep_alive_s.value() == 3600);
    connect.keep_alive_s = 20;
    const auto shortened = negotiate(connect, settings, true);
    BOOST_TEST(shortened.session_expiry_s == 60U);
    BOOST_TEST(shortened.session_is_shortened);
    BOOST_TEST(shortened.receive_max == 1);
    connect.session_expiry_s = 0;
    BOOST_TEST(!negotiate(connect, settings, false).session_wanted);
    connect.version = Version::v3_1_1;
    BOOST_TEST(negotiate(connect, settings, false).session_expiry_s == 0U);
    connect.clean_start = false;
    BOOST_TEST(negotiate(connect, settings, false).session_expiry_s == 60U);
}

BOOST_AUTO_TEST_CASE(client_id_of_the_server_is_another_each_time_and_as_short_as_the_least_limit) {
    const mqtt::Connect connect = clean_connect("");
    const auto first = negotiate(connect, settings, false);
    BOOST_TEST(first.client_id_is_assigned);
    BOOST_TEST(first.client_id.size() == 23U);
    BOOST_TEST(first.client_id != negotiate(connect, settings, false).client_id);
}

BOOST_AUTO_TEST_CASE(registry_key_of_a_client_is_no_other_sites) {
    const auto key = [](std::string_view site, std::string_view tenant, std::string_view id) {
        return registry_key(Identity(site, tenant), id);
    };
    BOOST_TEST(key("", "", "c") == "c");
    BOOST_TEST(key("s1", "", "c") != key("s2", "", "c"));
    BOOST_TEST(key("s1", "", "c") != key("", "", "c"));
    BOOST_TEST(key("s", "", "1c") != key("s1", "", "c"));
    BOOST_TEST(key("s1", "t1", "c") != key("s1", "t2", "c"));
    BOOST_TEST(key("s1", "t1", "c") != key("s1", "", "c"));
    BOOST_TEST(key("s1", "t1", "c") != key("s1", "", "t1\nc"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
