#include "daemon/mqtt/packet_parser.h"

#include <cstdint>

#include "daemon/mqtt/packet_reader.h"
#include "daemon/mqtt/properties.h"
#include "daemon/mqtt/topics.h"

namespace rollcall::mqtt {

namespace {

using Content = decltype(Packet::content);

// Bits of the connect flags, which tell which parts a CONNECT has.
namespace connect_flag {
constexpr uint8_t reserved = 0x01;
constexpr uint8_t clean_start = 0x02;
constexpr uint8_t will = 0x04;
constexpr uint8_t will_qos_shift = 3;
constexpr uint8_t will_retain = 0x20;
constexpr uint8_t password = 0x40;
constexpr uint8_t username = 0x80;
}  // namespace connect_flag

// Returns whether the connect flags do not contradict each other [MQTT-3.1.2-3, -13, -14, -15]
// [MQTT5-3.1.2-3, -11, -12, -13].
bool is_consistent(uint8_t flags) {
    const unsigned will_qos = flags >> connect_flag::will_qos_shift & 3u;
    if (flags & connect_flag::reserved || will_qos > qos_max) return false;
    return flags & connect_flag::will || (will_qos == 0 && !(flags & connect_flag::will_retain));
}

Will read_will(PacketReader& reader, Version version, uint8_t flags) {
    Will will;
    const Properties properties = read_properties(reader, version, in::will);
    will.delay_s = properties.number(PropertyId::will_delay_interval, 0);
    will.topic = reader.text();
    reader.require(!will.topic.empty() && !has_wildcard(will.topic));  // [MQTT-4.7.3-1]
    will.payload = reader.binary();
    will.qos = flags >> connect_flag::will_qos_shift & 3u;
    will.retain = flags & connect_flag::will_retain;
    return will;
}

Result<Content> parse_connect(std::string_view body) {
    PacketReader reader(body);
    const std::string_view protocol = reader.text();
    const uint8_t level = reader.byte();
    reader.require(!reader.is_good() || protocol == "MQTT", Code::mqtt_unsupported);
    if (!reader.is_good()) return reader.finish(Connect{});
    if (level != static_cast<uint8_t>(Version::v3_1_1) &&
        level != static_cast<uint8_t>(Version::v5))
        return ConnectOtherVersion{level};

    Connect connect;
    connect.version = static_cast<Version>(level);
    const uint8_t flags = reader.byte();
    reader.require(is_consistent(flags));
    // In 3.1.1 a password requires a user name [MQTT-3.1.2-22].
    reader.require(connect.version == Version::v5 || flags & connect_flag::username ||
                   !(flags & connect_flag::password));
    connect.clean_start = flags & connect_flag::clean_start;
    connect.keep_alive_s = reader.two();
    const Properties properties = read_properties(reader, connect.version, in::connect);
    connect.session_expiry_s = properties.number(PropertyId::session_expiry_interval, 0);
    connect.packet_bytes_max = properties.number(PropertyId::maximum_packet_size, UINT32_MAX);
    connect.wants_reasons = properties.number(PropertyId::request_problem_information, 1) != 0;
    connect.wants_authentication = properties.has(PropertyId::authentication_method);
    // Authentication data need an authentication method (section 3.1.2.11.10 of 5.0).
    reader.require(connect.wants_authentication || !properties.has(PropertyId::authentication_data),
                   Code::mqtt_protocol_error);
    connect.client_id = reader.text();
    if (flags & connect_flag::will) connect.will = read_will(reader, connect.version, flags);
    if (flags & connect_flag::username) connect.username = reader.text();
    if (flags & connect_flag::password) connect.password = reader.binary();
    return reader.finish(connect);
}

Result<Content> parse_publish(uint8_t flags, std::string_view body, Version version) {
    PacketReader reader(body);
    Publish publish;
    publish.retain = flags & 1;
    publish.qos = flags >> 1 & 3;
    publish.dup = flags & 8;
    publish.topic = reader.text();
    reader.require(!has_wildcard(publish.topic));                 // [MQTT-3.3.2-2]
    if (publish.qos > 0) publish.packet_id = reader.packet_id();  // [MQTT-2.3.1-5]
    const Properties properties = read_properties(reader, version, in::publish);
    if (properties.has(PropertyId::topic_alias))
        publish.topic_alias = static_cast<uint16_t>(properties.number(PropertyId::topic_alias, 0));
    publish.content_type = properties.content_type();
    // Only a server may send this property in a PUBLISH [MQTT5-3.3.4-6].
    reader.require(!properties.has(PropertyId::subscription_identifier), Code::mqtt_protocol_error);
    // A topic must not be empty [MQTT-4.7.3-1], unless an alias replaces it.
    reader.require(!publish.topic.empty() || publish.topic_alias,
                   version == Version::v5 ? Code::mqtt_protocol_error : Code::mqtt_malformed);
    publish.payload = reader.rest();
    return reader.finish(publish);
}

// Returns whether a packet of this type may carry the reason code (sections 3.4.2.1, 3.5.2.1,
// 3.6.2.1, 3.7.2.1, 3.14.2.1 and 3.15.2.1 of 5.0).
bool may_carry(Type type, uint8_t reason) {
    const auto among = [reason](std::string_view reasons) {
        return reasons.contains(static_cast<char>(reason));
    };
    using namespace std::string_view_literals;
    switch (type) {
        case Type::puback:
        case Type::pubrec: return among("\x00\x10\x80\x83\x87\x90\x91\x97\x99"sv);
        case Type::pubrel:
        case Type::pubcomp: return among("\x00\x92"sv);
        case Type::disconnect:
            return among("\x00\x04\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99"sv);
        default: return among("\x00\x18\x19"sv);
    }
}

// The last part of most packets of 5.0. It consists of a reason code and properties, and each of
// the two may be left out.
struct Ending {
    Reason reason = Reason::success;
    Properties properties;
};
Ending read_ending(PacketReader& reader, Version version, Type type, uint16_t packet) {
    Ending ending;
    if (version != Version::v5 || reader.empty()) return ending;
    const uint8_t reason = reader.byte();
    reader.require(may_carry(type, reason));
    ending.reason = static_cast<Reason>(reason);
    if (!reader.empty()) ending.properties = read_properties(reader, version, packet);
    return ending;
}

Result<Content> parse_acknowledgement(Type type, std::string_view body, Version version) {
    PacketReader reader(body);
    const uint16_t packet_id = reader.packet_id();
    const Ending ending = read_ending(reader, version, type, in::acknowledgement);
    return reader.finish(Acknowledgement{type, packet_id, ending.reason});
}

// Checks the subscription options after a filter (section 3.8.3.1 of 5.0).
void check_options(PacketReader& reader, std::string_view filter, Version version) {
    const uint8_t options = reader.byte();
    const bool is_5 = version == Version::v5;
    const unsigned qos = options & 3u;
    const unsigned retain_handling = options >> 4 & 3u;
    const bool no_local = options & 4;
    reader.require(options <= (is_5 ? 0x3F : 3));  // [MQTT-3.8.3-4] [MQTT5-3.8.3-5]
    reader.require(qos <= qos_max && retain_handling <= 2 &&
                       !(no_local && filter.starts_with("$share/")),  // [MQTT5-3.8.3-4]
                   Code::mqtt_protocol_error);
}

Result<Content> parse_subscribe(std::string_view body, Version version) {
    PacketReader reader(body);
    Subscribe subscribe{reader.packet_id(), 0};
    read_properties(reader, version, in::subscribe);
    while (reader.is_good() && !reader.empty()) {
        const std::string_view filter = reader.text();
        reader.require(is_filter(filter));
        check_options(reader, filter, version);
        ++subscribe.filters;
    }
    reader.require(subscribe.filters > 0, Code::mqtt_protocol_error);  // [MQTT-3.8.3-3]
    return reader.finish(subscribe);
}

Result<Content> parse_unsubscribe(std::string_view body, Version version) {
    PacketReader reader(body);
    Unsubscribe unsubscribe{reader.packet_id(), 0};
    read_properties(reader, version, in::unsubscribe);
    while (reader.is_good() && !reader.empty()) {
        reader.require(is_filter(reader.text()));
        ++unsubscribe.filters;
    }
    reader.require(unsubscribe.filters > 0, Code::mqtt_protocol_error);  // [MQTT-3.10.3-2]
    return reader.finish(unsubscribe);
}

Result<Content> parse_disconnect(std::string_view body, Version version) {
    PacketReader reader(body);
    const Ending ending = read_ending(reader, version, Type::disconnect, in::disconnect);
    Disconnect disconnect{ending.reason, std::nullopt};
    if (ending.properties.has(PropertyId::session_expiry_interval))
        disconnect.session_expiry_s =
            ending.properties.number(PropertyId::session_expiry_interval, 0);
    return reader.finish(disconnect);
}

Result<Content> parse_auth(std::string_view body, Version version) {
    PacketReader reader(body);
    read_ending(reader, version, Type::auth, in::auth);
    return reader.finish(Auth{});
}

// The first byte of a packet. All types except PUBLISH have fixed flags [MQTT-2.2.2-2]
// [MQTT5-2.1.3-1].
struct FirstByte {
    Type type;
    uint8_t flags;

