#include "daemon/mqtt/packet_writer.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/mqtt_packets.h"

using namespace rollcall;
using namespace rollcall::mqtt;
using namespace std::string_literals;
using packets::length;

BOOST_AUTO_TEST_SUITE(mqtt_packet_writer)

BOOST_AUTO_TEST_CASE(answers_of_3_1_1_are_the_bytes_of_the_standard) {
    constexpr Version v = Version::v3_1_1;
    BOOST_TEST(connack(v, false) == "\x20\x02\x00\x00"s);
    BOOST_TEST(connack(v, true) == "\x20\x02\x01\x00"s);
    BOOST_TEST(refusing_connack(v, Reason::unsupported_protocol_version) == "\x20\x02\x00\x01"s);
    BOOST_TEST(refusing_connack(v, Reason::client_identifier_not_valid) == "\x20\x02\x00\x02"s);
    BOOST_TEST(refusing_connack(v, Reason::server_busy) == "\x20\x02\x00\x03"s);
    BOOST_TEST(refusing_connack(v, Reason::bad_user_name_or_password) == "\x20\x02\x00\x04"s);
    BOOST_TEST(refusing_connack(v, Reason::unspecified_error) == "\x20\x02\x00\x03"s);
    BOOST_TEST(refusing_connack(v, Reason::not_authorized) == "\x20\x02\x00\x05"s);
    BOOST_TEST(acknowledgement(v, Type::puback, 0xABCD) == "\x40\x02\xAB\xCD"s);
    BOOST_TEST(acknowledgement(v, Type::pubrec, 0xABCD) == "\x50\x02\xAB\xCD"s);
    BOOST_TEST(acknowledgement(v, Type::pubrel, 0xABCD) == "\x62\x02\xAB\xCD"s);
    BOOST_TEST(acknowledgement(v, Type::pubcomp, 0xABCD, Reason::packet_identifier_not_found,
                               "words") == "\x70\x02\xAB\xCD"s);
    BOOST_TEST(suback(v, 7, 2, Reason::not_authorized) == "\x90\x04\x00\x07\x80\x80"s);
    BOOST_TEST(unsuback(v, 7, 2, Reason::no_subscription_existed) == "\xB0\x02\x00\x07"s);
    BOOST_TEST(pingresp() == "\xD0\x00"s);
}

BOOST_AUTO_TEST_CASE(answers_of_5_0_are_the_bytes_of_the_standard) {
    constexpr Version v = Version::v5;
    BOOST_TEST(refusing_connack(v, Reason::bad_authentication_method) == "\x20\x03\x00\x8C\x00"s);
    BOOST_TEST(acknowledgement(v, Type::puback, 0xABCD) == "\x40\x02\xAB\xCD"s);
    BOOST_TEST(acknowledgement(v, Type::pubrec, 1, Reason::payload_format_invalid) ==
               "\x50\x03\x00\x01\x99"s);
    BOOST_TEST(acknowledgement(v, Type::puback, 1, Reason::payload_format_invalid, "no") ==
               "\x40\x09\x00\x01\x99\x05\x1F\x00\x02no"s);
    BOOST_TEST(acknowledgement(v, Type::pubrel, 1, Reason::packet_identifier_not_found) ==
               "\x62\x03\x00\x01\x92"s);
    BOOST_TEST(suback(v, 7, 2, Reason::not_authorized) == "\x90\x05\x00\x07\x00\x87\x87"s);
    BOOST_TEST(unsuback(v, 7, 2, Reason::no_subscription_existed) ==
               "\xB0\x05\x00\x07\x00\x11\x11"s);
    BOOST_TEST(refusing_connack(v, Reason::not_authorized, "no") ==
               "\x20\x08\x00\x87\x05\x1F\x00\x02no"s);
    BOOST_TEST(disconnect(Reason::session_taken_over) == "\xE0\x01\x8E"s);
    BOOST_TEST(disconnect(Reason::malformed_packet, "no") == "\xE0\x07\x81\x05\x1F\x00\x02no"s);
}

BOOST_AUTO_TEST_CASE(a_connack_of_5_0_states_the_limits_of_the_server_and_what_is_not_available) {
    BOOST_TEST(connack(Version::v5, false, {.packet_bytes_max = 0x14000}) ==
               "\x20\x0E\x00\x00\x0B\x27\x00\x01\x40\x00\x28\x00\x29\x00\x2A\x00"s);
    const ServerProperties all{.session_expiry_s = 3600,
                               .assigned_client_id = "id",
                               .keep_alive_s = 1200,
                               .receive_max = 1000,
                               .topic_alias_max = 8,
                               .packet_bytes_max = 0x14000};
    const std::string list = "\x11\x00\x00\x0E\x10"s + "\x21\x03\xE8" + "\x27\x00\x01\x40\x00"s +
                             "\x12\x00\x02id"s + "\x22\x00\x08"s + "\x13\x04\xB0" +
                             "\x28\x00\x29\x00\x2A\x00"s;
    BOOST_TEST(connack(Version::v5, true, all) ==
               "\x20"s + length(3 + list.size()) + "\x01\x00"s + length(list.size()) + list);
}

// [MQTT-3.2.2-4] [MQTT5-3.2.2-6]
BOOST_AUTO_TEST_CASE(a_refusal_never_says_that_a_session_is_present) {
    BOOST_TEST(refusing_connack(Version::v3_1_1, Reason::client_identifier_not_valid) ==
               "\x20\x02\x00\x02"s);
    BOOST_TEST(refusing_connack(Version::v5, Reason::client_identifier_not_valid) ==
               "\x20\x03\x00\x85\x00"s);
}

BOOST_AUTO_TEST_SUITE_END()
