#include "daemon/mqtt/properties.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_parsing.h"

using namespace rollcall;
using namespace rollcall::mqtt;
using namespace rollcall::mqtt::parsing;

BOOST_AUTO_TEST_SUITE(mqtt_properties)

// Section 2.2.2.2: "A Control Packet which contains an Identifier which is not valid for its packet
// type" is malformed. Two properties have separate rules: authentication data without a method
// (22), and a subscription identifier in a PUBLISH (11) [MQTT5-3.3.4-6].
BOOST_AUTO_TEST_CASE(each_property_is_taken_where_the_standard_has_it_and_nowhere_else) {
    for (const auto& [id, value, packets, wrong] : known_properties)
        for (const char where : everywhere) {
            const auto result = parse_all(carrying(where, property(id, value)), Version::v5);
            BOOST_TEST(result.has_value() == packets.contains(where), id << " in " << where);
            if (result || id == 22 || (id == 11 && where == 'p')) continue;
            BOOST_TEST((result.error().code == Code::mqtt_malformed));
        }
}

BOOST_AUTO_TEST_CASE(ids_that_no_property_has_are_refused_in_every_packet) {
    for (size_t id = 0; id < 128; ++id)
        if (std::ranges::find(known_properties, id, &KnownProperty::id) == known_properties.end())
            for (const char where : everywhere)
                BOOST_TEST(refused_5(carrying(where, property(id, "\1"))), id << " in " << where);
}

BOOST_AUTO_TEST_CASE(a_property_comes_once_but_the_users_own) {
    for (const auto& [id, value, packets, wrong] : known_properties)
        for (const char where : packets) {
            const std::string twice = carrying(where, property(id, value) + property(id, value));
            if (id == 38) {
                BOOST_TEST(parse_all(twice, Version::v5).has_value());
            } else {
                BOOST_TEST(refused_5(twice, Code::mqtt_protocol_error), id << " in " << where);
            }
        }
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_refused) {
    for (const auto& [id, value, packets, wrong] : known_properties)
        for (const char where : packets)
            for (const std::string& bad : wrong)
                BOOST_TEST(refused_5(carrying(where, property(id, bad)), Code::mqtt_protocol_error),
                           id << " in " << where);
}

BOOST_AUTO_TEST_CASE(a_property_that_does_not_end_within_its_list_is_refused) {
    for (const auto& [id, value, packets, wrong] : known_properties)
        for (const char where : packets) {
            const std::string whole = property(id, value);
            for (size_t size = 1; size < whole.size(); ++size)
                BOOST_TEST(refused_5(carrying(where, whole.substr(0, size))),
                           id << " in " << where << " at " << size);
        }
}

// [MQTT5-1.5.4-1] [MQTT5-1.5.4-2] [MQTT5-1.5.7-1]
BOOST_AUTO_TEST_CASE(texts_in_properties_are_utf8_without_nul) {
    for (const auto& bad : {"\xFF"s, "\xED\xA0\x80"s, "a\0b"s}) {
        for (const size_t id : {3, 8}) BOOST_TEST(refused_5(publish_5(property(id, text(bad)))));
        BOOST_TEST(refused_5(publish_5(property(38, pair("a", bad)))));
        BOOST_TEST(refused_5(publish_5(property(38, pair(bad, "a")))));
        BOOST_TEST(refused_5(carrying('d', property(31, text(bad)))));
    }
}

// [MQTT5-2.2.2-1]
BOOST_AUTO_TEST_CASE(a_list_of_properties_ends_within_its_packet) {
    BOOST_TEST(refused_5(packet(0x30, text("a"))));  // The list is missing.
    BOOST_TEST(refused_5(packet(0x30, text("a") + "\x05\x01"s)));
    BOOST_TEST(refused_5(packet(0x30, text("a") + "\xFF\xFF\xFF\xFF"s)));
    taken<Publish>(packet(0x30, text("a") + "\0"s), Version::v5);
}

// [MQTT5-3.3.2-14]
BOOST_AUTO_TEST_CASE(a_response_topic_has_no_wildcards) {
    taken<Publish>(publish_5(property(8, text("a/b"))), Version::v5);
    BOOST_TEST(refused_5(publish_5(property(8, text("a/+")))));
    BOOST_TEST(refused_5(publish_5(property(8, text("#")))));
}

BOOST_AUTO_TEST_SUITE_END()