    [[nodiscard]] bool is_allowed(Version version) const {
        switch (type) {
            case Type::publish: {
                const int qos = flags >> 1 & 3;
                const bool dup = flags & 8;
                return qos <= qos_max && (qos > 0 || !dup);  // [MQTT-3.3.1-4, MQTT-3.3.1-2]
            }
            case Type::pubrel:
            case Type::subscribe:
            case Type::unsubscribe: return flags == 2;
            case Type::connect:
            case Type::puback:
            case Type::pubrec:
            case Type::pubcomp:
            case Type::pingreq:
            case Type::disconnect: return flags == 0;
            case Type::auth: return flags == 0 && version == Version::v5;
            default: return false;  // Reserved.
        }
    }

    // Returns whether only a server sends packets of this type (section 2.1.2 of 5.0).
    [[nodiscard]] bool is_for_clients() const {
        return type == Type::connack || type == Type::suback || type == Type::unsuback ||
               type == Type::pingresp;
    }
};

Result<Content> parse_body(FirstByte first, std::string_view body, Version version) {
    switch (first.type) {
        case Type::connect: return parse_connect(body);
        case Type::publish: return parse_publish(first.flags, body, version);
        case Type::subscribe: return parse_subscribe(body, version);
        case Type::unsubscribe: return parse_unsubscribe(body, version);
        case Type::pingreq: return PacketReader(body).finish(Pingreq{});
        case Type::disconnect: return parse_disconnect(body, version);
        case Type::auth: return parse_auth(body, version);
        default: return parse_acknowledgement(first.type, body, version);
    }
}

}  // namespace

Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max,
                                    Version version) {
    if (bytes.empty()) return std::nullopt;
    const FirstByte first{static_cast<Type>(static_cast<uint8_t>(bytes[0]) >> 4),
                          static_cast<uint8_t>(bytes[0] & 0x0F)};
    if (first.is_for_clients()) return fail(Code::mqtt_protocol_error);
    if (!first.is_allowed(version)) return fail(Code::mqtt_malformed);

    const auto parsed = parse_length(bytes.substr(1));
    if (!parsed) return std::unexpected(parsed.error());
    const std::optional<Length>& length = *parsed;
    if (!length) return std::nullopt;
    if (!length->is_shortest() && version == Version::v5) return fail(Code::mqtt_malformed);
    const size_t head_bytes = 1 + length->bytes;
    const size_t packet_bytes = head_bytes + length->value;
    if (packet_bytes > packet_bytes_max) return fail(Code::mqtt_too_large);
    if (bytes.size() < packet_bytes) return std::nullopt;

    auto content = parse_body(first, bytes.substr(head_bytes, length->value), version);
    if (!content) return std::unexpected(content.error());
    const auto* const connect = std::get_if<Connect>(&*content);
    if (!length->is_shortest() && connect && connect->version == Version::v5)
        return fail(Code::mqtt_malformed);
    return Packet{packet_bytes, *content};
}

std::optional<Version> version_named(std::string_view bytes) {
    constexpr std::string_view protocol("\0\4MQTT", 6);
    if (bytes.empty() || static_cast<Type>(static_cast<uint8_t>(bytes[0]) >> 4) != Type::connect)
        return std::nullopt;
    const auto length = parse_length(bytes.substr(1));
    if (!length || !*length) return std::nullopt;
    const std::string_view body = bytes.substr(1 + (*length)->bytes);
    if (!body.starts_with(protocol) || body.size() == protocol.size()) return std::nullopt;
    const auto version = static_cast<Version>(body[protocol.size()]);
    return version == Version::v3_1_1 || version == Version::v5 ? std::optional(version)
                                                                : std::nullopt;
}

}  // namespace rollcall::mqtt
