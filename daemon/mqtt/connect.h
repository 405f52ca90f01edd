// MQTT CONNECT: decides whether a CONNECT is accepted, and on which terms the session begins.
//
// Threads: pure functions, except that negotiate() can generate a random client id.
// Source: section 3.1 of MQTT 3.1.1 and of MQTT 5.0 (packets.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/mqtt/packets.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Reason for refusing a CONNECT: the reason code for the client, and the error code to count.
struct MqttConnectRefusal {
    mqtt::Reason reason;
    Code code;
};

// Returns the reason to refuse a CONNECT; nothing if there is no reason. Call this before the
// credential is checked.
[[nodiscard]] std::optional<MqttConnectRefusal> refusal_of(const mqtt::Connect& connect,
                                                           const Settings& settings);

// The terms of a connection whose CONNECT was accepted.
struct MqttConnectTerms {
    std::string client_id;      // The id that the client sent, or a new one if it sent none.
    uint32_t session_expiry_s;  // How long the session outlives the connection.
    uint32_t silence_max_ms;    // Longest time without a packet of the client [MQTT-3.1.2-24].
    uint16_t receive_max;
    bool client_id_is_assigned;
    bool session_wanted;        // The client wants the session to outlive the connection; the
                                // server may grant less.
    bool session_is_shortened;  // The server grants less than the client asked for.
    std::optional<uint16_t>
        keep_alive_s;  // Set if the server changes the keep-alive of the client.

    [[nodiscard]] std::string connack(mqtt::Version version, bool session_present,
                                      const Settings& settings) const;
};

// Returns the terms for a CONNECT. over_quota: true if the client is over its quota; then the
// client may send only one message at a time.
[[nodiscard]] MqttConnectTerms negotiate(const mqtt::Connect& connect, const Settings& settings,
                                         bool over_quota);

// Convert the time of a setting to the type that a session stores. milliseconds_of() returns at
// most UINT32_MAX.
[[nodiscard]] uint32_t milliseconds_of(Millis time);
[[nodiscard]] uint32_t seconds_of(Millis time);

// Returns the key of a client in the registry. The key contains the tenant and the site, so that no
// client can take over a connection of another site by using the same client id.
[[nodiscard]] std::string registry_key(const Identity& identity, std::string_view client_id);
// Returns the client id that registry_key() has put into `key`.
[[nodiscard]] std::string_view client_id_in(const Identity& identity, std::string_view key);

}  // namespace rollcall
