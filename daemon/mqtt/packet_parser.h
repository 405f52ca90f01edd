// MQTT packet parser: finds one packet at the front of the bytes that a client sent.
//
// parse() returns one of these results:
//
//   |  nothing          these bytes are the beginning of a packet; more are needed
//   |  a packet         a complete, valid packet; the caller removes Packet::bytes bytes
//   |  mqtt_malformed, mqtt_protocol_error, mqtt_unsupported, mqtt_too_large
//   |                   the connection must end [MQTT-4.8.0-1] [MQTT5-4.13.1-1]
//
// A packet with an invalid fixed header, or one that is too large, is refused before its body has
// arrived. The parser keeps nothing between calls and copies nothing: views point into the given
// bytes.
//
// The parser checks each packet alone. The session checks the rules that involve several packets:
// the order (CONNECT comes first, and only once), packet ids and topic aliases.
//
// Threads: pure functions. Sources: MQTT 3.1.1 and MQTT 5.0 (packets.h).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "daemon/mqtt/packets.h"
#include "pipeline/base/error.h"

namespace rollcall::mqtt {

// version: the version of the session; ignored for a CONNECT, which names its own version.
[[nodiscard]] Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max,
                                                  Version version);

// Returns the version of a CONNECT that parse() refused, if the bytes include the version.
[[nodiscard]] std::optional<Version> version_named(std::string_view bytes);

}  // namespace rollcall::mqtt
