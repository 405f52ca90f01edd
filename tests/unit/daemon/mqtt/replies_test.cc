#include "daemon/mqtt/replies.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

BOOST_FIXTURE_TEST_SUITE(mqtt_replies, MqttSessionFixture)

// [MQTT5-3.1.2-24] [MQTT5-3.4.2-2]
BOOST_AUTO_TEST_CASE(client_of_5_0_receives_nothing_larger_than_its_maximum_packet_size) {
    // These two settings make CONNACK shorter than a refusal with a reason string. So a client can
    // accept CONNACK, but not such a refusal.
    settings.mqtt.in_flight_max = UINT16_MAX;
    settings.mqtt.topic_aliases_max = 0;
    start();
    const std::string terms = connack(5, false, {.packet_bytes_max = usual.packet_bytes_max});
    const auto with_maximum = [](size_t bytes) {
        return connect("MT1", {.level = 5, .properties = property(39, four(bytes))});
    };
    const std::string bad = publish(5, 1, 1, {.payload = malformed});
    const std::string full = puback_saying(1, Reason::payload_format_invalid, "malformed_json");
    const std::string brief = puback_saying(1, Reason::payload_format_invalid, "");
    BOOST_TEST(terms.size() < full.size() - 1);
    {
        TcpClient client(mqtt_port);
        client.send(with_maximum(full.size()) + bad);
        expect(client, terms + full);
    }
    {
        TcpClient client(mqtt_port);
        client.send(with_maximum(full.size() - 1) + bad + connect("MT1"));
        BOOST_TEST(client.take_rest() == terms + brief + dismissal(5, Reason::protocol_error));
    }
    // CONNACK tells the client the limits of the daemon. A client whose maximum packet size is too
    // small for CONNACK is refused, because it would not know the limits.
    TcpClient client(mqtt_port);
    client.send(with_maximum(terms.size() - 1) + bad);
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

BOOST_AUTO_TEST_CASE(reason_code_is_that_of_the_error) {
    BOOST_TEST((reason_for(Code::mqtt_malformed) == Reason::malformed_packet));
    BOOST_TEST((reason_for(Code::unknown_topic) == Reason::topic_name_invalid));
    BOOST_TEST((reason_for(Code::over_site_quota) == Reason::quota_exceeded));
    BOOST_TEST((reason_for(Code::bad_credential) == Reason::bad_user_name_or_password));
    BOOST_TEST((reason_for(Code::expired_credential) == Reason::not_authorized));
    // All errors of decoding have the reason payload_format_invalid.
    BOOST_TEST((reason_for(Code::malformed_json) == Reason::payload_format_invalid));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
