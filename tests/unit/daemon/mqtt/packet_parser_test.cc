#include "daemon/mqtt/packet_parser.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/mqtt_parsing.h"
#include "tests/support/random.h"

using namespace rollcall;
using namespace rollcall::mqtt;
using namespace rollcall::mqtt::parsing;

BOOST_AUTO_TEST_SUITE(mqtt_packet_parser)

// --- fixed header ---

BOOST_AUTO_TEST_CASE(every_beginning_of_a_packet_needs_more) {
    for (const std::string& whole :
         {full_connect(), connect(0x02, text("")), publish(0x0B, text("a/b") + two(7) + "{}"),
          packet(0xC0, ""), packet(0xE0, ""), packet(0x82, two(1) + text("a") + "\0"s)}) {
        for (size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(incomplete(whole.substr(0, size)), "at " << size);
        BOOST_TEST(!incomplete(whole));
    }
}

BOOST_AUTO_TEST_CASE(a_packet_ends_where_its_length_says_and_the_next_one_follows) {
    const std::string first = publish(0x00, text("a") + "{}");
    const std::string both = first + packet(0xC0, "");
    const auto result = parse_all(both);
    BOOST_REQUIRE(result.has_value());
    BOOST_REQUIRE(result->has_value());
    BOOST_TEST((*result)->bytes == first.size());
    BOOST_TEST(std::get<Publish>((*result)->content).payload == "{}");
}

BOOST_AUTO_TEST_CASE(types_that_no_client_sends_are_refused_at_their_first_byte) {
    for (size_t flags = 0; flags < 16; ++flags) {
        for (const size_t type : {0, 15})  // 0 is reserved. 15 is AUTH, which only 5.0 has.
            BOOST_TEST(refused(byte(type << 4 | flags)), "type " << type << " flags " << flags);
        BOOST_TEST(refused_5(byte(flags)), "flags " << flags);
        BOOST_TEST(refused_5(byte(0xF0 | flags)) == (flags != 0), "flags " << flags);
        for (const Version version : versions)
            for (const size_t type : {2, 9, 11, 13})  // CONNACK, SUBACK, UNSUBACK, PINGRESP.
                BOOST_TEST(refused(byte(type << 4 | flags), Code::mqtt_protocol_error, version),
                           "type " << type << " flags " << flags);
    }
}

// [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1]
BOOST_AUTO_TEST_CASE(other_flags_than_those_of_the_type_are_refused_at_the_first_byte) {
    for (const Version version : versions)
        for (const size_t type : {1, 4, 5, 6, 7, 8, 10, 12, 14})
            for (size_t flags = 0; flags < 16; ++flags) {
                const size_t wanted = type == 6 || type == 8 || type == 10 ? 2 : 0;
                BOOST_TEST(refused(byte(type << 4 | flags), Code::mqtt_malformed, version) ==
                               (flags != wanted),
                           "type " << type << " flags " << flags);
            }
}

BOOST_AUTO_TEST_CASE(lengths_of_one_to_four_bytes_are_read_lowest_bits_first) {
    const auto needs = [](const std::string& length, size_t value) {
        const size_t whole = 1 + length.size() + value;
        const std::string head = "\x30" + length;
        return incomplete(head) && parse(head, whole, Version::v3_1_1).has_value() &&
               !parse(head, whole - 1, Version::v3_1_1).has_value();
    };
    BOOST_TEST(needs("\x7F", 127));
    BOOST_TEST(needs("\x80\x01", 128));
    BOOST_TEST(needs("\xFF\x7F", 16'383));
    BOOST_TEST(needs("\x80\x80\x01", 16'384));
    BOOST_TEST(needs("\xFF\xFF\x7F", 2'097'151));
    BOOST_TEST(needs("\x80\x80\x80\x01", 2'097'152));
    BOOST_TEST(needs("\xFF\xFF\xFF\x7F", 268'435'455));
}

// [MQTT5-1.5.5-1]
BOOST_AUTO_TEST_CASE(a_length_in_more_bytes_than_needed_is_taken_in_3_1_1_and_refused_in_5_0) {
    for (const auto& longer : {"\xC0\x80\x00"s, "\xC0\x80\x80\x00"s, "\xC0\x80\x80\x80\x00"s}) {
        taken<Pingreq>(longer);
        BOOST_TEST(refused_5(longer));
    }
    // A CONNECT names its version itself, so taken() and refused() work for both versions.
    const auto longer = [](const std::string& connect) {
        return connect.substr(0, 1) + byte(static_cast<uint8_t>(connect[1]) | 0x80) + "\0"s +
               connect.substr(2);
    };
    taken<Connect>(longer(connect(2, text("c"))));
    BOOST_TEST(refused(longer(connect_5(2, "", text("c")))));
    // In 5.0, three other numbers have the encoding of a packet's length: the length of a property
    // list, the id of a property, and a subscription identifier.
    BOOST_TEST(refused_5(packet(0x30, text("a") + "\x80\0"s)));
    BOOST_TEST(refused_5(packet(0x30, text("a") + "\x02\xA3\0\0\x01"s)));
    BOOST_TEST(
        refused_5(packet(0x82, two(1) + "\x03" + property(11, "\x81\0"s) + text("a") + "\0"s)));
}

BOOST_AUTO_TEST_CASE(a_length_of_five_bytes_is_refused_at_the_fourth) {
    BOOST_TEST(incomplete("\x30\xFF\xFF\xFF"));
    BOOST_TEST(refused("\x30\xFF\xFF\xFF\x80"));
    BOOST_TEST(refused("\x30\x80\x80\x80\x80\x01"));
}

BOOST_AUTO_TEST_CASE(a_packet_past_the_limit_is_refused_before_its_body_arrives) {
    const std::string whole = publish(0x00, text("a") + std::string(50, 'x'));
    BOOST_TEST(parse(whole, whole.size(), Version::v3_1_1)->has_value());
    const auto result = parse(whole.substr(0, 2), whole.size() - 1, Version::v3_1_1);
    BOOST_REQUIRE(!result);
    BOOST_TEST(to_text(result.error().code) == "mqtt_too_large");
}

// --- texts ---

// [MQTT-1.5.3-1]
BOOST_AUTO_TEST_CASE(texts_that_are_not_utf8_are_refused) {
    for (const std::string& bad :
         {"\xFF"s, "\x80"s, "\xC0\x80"s, "\xC3"s, "\xE0\x80\xAF"s, "\xED\xA0\x80"s, "\xED\xBF\xBF"s,
          "\xF4\x90\x80\x80"s, "\xF0\x9F\x98"s}) {
        BOOST_TEST(refused(publish(0, text(bad))));
        BOOST_TEST(refused(connect(0x02, text(bad))));
        BOOST_TEST(refused(connect(0x06, text("c") + text(bad) + text(""))));
        BOOST_TEST(refused(connect(0x82, text("c") + text(bad))));
    }
}

// [MQTT-1.5.3-2] [MQTT-4.7.3-2]
BOOST_AUTO_TEST_CASE(texts_with_the_character_nul_are_refused) {
    const std::string bad = "a\0b"s;
    BOOST_TEST(refused(publish(0, text(bad))));
    BOOST_TEST(refused(connect(0x02, text(bad))));
    BOOST_TEST(refused(connect(0x06, text("c") + text(bad) + text(""))));
    BOOST_TEST(refused(connect(0x82, text("c") + text(bad))));
}

// [MQTT-1.5.3-3]
BOOST_AUTO_TEST_CASE(a_byte_order_mark_stays_in_its_text) {
    const std::string bytes = publish(0, text("\xEF\xBB\xBFtopic"));
    BOOST_TEST(taken<Publish>(bytes).topic == "\xEF\xBB\xBFtopic");
}

// --- CONNECT ---

BOOST_AUTO_TEST_CASE(a_connect_gives_all_that_it_carries) {
    const std::string bytes = full_connect();
    const auto connect = taken<Connect>(bytes);
    BOOST_TEST(connect.client_id == "client");
    BOOST_TEST(connect.clean_start);
    BOOST_TEST(connect.keep_alive_s == 60);
    BOOST_REQUIRE(connect.will.has_value());
    BOOST_TEST(connect.will->topic == "will/topic");
    BOOST_TEST(connect.will->payload == "gone");
    BOOST_TEST(connect.will->qos == 2);
    BOOST_TEST(connect.will->retain);
    BOOST_TEST(connect.username.value() == "user");
    BOOST_TEST(connect.password.value() == "secret\0\xFF"s);
}

BOOST_AUTO_TEST_CASE(a_connect_gives_nothing_that_it_does_not_carry) {
    const std::string bytes = connect(0x00, text(""));
    const auto connect = taken<Connect>(bytes);
    BOOST_TEST(connect.client_id.empty());
    BOOST_TEST(!connect.clean_start);
    BOOST_TEST(!connect.will.has_value());
    BOOST_TEST(!connect.username.has_value());
    BOOST_TEST(!connect.password.has_value());
}

// [MQTT-3.1.2-1]
BOOST_AUTO_TEST_CASE(another_protocol_than_mqtt_is_not_supported) {
    for (const auto* name : {"MQIsdp", "mqtt", "HTTP", ""})
        BOOST_TEST(refused(packet(0x10, text(name) + "\x04\x02"s + two(60) + text("c")),
                           Code::mqtt_unsupported));
}

// [MQTT-3.1.2-2]
BOOST_AUTO_TEST_CASE(another_version_is_told_apart_and_not_looked_at_further) {
    for (const size_t level : {0, 3, 6, 0x84}) {
        const auto other =
            taken<ConnectOtherVersion>(packet(0x10, text("MQTT") + byte(level) + "\xFFwhatever"));
        BOOST_TEST(other.protocol_level == level);
    }
}

// [MQTT-3.1.2-3]
BOOST_AUTO_TEST_CASE(the_reserved_connect_flag_is_refused) {
    BOOST_TEST(refused(connect(0x03, text("c"))));
}

// [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15]
BOOST_AUTO_TEST_CASE(will_qos_and_will_retain_without_a_will_are_refused) {
    BOOST_TEST(refused(connect(0x0A, text("c"))));
    BOOST_TEST(refused(connect(0x12, text("c"))));
    BOOST_TEST(refused(connect(0x22, text("c"))));
}

// [MQTT-3.1.2-14]
BOOST_AUTO_TEST_CASE(will_qos_3_is_refused) {
    const std::string payload = text("c") + text("t") + text("gone");
    BOOST_TEST(taken<Connect>(connect(0x0E, payload)).will->qos == 1);
    BOOST_TEST(refused(connect(0x1E, payload)));
}

// [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21]
BOOST_AUTO_TEST_CASE(what_the_connect_flags_announce_must_be_there) {
    BOOST_TEST(refused(connect(0x02, "")));  // [MQTT-3.1.3-3]: the client id must be present.
    BOOST_TEST(refused(connect(0x06, text("c"))));
    BOOST_TEST(refused(connect(0x06, text("c") + text("t"))));
    BOOST_TEST(refused(connect(0x82, text("c"))));
    BOOST_TEST(refused(connect(0xC2, text("c") + text("user"))));
}

// [MQTT-3.1.2-11] [MQTT-3.1.2-18] [MQTT-3.1.2-20]
BOOST_AUTO_TEST_CASE(bytes_that_the_connect_flags_do_not_announce_are_refused) {
    BOOST_TEST(refused(connect(0x02, text("c") + text("user"))));
    BOOST_TEST(refused(connect(0x82, text("c") + text("user") + text("secret"))));
    BOOST_TEST(refused(connect(0x06, text("c") + text("t") + text("gone") + "x")));
}

// [MQTT-3.1.2-22]
BOOST_AUTO_TEST_CASE(a_password_without_a_user_name_is_refused) {
    BOOST_TEST(refused(connect(0x42, text("c") + text("secret"))));
}

// [MQTT-4.7.1-1] [MQTT-4.7.3-1]
BOOST_AUTO_TEST_CASE(will_topics_that_are_empty_or_have_wildcards_are_refused) {
    for (const auto* topic : {"", "a/+", "#"})
        BOOST_TEST(refused(connect(0x06, text("c") + text(topic) + text("gone"))));
}

BOOST_AUTO_TEST_CASE(a_connect_cut_short_by_its_length_is_refused_wherever_it_is_cut) {
    const std::string body = full_connect().substr(2);
    for (size_t size = 0; size < body.size(); ++size)
        BOOST_TEST(refused(packet(0x10, body.substr(0, size))), "at " << size);
}

// Checks the rules of the tests above for version 5.0, which allows a password without a user name.
// [MQTT5-3.1.2-3] [MQTT5-3.1.2-9] [MQTT5-3.1.2-11] [MQTT5-3.1.2-12] [MQTT5-3.1.2-13]
// [MQTT5-3.1.2-16] [MQTT5-3.1.2-17] [MQTT5-3.1.2-18] [MQTT5-3.1.2-19]
BOOST_AUTO_TEST_CASE(flags_of_a_connect_of_5_0_are_consistent_and_what_they_announce_is_there) {
    const std::string will = "\0"s + text("t") + text("gone");
    const struct {
        size_t flags;
        std::string payload;
        bool taken;
    } cases[] = {
        {0x02, text("c"), true},
        {0x03, text("c"), false},
        {0x0A, text("c"), false},
        {0x12, text("c"), false},
        {0x22, text("c"), false},
        {0x26, text("c") + will, true},
        {0x16, text("c") + will, true},
        {0x1E, text("c") + will, false},
        {0x02, "", false},
        {0x02, text("\xFF"), false},
        {0x06, text("c"), false},
        {0x06, text("c") + "\0"s, false},
        {0x06, text("c") + "\0"s + text("t"), false},
        {0x06, text("c") + text("t") + text("gone"), false},  // A will without a property list.
        {0x06, text("c") + "\0"s + text("\xFF") + text("gone"), false},
        {0x02, text("c") + will, false},
        {0x82, text("c") + text("user"), true},
        {0x82, text("c") + text("\xFF"), false},
        {0x82, text("c"), false},
        {0x02, text("c") + text("user"), false},
        {0x42, text("c") + text("\xFF"), true},
        {0x42, text("c"), false},
        {0xC2, text("c") + text("user"), false},
        {0x82, text("c") + text("user") + text("secret"), false},
    };
    for (const auto& [flags, payload, taken] : cases)
        BOOST_TEST(refused(connect_5(flags, "", payload)) == !taken,
                   flags << " " << payload.size());
}

// --- PUBLISH ---

BOOST_AUTO_TEST_CASE(a_publish_gives_all_that_it_carries) {
    const std::string bytes = publish(0x0D, text("checkins/r1") + two(0xABCD) + "{\"a\":1}");
    const auto publish = taken<Publish>(bytes);
    BOOST_TEST(publish.topic == "checkins/r1");
    BOOST_TEST(publish.payload == "{\"a\":1}");
    BOOST_TEST(publish.qos == 2);
    BOOST_TEST(publish.retain);
    BOOST_TEST(publish.dup);
    BOOST_TEST(publish.packet_id == 0xABCD);
}

// [MQTT-2.3.1-5]
BOOST_AUTO_TEST_CASE(a_publish_with_qos_0_has_no_packet_id) {
    const std::string bytes = publish(0x00, text("a") + "\0\0payload"s);
    const auto publish = taken<Publish>(bytes);
    BOOST_TEST(publish.packet_id == 0);
    BOOST_TEST(publish.payload == "\0\0payload"s);
    BOOST_TEST(!publish.retain);
    BOOST_TEST(!publish.dup);
}

BOOST_AUTO_TEST_CASE(a_publish_may_have_no_payload_and_any_bytes_in_it) {
    const std::string without = publish(0x02, text("a") + two(1));
    BOOST_TEST(taken<Publish>(without).payload.empty());
    const std::string with = publish(0x00, text("a") + "\xFF\xFE"s);
    BOOST_TEST(taken<Publish>(with).payload == "\xFF\xFE");
}

// [MQTT-2.3.1-1]
BOOST_AUTO_TEST_CASE(packet_id_0_is_refused) {
    BOOST_TEST(refused(publish(0x02, text("a") + two(0))));
    BOOST_TEST(refused(publish(0x04, text("a") + two(0))));
}

BOOST_AUTO_TEST_CASE(a_publish_that_ends_within_its_topic_or_packet_id_is_refused) {
    for (const std::string& body : {""s, "\0"s, two(2) + "a", text("a") + "\1"s, text("a")})
        BOOST_TEST(refused(publish(0x02, body)));
}

// [MQTT-3.3.1-2]
BOOST_AUTO_TEST_CASE(dup_with_qos_0_is_refused) {
    BOOST_TEST(refused("\x38"));
    BOOST_TEST(incomplete("\x3A"));
}

// [MQTT-3.3.1-4]
BOOST_AUTO_TEST_CASE(qos_3_is_refused) {
    BOOST_TEST(refused("\x36"));
    BOOST_TEST(refused("\x3F"));
}

// [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1]
BOOST_AUTO_TEST_CASE(topics_that_are_empty_or_have_wildcards_are_refused) {
    for (const auto* topic : {"", "+", "#", "a/+/b", "a/#", "a+", "a#b"})
        BOOST_TEST(refused(publish(0x00, text(topic))), topic);
    taken<Publish>(publish(0x00, text("/")));
    taken<Publish>(publish(0x00, text("$a")));
}

// --- other packets ---

BOOST_AUTO_TEST_CASE(pingreq_and_disconnect_have_no_body) {
    taken<Pingreq>(packet(0xC0, ""));
    taken<Disconnect>(packet(0xE0, ""));
    BOOST_TEST(refused(packet(0xC0, "x")));
    BOOST_TEST(refused(packet(0xE0, "\0"s)));
}

BOOST_AUTO_TEST_CASE(acknowledgements_give_their_type_and_packet_id) {
    for (const size_t first_byte : {0x40, 0x50, 0x62, 0x70})
        for (const Version version : versions) {
            const auto is = taken<Acknowledgement>(packet(first_byte, two(0xABCD)), version);
            BOOST_TEST(static_cast<size_t>(is.type) == first_byte >> 4);
            BOOST_TEST(is.packet_id == 0xABCD);
            for (const auto& body : {""s, "\1"s, two(0)})
                BOOST_TEST(refused(packet(first_byte, body), Code::mqtt_malformed, version));
        }
    BOOST_TEST(refused(packet(0x40, two(1) + "\0"s)));  // Only 5.0 has reasons.
}

BOOST_AUTO_TEST_CASE(subscribe_and_unsubscribe_count_their_filters) {
    const std::string filters = text("a") + "\0"s + text("+/b/#") + "\1"s + text("/") + "\2"s;
    const auto is = taken<Subscribe>(packet(0x82, two(7) + filters));
    BOOST_TEST(is.packet_id == 7);
    BOOST_TEST(is.filters == 3u);
    BOOST_TEST(taken<Subscribe>(packet(0x82, two(7) + "\0"s + filters), Version::v5).filters == 3u);

    const std::string names = text("a") + text("+/b/#");
    const auto other = taken<Unsubscribe>(packet(0xA2, two(8) + names));
    BOOST_TEST(other.packet_id == 8);
    BOOST_TEST(other.filters == 2u);
    BOOST_TEST(taken<Unsubscribe>(packet(0xA2, two(8) + "\0"s + names), Version::v5).filters == 2u);
}

// [MQTT-3.8.3-3] [MQTT-3.10.3-2] [MQTT5-3.8.3-2] [MQTT5-3.10.3-2]
BOOST_AUTO_TEST_CASE(a_subscribe_or_unsubscribe_without_filters_is_refused) {
    for (const size_t first_byte : {0x82, 0xA2}) {
        BOOST_TEST(refused(packet(first_byte, two(1)), Code::mqtt_protocol_error));
        BOOST_TEST(refused_5(packet(first_byte, two(1) + "\0"s), Code::mqtt_protocol_error));
        BOOST_TEST(
            refused_5(packet(first_byte, two(1))));  // The list of properties is missing too.
        BOOST_TEST(refused(packet(first_byte, two(0) + text("a") + "\0"s)));
    }
}

// [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-3.8.3-1] [MQTT-3.10.3-1]
BOOST_AUTO_TEST_CASE(filters_that_are_malformed_are_refused) {
    for (const auto& filter :
         {""s, "a+"s, "+a"s, "#/a"s, "a/#/b"s, "a#"s, "##"s, "++"s, "a\0b"s, "\xFF"s}) {
        BOOST_TEST(refused(packet(0x82, two(1) + text(filter) + "\0"s)), filter);
        BOOST_TEST(refused(packet(0xA2, two(1) + text(filter))), filter);
        BOOST_TEST(refused_5(packet(0x82, two(1) + "\0"s + text(filter) + "\0"s)), filter);
        BOOST_TEST(refused_5(packet(0xA2, two(1) + "\0"s + text(filter))), filter);
    }
}

// [MQTT-3.8.3-4] [MQTT5-3.8.3-4] [MQTT5-3.8.3-5]
BOOST_AUTO_TEST_CASE(options_of_a_subscription_are_those_of_its_version) {
    for (size_t options = 0; options < 256; ++options) {
        const std::string body = two(1) + text("a") + byte(options);
        BOOST_TEST(parse_all(packet(0x82, body)).has_value() == (options <= 2), options);
        const std::string body_5 = two(1) + "\0"s + text("a") + byte(options);
        if (options >= 0x40) {
            BOOST_TEST(refused_5(packet(0x82, body_5)), options);
        } else if ((options & 3) == 3 || options >> 4 == 3) {
            BOOST_TEST(refused_5(packet(0x82, body_5), Code::mqtt_protocol_error), options);
        } else {
            taken<Subscribe>(packet(0x82, body_5), Version::v5);
        }
    }
    const std::string shared = two(1) + "\0"s + text("$share/g/a");
    taken<Subscribe>(packet(0x82, shared + "\0"s), Version::v5);
    BOOST_TEST(refused_5(packet(0x82, shared + "\4"s), Code::mqtt_protocol_error));
}

// --- packets of 5.0 ---

BOOST_AUTO_TEST_CASE(a_connect_of_5_0_gives_all_that_it_carries) {
    const std::string properties = property(17, four(3600)) + property(33, two(10)) +
                                   property(39, four(4096)) + property(34, two(3)) +
                                   property(25, "\1") + property(23, "\0"s) +
                                   property(38, pair("a", "b")) + property(38, pair("a", "b"));
    const std::string will_properties = property(24, four(30)) + property(1, "\1") +
                                        property(2, four(5)) + property(3, text("text/plain")) +
                                        property(8, text("r")) + property(9, text("\0\xFF"s)) +
                                        property(38, pair("", ""));
    const std::string bytes = packets::packet(
        0x10, text("MQTT") + "\5\xF6"s + two(60) + length(properties.size()) + properties +
                  text("client") + length(will_properties.size()) + will_properties +
                  text("will/topic") + text("gone") + text("user") + text("secret"));
    const auto connect = taken<Connect>(bytes);  // A CONNECT itself names its version.
    BOOST_TEST((connect.version == Version::v5));
    BOOST_TEST(connect.session_expiry_s == 3600u);
    BOOST_TEST(connect.packet_bytes_max == 4096u);
    BOOST_TEST(!connect.wants_reasons);
    BOOST_TEST(!connect.wants_authentication);
    BOOST_TEST(connect.client_id == "client");
    BOOST_TEST(connect.will.value().delay_s == 30u);
    BOOST_TEST(connect.will->topic == "will/topic");
    BOOST_TEST(connect.will->payload == "gone");
    BOOST_TEST(connect.username.value() == "user");
    BOOST_TEST(connect.password.value() == "secret");
}

BOOST_AUTO_TEST_CASE(a_connect_of_5_0_without_properties_has_the_defaults_of_the_standard) {
    const std::string bytes = connect_5(0, "", text(""));
    const auto connect = taken<Connect>(bytes);
    BOOST_TEST(connect.session_expiry_s == 0u);
    BOOST_TEST(connect.packet_bytes_max == UINT32_MAX);
    BOOST_TEST(connect.wants_reasons);
    BOOST_TEST(!connect.will.has_value());
}

BOOST_AUTO_TEST_CASE(a_password_without_a_user_name_is_taken_in_5_0) {
    const std::string bytes = connect_5(0x42, "", text("c") + text("token"));
    BOOST_TEST(taken<Connect>(bytes).password.value() == "token");
}

BOOST_AUTO_TEST_CASE(authentication_data_without_a_method_are_refused) {
    const std::string with = property(21, text("SCRAM")) + property(22, text("\xFF"));
    BOOST_TEST(taken<Connect>(connect_5(2, with, text("c"))).wants_authentication);
    BOOST_TEST(
        refused(connect_5(2, property(22, text("\xFF")), text("c")), Code::mqtt_protocol_error));
}

BOOST_AUTO_TEST_CASE(a_publish_of_5_0_gives_its_alias_and_content_type) {
    const std::string bytes =
        publish_5(property(35, two(5)) + property(3, text("application/json")), "");
    const auto publish = taken<Publish>(bytes, Version::v5);
    BOOST_TEST(publish.topic == "");
    BOOST_TEST(publish.topic_alias.value() == 5);
    BOOST_TEST(publish.content_type == "application/json");
    BOOST_TEST(publish.payload == "{}");
    // Alias 0 is refused by the session, not by the parser.
    BOOST_TEST(taken<Publish>(publish_5(property(35, two(0))), Version::v5).topic_alias.value() ==
               0);
}

// [MQTT5-3.3.4-6]
BOOST_AUTO_TEST_CASE(a_publish_with_a_subscription_identifier_is_a_protocol_error) {
    BOOST_TEST(refused_5(publish_5(property(11, byte(1))), Code::mqtt_protocol_error));
    BOOST_TEST(refused_5(publish_5(property(11, byte(1)) + property(35, two(5)), ""),
                         Code::mqtt_protocol_error));
}

BOOST_AUTO_TEST_CASE(a_topic_may_be_empty_only_if_an_alias_stands_for_it) {
    BOOST_TEST(refused_5(publish_5("", ""), Code::mqtt_protocol_error));
}

// [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1] [MQTT5-3.14.2-1] [MQTT5-3.15.2-1]
BOOST_AUTO_TEST_CASE(reasons_are_those_that_the_standard_has_for_the_packet) {
    const std::string puback = "\x00\x10\x80\x83\x87\x90\x91\x97\x99"s;
    const std::string pubrel = "\x00\x92"s;
    const std::string goodbye = "\x00\x04\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99"s;
    const struct {
        size_t first_byte;
        std::string before;
        std::string allowed;
    } cases[] = {{0x40, two(1), puback}, {0x50, two(1), puback}, {0x62, two(1), pubrel},
                 {0x70, two(1), pubrel}, {0xE0, "", goodbye},    {0xF0, "", "\x00\x18\x19"s}};
    for (const auto& [first_byte, before, allowed] : cases)
        for (size_t reason = 0; reason < 256; ++reason) {
            const bool is_allowed = allowed.contains(static_cast<char>(reason));
            for (const auto& properties : {""s, "\0"s}) {
                const std::string bytes = packet(first_byte, before + byte(reason) + properties);
                BOOST_TEST(parse_all(bytes, Version::v5).has_value() == is_allowed,
                           first_byte << " reason " << reason);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_disconnect_of_5_0_gives_its_reason_and_session_expiry) {
    const auto plain = taken<Disconnect>(packet(0xE0, ""), Version::v5);
    BOOST_TEST((plain.reason == Reason::success));
    BOOST_TEST(!plain.session_expiry_s.has_value());
    const auto full = taken<Disconnect>(packet(0xE0, "\4\5"s + property(17, four(7))), Version::v5);
    BOOST_TEST((full.reason == Reason::disconnect_with_will));
    BOOST_TEST(full.session_expiry_s.value() == 7u);
    BOOST_TEST(refused_5(packet(0xE0, "\0\0x"s)));
}

BOOST_AUTO_TEST_CASE(every_beginning_of_a_packet_of_5_0_needs_more) {
    for (const std::string& whole : whole_packets_5()) {
        for (size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(incomplete(whole.substr(0, size), Version::v5), "at " << size);
        BOOST_TEST(parse_all(whole, Version::v5)->has_value());
    }
}

// Shortens each packet and its length. The result can be valid if the packet ends with a payload or
// a list.
BOOST_AUTO_TEST_CASE(a_packet_of_5_0_cut_short_by_its_length_is_refused_or_as_short) {
    size_t refusals = 0;
    for (const std::string& whole : whole_packets_5())
        for (size_t size = 0; size + 2 < whole.size(); ++size) {
            const std::string cut =
                packets::packet(static_cast<uint8_t>(whole[0]), whole.substr(2, size));
            const auto result = parse_all(cut, Version::v5);
            if (result) {
                BOOST_TEST(result->value().bytes == cut.size());
            } else {
                ++refusals;
            }
        }
    BOOST_TEST(refusals > 100u);
}

// --- random bytes ---

// The bytes are copied to a block of exactly their size, so that AddressSanitizer detects each read
// beyond them.
BOOST_AUTO_TEST_CASE(random_bytes_never_take_more_than_was_given) {
    Random random("mqtt_codec");
    std::vector<std::string> wholes = whole_packets_5();
    wholes.insert(wholes.end(), {full_connect(), publish(0x02, text("a/b") + two(7) + "{}"),
                                 packet(0xC0, ""), packet(0x82, two(1) + text("a") + "\0"s)});
    size_t packets = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string bytes = random.one_of(wholes);
        for (uint64_t changes = random.below(4); changes > 0; --changes)
            bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        if (random.one_in(2)) bytes.resize(random.below(bytes.size() + 1));
        const auto block = std::make_unique<char[]>(bytes.size());
        bytes.copy(block.get(), bytes.size());

        const auto result =
            parse_all({block.get(), bytes.size()}, random.one_of({Version::v3_1_1, Version::v5}));
        if (!result || !*result) continue;
        ++packets;
        const size_t taken = (*result)->bytes;
        BOOST_REQUIRE_MESSAGE(taken >= 2 && taken <= bytes.size(), taken << " bytes taken");
    }
    BOOST_TEST(packets > 1000u);  // Enough packets were valid for the test to be meaningful.
}

BOOST_AUTO_TEST_SUITE_END()
