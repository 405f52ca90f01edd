// MQTT packet writer: the packets that the server sends, as bytes.
//
// MQTT 3.1.1 has no reason strings, so functions that take a reason string leave it out for a
// client of 3.1.1. For a client of 5.0, an empty reason string is left out.
//
// Threads: pure functions. Sources: MQTT 3.1.1 and MQTT 5.0 (packets.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/mqtt/packets.h"

namespace rollcall::mqtt {

// The properties of CONNACK in 5.0.
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
// Returns a CONNACK that refuses the connection. Its flag "session present" is never set
// [MQTT-3.2.2-4] [MQTT5-3.2.2-6].
[[nodiscard]] std::string refusing_connack(Version version, Reason reason,
                                           std::string_view reason_string = {});
// Returns a PUBACK, PUBREC, PUBREL or PUBCOMP.
[[nodiscard]] std::string acknowledgement(Version version, Type type, uint16_t packet_id,
                                          Reason reason = Reason::success,
                                          std::string_view reason_string = {});
// Return a SUBACK or UNSUBACK with the same reason for each filter.
[[nodiscard]] std::string suback(Version version, uint16_t packet_id, size_t filters,
                                 Reason reason);
[[nodiscard]] std::string unsuback(Version version, uint16_t packet_id, size_t filters,
                                   Reason reason);
// Returns a DISCONNECT. Servers send this packet in 5.0 only.
[[nodiscard]] std::string disconnect(Reason reason, std::string_view reason_string = {});
[[nodiscard]] std::string pingresp();

}  // namespace rollcall::mqtt
