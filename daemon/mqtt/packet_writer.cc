#include "daemon/mqtt/packet_writer.h"

#include "daemon/mqtt/properties.h"

namespace rollcall::mqtt {

namespace {

void append_two(std::string& out, size_t number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number);
}
void append_four(std::string& out, uint32_t number) {
    append_two(out, number >> 16);
    append_two(out, number & 0xFFFF);
}
void append_length(std::string& out, size_t length) {
    for (; length > 0x7F; length >>= 7) out += static_cast<char>(0x80 | (length & 0x7F));
    out += static_cast<char>(length);
}
void append_text(std::string& out, std::string_view text) {
    append_two(out, text.size());
    out += text;
}

std::string packet(Type type, uint8_t flags, std::string_view body) {
    std::string bytes(1, static_cast<char>(static_cast<uint8_t>(type) << 4 | flags));
    append_length(bytes, body.size());
    bytes += body;
    return bytes;
}

char byte_of(Reason reason) { return static_cast<char>(reason); }

// Returns the return code of a CONNACK in 3.1.1 (section 3.2.2.3).
char return_code(Reason reason) {
    switch (reason) {
        case Reason::success: return 0;
        case Reason::unsupported_protocol_version: return 1;
        case Reason::client_identifier_not_valid: return 2;
        case Reason::bad_user_name_or_password: return 4;
        case Reason::not_authorized: return 5;
        default: return 3;  // Server unavailable.
    }
}

// Ids of properties that only a server sends. properties.def has the ids of the other properties.
namespace server_property {
constexpr char assigned_client_identifier = 18;
constexpr char server_keep_alive = 19;
constexpr char wildcard_subscription_available = 40;
constexpr char subscription_identifiers_available = 41;
constexpr char shared_subscription_available = 42;
}  // namespace server_property

void append_id(std::string& out, PropertyId id) { out += static_cast<char>(id); }

std::string encode(const ServerProperties& properties) {
    std::string out;
    if (properties.session_expiry_s) {
        append_id(out, PropertyId::session_expiry_interval);
        append_four(out, *properties.session_expiry_s);
    }
    if (properties.receive_max < UINT16_MAX) {
        append_id(out, PropertyId::receive_maximum);
        append_two(out, properties.receive_max);
    }
    append_id(out, PropertyId::maximum_packet_size);
    append_four(out, properties.packet_bytes_max);
    if (!properties.assigned_client_id.empty()) {
        out += server_property::assigned_client_identifier;
        append_text(out, properties.assigned_client_id);
    }
    if (properties.topic_alias_max > 0) {
        append_id(out, PropertyId::topic_alias_maximum);
        append_two(out, properties.topic_alias_max);
    }
    if (properties.keep_alive_s) {
        out += server_property::server_keep_alive;
        append_two(out, *properties.keep_alive_s);
    }
    // Clients may not subscribe, so the server announces that these three features of subscriptions
    // are not available (sections 3.2.2.3.11 to 13 of 5.0).
    for (const char feature : {server_property::wildcard_subscription_available,
                               server_property::subscription_identifiers_available,
                               server_property::shared_subscription_available}) {
        out += feature;
        out += '\0';
    }
    return out;
}

// Appends a property list that consists of a reason string.
void append_reason_string(std::string& out, std::string_view reason_string) {
    std::string property;
    append_id(property, PropertyId::reason_string);
    append_text(property, reason_string);
    append_length(out, property.size());
    out += property;
}

std::string acknowledge_filters(Type type, Version version, uint16_t packet_id, size_t filters,
                                std::string_view reason) {
    std::string body;
    append_two(body, packet_id);
    if (version == Version::v5) body += '\0';  // No properties.
    for (size_t i = 0; i < filters; ++i) body += reason;
    return packet(type, 0, body);
}

}  // namespace

std::string connack(Version version, bool session_present, const ServerProperties& properties) {
    std::string body(1, static_cast<char>(session_present));
    body += byte_of(Reason::success);
    if (version == Version::v5) {
        const std::string list = encode(properties);
        append_length(body, list.size());
        body += list;
    }
    return packet(Type::connack, 0, body);
}

std::string refusing_connack(Version version, Reason reason, std::string_view reason_string) {
    std::string body(1, '\0');
    if (version == Version::v3_1_1) return packet(Type::connack, 0, body + return_code(reason));
    body += byte_of(reason);
    if (reason_string.empty()) {
        append_length(body, 0);
    } else {
        append_reason_string(body, reason_string);
    }
    return packet(Type::connack, 0, body);
}

std::string acknowledgement(Version version, Type type, uint16_t packet_id, Reason reason,
                            std::string_view reason_string) {
    std::string body;
    append_two(body, packet_id);
    if (version == Version::v5 && reason != Reason::success) {
        body += byte_of(reason);
        if (!reason_string.empty()) append_reason_string(body, reason_string);
    }
    return packet(type, type == Type::pubrel ? 2 : 0, body);
}

std::string suback(Version version, uint16_t packet_id, size_t filters, Reason reason) {
    const char failure = static_cast<char>(0x80);  // The only failure code of 3.1.1.
    const char said = version == Version::v5 ? byte_of(reason) : failure;
    return acknowledge_filters(Type::suback, version, packet_id, filters, {&said, 1});
}

std::string unsuback(Version version, uint16_t packet_id, size_t filters, Reason reason) {
    const char said = byte_of(reason);
    const std::string_view each = version == Version::v5 ? std::string_view(&said, 1) : "";
    return acknowledge_filters(Type::unsuback, version, packet_id, filters, each);
}

std::string disconnect(Reason reason, std::string_view reason_string) {
    std::string body(1, byte_of(reason));
    if (!reason_string.empty()) append_reason_string(body, reason_string);
    return packet(Type::disconnect, 0, body);
}

std::string pingresp() { return packet(Type::pingresp, 0, {}); }

}  // namespace rollcall::mqtt
