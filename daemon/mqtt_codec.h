// MQTT codec: MQTT 3.1.1 packets (OASIS standard, 29 October 2014) from and to bytes, no I/O.
//
// parse() looks at the front of what a client sent and finds one of four things:
//
//     nothing        these bytes, and more behind them, are needed
//     a packet       well-formed; its first `bytes` bytes are to be taken off
//     mqtt_malformed, mqtt_unsupported, mqtt_too_large
//                    the end of the connection [MQTT-4.8.0-1]
//
// What the fixed header rules out is refused before the body has arrived, and so is a packet that
// is too large. Nothing is kept between calls and nothing is copied: views lie in the bytes given.
//
// What depends on earlier packets (CONNECT first and once, empty client ids, QoS 2) is the
// session's to judge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "pipeline/error.h"

namespace rollcall::mqtt {

struct Will {
    std::string_view topic;
    std::string_view payload;
    uint8_t qos = 0;
    bool retain = false;
};

struct Connect {
    std::string_view client_id;  // May be empty; then clean_session must be set [MQTT-3.1.3-8].
    bool clean_session = false;
    uint16_t keep_alive_s = 0;  // 0: the client asks for none.
    std::optional<Will> will;
    std::optional<std::string_view> username;
    std::optional<std::string_view> password;
};

// A CONNECT of another version, not looked at beyond that: answer
// unacceptable_protocol_version, then close [MQTT-3.1.2-2].
struct ConnectOtherVersion {
    uint8_t protocol_level;
};

struct Publish {
    std::string_view topic;
    std::string_view payload;
    uint8_t qos = 0;  // 0, 1, 2.
    bool retain = false;
    bool dup = false;
    uint16_t packet_id = 0;  // 0 with QoS 0, and only then.
};

struct Pingreq {};
struct Disconnect {};

// A packet that clients may send but that this server does not take; its body is not looked at.
struct Unsupported {
    uint8_t type;  // As in the fixed header: 8 is SUBSCRIBE.
};

struct Packet {
    size_t bytes;  // Of the whole packet.
    std::variant<Connect, ConnectOtherVersion, Publish, Pingreq, Disconnect, Unsupported> content;
};

[[nodiscard]] Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max);

enum class ConnectReturn : uint8_t {
    accepted = 0,
    unacceptable_protocol_version = 1,
    identifier_rejected = 2,
    server_unavailable = 3,
    bad_username_or_password = 4,
    not_authorized = 5,
};

// A refusal never says that a session is present [MQTT-3.2.2-4].
constexpr std::array<char, 4> connack(bool session_present, ConnectReturn code) {
    const bool present = session_present && code == ConnectReturn::accepted;
    return {0x20, 2, static_cast<char>(present), static_cast<char>(code)};
}

constexpr std::array<char, 4> puback(uint16_t packet_id) {
    return {0x40, 2, static_cast<char>(packet_id >> 8), static_cast<char>(packet_id)};
}

constexpr std::array<char, 2> pingresp() { return {static_cast<char>(0xD0), 0}; }

// Does the topic match the filter [MQTT-4.7]? One that is malformed ("a+", "#/a") matches nothing.
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic);

// The level of a matching topic that the first + of the filter stands for; empty if it has no +.
[[nodiscard]] std::string_view level_at_plus(std::string_view filter, std::string_view topic);

}  // namespace rollcall::mqtt
