// MQTT codec: packets of MQTT 3.1.1 (OASIS Standard, 29 October 2014) and MQTT 5.0 (OASIS Standard,
// 7 March 2019) from and to bytes, no I/O. Statements of 5.0 are named [MQTT5-x.y.z-n].
//
// parse() looks at the front of what a client sent and finds one of four things:
//
//     nothing        these bytes, and more behind them, are needed
//     a packet       well-formed; its first `bytes` bytes are to be taken off
//     mqtt_malformed, mqtt_protocol_error, mqtt_unsupported, mqtt_too_large
//                    the end of the connection [MQTT-4.8.0-1] [MQTT5-4.13.1-1]
//
// What the fixed header rules out is refused before the body has arrived, and so is a packet that
// is too large. Nothing is kept between calls and nothing is copied: views lie in the bytes given.
//
// What depends on earlier packets (CONNECT first and once, packet ids, topic aliases) is the
// session's to judge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "pipeline/base/error.h"

namespace rollcall::mqtt {

// As in CONNECT.
enum class Version : uint8_t { v3_1_1 = 4, v5 = 5 };

// Types of control packets (section 2.1.2 of both), as in the fixed header.
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

// Section 2.4 of 5.0; those that this server says or understands.
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

// --- from a client ---

struct Will {
    std::string_view topic;
    std::string_view payload;
    uint8_t qos = 0;
    bool retain = false;
    uint32_t delay_s = 0;  // 5.0
};

struct Connect {
    Version version = Version::v3_1_1;
    std::string_view client_id;  // May be empty; in 3.1.1 only with a clean start [MQTT-3.1.3-8].
    bool clean_start = false;
    uint16_t keep_alive_s = 0;  // 0: the client asks for none.
    std::optional<Will> will;
    std::optional<std::string_view> username;
    std::optional<std::string_view> password;
    // 5.0
    uint32_t session_expiry_s = 0;           // UINT32_MAX: never.
    uint32_t packet_bytes_max = UINT32_MAX;  // Of what is sent to it.
    bool wants_reasons = true;               // In words, beside the codes.
    bool wants_authentication = false;       // By a method: SCRAM and the like.
};

// A CONNECT of another version, not looked at beyond that: answer
// unsupported_protocol_version, then close [MQTT-3.1.2-2].
struct ConnectOtherVersion {
    uint8_t protocol_level;
};

struct Publish {
    std::string_view topic;  // Empty in 5.0 if it has an alias that stands for one.
    std::string_view payload;
    uint8_t qos = 0;  // 0, 1, 2.
    bool retain = false;
    bool dup = false;
    uint16_t packet_id = 0;  // 0 with QoS 0, and only then.
    // 5.0
    std::optional<uint16_t> topic_alias;  // 0 is no alias, and an error.
    std::string_view content_type;
};

// PUBACK, PUBREC, PUBREL, PUBCOMP. But for PUBREL they answer what a server sent.
struct Acknowledgement {
    Type type;
    uint16_t packet_id;
};

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
    size_t bytes;  // Of the whole packet.
    std::variant<Connect, ConnectOtherVersion, Publish, Acknowledgement, Subscribe, Unsubscribe,
                 Pingreq, Disconnect, Auth>
        content;
};

// version: of the session; a CONNECT names its own.
[[nodiscard]] Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max,
                                                  Version version);
// The version of a CONNECT that parse() found a fault in, if it got as far as to name one.
[[nodiscard]] std::optional<Version> version_named(std::string_view bytes);

// --- to a client ---

// What 5.0 tells of the server beside the answer to CONNECT.
struct ServerProperties {
    std::optional<uint32_t> session_expiry_s = {};
    std::string_view assigned_client_id = {};
    std::optional<uint16_t> keep_alive_s = {};
    uint16_t receive_max = UINT16_MAX;
    uint16_t topic_alias_max = 0;
    uint32_t packet_bytes_max = 0;
};

[[nodiscard]] std::string connack(Version version, bool session_present,
                                  const ServerProperties& properties = {});
// It never says that a session is present [MQTT-3.2.2-4] [MQTT5-3.2.2-6]. 3.1.1 knows a few reasons
// and no words, which may be empty.
[[nodiscard]] std::string refusing_connack(Version version, Reason reason,
                                           std::string_view words = {});
// PUBACK, PUBREC, PUBREL, PUBCOMP. 3.1.1 knows no reasons. `words` may be empty.
[[nodiscard]] std::string acknowledgement(Version version, Type type, uint16_t packet_id,
                                          Reason reason = Reason::success,
                                          std::string_view words = {});
// The same reason for each filter: SUBACK, UNSUBACK.
[[nodiscard]] std::string suback(Version version, uint16_t packet_id, size_t filters,
                                 Reason reason);
[[nodiscard]] std::string unsuback(Version version, uint16_t packet_id, size_t filters,
                                   Reason reason);
// Of 5.0 only: a 3.1.1 server just closes.
[[nodiscard]] std::string disconnect(Reason reason, std::string_view words = {});
[[nodiscard]] std::string pingresp();

// --- topics ---

// Does the topic match the filter [MQTT-4.7]? One that is malformed ("a+", "#/a") matches nothing.
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic);

// The level of a matching topic that the first + of the filter stands for; empty if it has no +.
[[nodiscard]] std::string_view level_at_plus(std::string_view filter, std::string_view topic);

}  // namespace rollcall::mqtt
