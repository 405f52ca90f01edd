// MQTT packets: the contents of the packets that a client sends, and the codes that both sides use.
// The versions are MQTT 3.1.1 (OASIS Standard, 29 October 2014) and MQTT 5.0 (OASIS Standard, 7
// March 2019).
//
// Views point into the bytes that were parsed. packet_parser.h reads packets, packet_writer.h
// writes the answers. Comments cite the numbered statements of 3.1.1 as [MQTT-x.y.z-n], and those
// of 5.0 as [MQTT5-x.y.z-n].
//
// Threads: plain values. Units: seconds and bytes, as the names say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace rollcall::mqtt {

enum class Version : uint8_t { v3_1_1 = 4, v5 = 5 };

// Types of control packets, as in the fixed header (section 2.1.2 of 5.0, 2.2.1 of 3.1.1).
enum class Type : uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15,
};

// Reason codes (section 2.4 of 5.0) that this server sends or acts on.
enum class Reason : uint8_t {
    success = 0x00,
    disconnect_with_will = 0x04,
    no_subscription_existed = 0x11,
    unspecified_error = 0x80,
    malformed_packet = 0x81,
    protocol_error = 0x82,
    unsupported_protocol_version = 0x84,
    client_identifier_not_valid = 0x85,
    bad_user_name_or_password = 0x86,
    not_authorized = 0x87,
    server_busy = 0x89,
    server_shutting_down = 0x8B,
    bad_authentication_method = 0x8C,
    keep_alive_timeout = 0x8D,
    session_taken_over = 0x8E,
    topic_name_invalid = 0x90,
    packet_identifier_not_found = 0x92,
    receive_maximum_exceeded = 0x93,
    topic_alias_invalid = 0x94,
    packet_too_large = 0x95,
    message_rate_too_high = 0x96,
    quota_exceeded = 0x97,
    payload_format_invalid = 0x99,
};

constexpr uint8_t qos_max = 2;

struct Will {
    std::string_view topic;
    std::string_view payload;
    uint8_t qos = 0;
    bool retain = false;
    uint32_t delay_s = 0;  // Only in 5.0.
};

struct Connect {
    Version version = Version::v3_1_1;
    std::string_view client_id;  // May be empty; in 3.1.1 only with a clean start [MQTT-3.1.3-8].
    bool clean_start = false;
    uint16_t keep_alive_s = 0;  // 0 asks for no keep-alive.
    std::optional<Will> will;
    std::optional<std::string_view> username;
    std::optional<std::string_view> password;
    // Only in 5.0:
    uint32_t session_expiry_s = 0;           // UINT32_MAX if the session never expires.
    uint32_t packet_bytes_max = UINT32_MAX;  // Largest packet that the client accepts.
    bool wants_reasons = true;               // The client accepts reason strings in addition to
                                             // reason codes.
    bool wants_authentication = false;       // The client asks for an authentication method such as
                                             // SCRAM.
};

// A CONNECT of an unsupported version; the rest of the packet is not parsed. The server answers
// unsupported_protocol_version and closes the connection [MQTT-3.1.2-2].
struct ConnectOtherVersion {
    uint8_t protocol_level;
};

struct Publish {
    std::string_view topic;  // Empty in 5.0 if the alias stands for an earlier topic.
    std::string_view payload;
    uint8_t qos = 0;  // 0, 1, 2.
    bool retain = false;
    bool dup = false;
    uint16_t packet_id = 0;  // 0 if and only if QoS is 0.
    // Only in 5.0:
    std::optional<uint16_t> topic_alias;  // 0 is invalid; the session refuses it.
    std::string_view content_type;
};

// PUBACK, PUBREC, PUBREL or PUBCOMP. A client sends PUBREL for its own messages. The other three
// answer messages of a server, so this server does not expect them.
struct Acknowledgement {
    Type type;
    uint16_t packet_id;
    Reason reason = Reason::success;  // Any code that the packet may have in MQTT 5.0.
};

// Returns whether a reason code reports an error (section 2.4 of 5.0).
[[nodiscard]] constexpr bool is_error(Reason reason) {
    return static_cast<uint8_t>(reason) >= 0x80;
}

struct Subscribe {
    uint16_t packet_id;
    size_t filters;
};
struct Unsubscribe {
    uint16_t packet_id;
    size_t filters;
};

struct Pingreq {};
struct Disconnect {
    Reason reason = Reason::success;
    std::optional<uint32_t> session_expiry_s;
};
struct Auth {};

struct Packet {
    size_t bytes;  // Size of the whole packet, including its fixed header.
    std::variant<Connect, ConnectOtherVersion, Publish, Acknowledgement, Subscribe, Unsubscribe,
                 Pingreq, Disconnect, Auth>
        content;
};

}  // namespace rollcall::mqtt
