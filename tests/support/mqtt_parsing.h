// MQTT parsing: helpers for the tests of the packet parser. They build valid and invalid packets of
// both versions, and shorten checks of the result of parse().
//
// Sources: MQTT 3.1.1 and MQTT 5.0.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/mqtt/packet_parser.h"
#include "tests/support/mqtt_packets.h"

namespace rollcall::mqtt::parsing {

using namespace std::string_literals;
using packets::byte;
using packets::four;
using packets::length;
using packets::pair;
using packets::property;
using packets::text;
using packets::two;

inline constexpr size_t no_limit = 1 << 30;
inline constexpr Version versions[] = {Version::v3_1_1, Version::v5};

// Returns a packet whose length is encoded in one byte.
inline std::string packet(size_t first_byte, const std::string& body) {
    BOOST_REQUIRE_LT(body.size(), 128u);
    return packets::packet(first_byte, body);
}

// Returns a CONNECT of 3.1.1 with keep-alive 60.
inline std::string connect(size_t flags, const std::string& payload) {
    return packet(0x10, text("MQTT") + "\x04" + byte(flags) + two(60) + payload);
}
// Returns a CONNECT of 5.0 with keep-alive 60.
inline std::string connect_5(size_t flags, const std::string& properties,
                             const std::string& payload) {
    return packet(0x10, text("MQTT") + "\x05" + byte(flags) + two(60) + length(properties.size()) +
                            properties + payload);
}

inline std::string publish(size_t flags, const std::string& body) {
    return packet(0x30 | flags, body);
}

inline std::string publish_5(const std::string& properties, const std::string& topic = "a/b") {
    return packet(0x32, text(topic) + two(7) + length(properties.size()) + properties + "{}");
}

// Returns a CONNECT of 3.1.1 with every part that it may have.
inline std::string full_connect() {
    return connect(0xF6, text("client") + text("will/topic") + text("gone") + text("user") +
                             text("secret\0\xFF"s));
}

inline Result<std::optional<Packet>> parse_all(std::string_view bytes,
                                               Version version = Version::v3_1_1) {
    return parse(bytes, no_limit, version);
}

// Returns the content of a packet; its views point into `bytes`. The packet must be well-formed and
// consist of all the bytes.
template <class Content>
Content taken(const std::string& bytes, Version version = Version::v3_1_1) {
    const auto result = parse_all(bytes, version);
    BOOST_REQUIRE(result.has_value());
    BOOST_REQUIRE(result->has_value());
    BOOST_TEST((*result)->bytes == bytes.size());
    BOOST_REQUIRE(std::holds_alternative<Content>((*result)->content));
    return std::get<Content>((*result)->content);
}

inline bool refused(std::string_view bytes, Code code = Code::mqtt_malformed,
                    Version version = Version::v3_1_1) {
    const auto result = parse_all(bytes, version);
    return !result && result.error().code == code;
}
inline bool refused_5(std::string_view bytes, Code code = Code::mqtt_malformed) {
    return refused(bytes, code, Version::v5);
}

inline bool incomplete(std::string_view bytes, Version version = Version::v3_1_1) {
    const auto result = parse_all(bytes, version);
    return result && !*result;
}

// The properties of the standard (table 2-4), each with a valid value and the packets that may
// carry it. The list is written independently of properties.def.
struct KnownProperty {
    size_t id;
    std::string value;
    std::string_view packets;  // c connect, w will, p publish, a acknowledgements, s subscribe,
                               // u unsubscribe, d disconnect, A auth.
    std::vector<std::string> wrong = {};  // Values of the right length that are not allowed.
};
inline const std::vector<KnownProperty> known_properties = {
    {1, "\1", "pw", {"\2"}},
    {2, four(9), "pw"},
    {3, text("text/plain"), "pw"},
    {8, text("answers"), "pw"},
    {9, text("\xFF"), "pw"},
    {11, "\xFF\x7F", "s", {"\0"s}},
    {17, four(60), "cd"},
    {18, text("id"), ""},  // Assigned client identifier, sent by servers only.
    {19, two(60), ""},     // Server keep alive.
    {21, text("m"), "cA"},
    {22, text("\xFF"), "A"},  // In CONNECT, this requires property 21 as well.
    {23, "\1", "c", {"\2"}},
    {24, four(60), "w"},
    {25, "\1", "c", {"\2"}},
    {26, text("info"), ""},  // Response information.
    {28, text("host"), "d"},
    {31, text("why"), "adA"},
    {33, two(1), "c", {two(0)}},
    {34, two(0), "c"},
    {35, two(1), "p"},
    {36, "\1", ""},  // Maximum QoS.
    {37, "\1", ""},  // Retain available.
    {38, pair("a", "b"), "cwpasudA"},
    {39, four(1), "c", {four(0)}},
    // 40 to 42 say whether the server supports wildcard subscriptions, subscription identifiers and
    // shared subscriptions.
    {40, "\1", ""},
    {41, "\1", ""},
    {42, "\1", ""},
};

// Returns a whole packet of 5.0 with these properties. `where` is a letter of
// KnownProperty::packets.
inline std::string carrying(char where, const std::string& properties) {
    const std::string list = length(properties.size()) + properties;
    switch (where) {
        case 'c': return connect_5(2, properties, text("c"));
        case 'w':
            return packet(0x10, text("MQTT") + "\5\6"s + two(60) + "\0"s + text("c") + list +
                                    text("t") + text("gone"));
        case 'p': return publish_5(properties);
        case 'a': return packet(0x40, two(1) + "\0"s + list);
        case 's': return packet(0x82, two(1) + list + text("a") + "\0"s);
        case 'u': return packet(0xA2, two(1) + list + text("a"));
        case 'd': return packet(0xE0, "\0"s + list);
        default: return packet(0xF0, "\x18" + list);
    }
}
inline constexpr std::string_view everywhere = "cwpasudA";

// Returns packets of 5.0, each with all properties that it may carry.
inline std::vector<std::string> whole_packets_5() {
    std::vector<std::string> wholes;
    for (const char where : everywhere) {
        std::string properties;
        for (const auto& [id, value, packets, wrong] : known_properties)
            if (packets.contains(where)) properties += property(id, value);
        wholes.push_back(carrying(where, properties));
    }
    wholes.push_back(packet(0x62, two(1)));
    wholes.push_back(packet(0xC0, ""));
    wholes.push_back(packet(0xE0, ""));
    return wholes;
}

}  // namespace rollcall::mqtt::parsing
