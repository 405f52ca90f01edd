// MQTT wills. A will is a message that a client hands over with CONNECT. If the connection ends
// without DISCONNECT, the will is stored as a row with online = 0.
//
// A topic of mqtt.topics can also carry the availability of a router in the form that Home
// Assistant uses. The payload is then `online` or `offline`. A will for a topic of mqtt.topics
// means that the router is offline, whatever the will's payload is. The will is stored when the
// connection has ended without DISCONNECT [MQTT-3.1.2-8] and the will delay has passed. If the
// client connects again for the same site before the will is stored, the will is discarded
// (MqttClients::close()).
//
// delayed_wills.h keeps the wills during their delay.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/mqtt/packets.h"

namespace rollcall {

// Returns true for the payload `online`, false for `offline`, and nothing for any other payload.
[[nodiscard]] std::optional<bool> availability(std::string_view payload);

// The will of a client that is connected.
struct MqttWill {
    std::string device;         // The device that the topic of the will names.
    std::string reported_site;  // Site of the last report of that device; may be empty.
    uint32_t delay_s;
    size_t payload_bytes = 0;  // Size that is charged to the quotas of the client.

    // Returns the site of the row. credential_site: empty for an anonymous client.
    [[nodiscard]] std::string site(std::string_view credential_site) const;
};

// Returns the will of a CONNECT; nothing if it has no will, or if no filter of mqtt.topics matches
// the will's topic.
[[nodiscard]] std::optional<MqttWill> will_of(const mqtt::Connect& connect,
                                              const Settings& settings);

}  // namespace rollcall
