// MQTT wills: the row with online = 0 that a client leaves when its connection ends without
// DISCONNECT.
//
// A topic of mqtt.topics may also carry the availability of a router, as Home Assistant writes it:
// `online` or `offline`. A will for such a topic says that the router is offline, whatever its
// payload is. It is stored when the connection ends without DISCONNECT [MQTT-3.1.2-8] and the will
// delay has passed, unless the client has connected again by then for the same site, even if the
// old connection ends last (MqttClients::close()).
//
// delayed_wills.h keeps the wills that wait.
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

// Returns the availability that a payload states; nothing if it is another payload.
[[nodiscard]] std::optional<bool> availability(std::string_view payload);

// The will of a client that is connected.
struct MqttWill {
    std::string device;         // From its topic.
    std::string reported_site;  // Site of the last report on that topic; empty if there was none.
    uint32_t delay_s;
    size_t payload_bytes = 0;  // Charged to the quotas of the client.

    // Returns the site of the row. credential_site: empty for an anonymous client.
    [[nodiscard]] std::string site(std::string_view credential_site) const;
};

// Returns the will of a CONNECT; nothing if it has none, or one for a topic outside of mqtt.topics.
[[nodiscard]] std::optional<MqttWill> will_of(const mqtt::Connect& connect,
                                              const Settings& settings);

}  // namespace rollcall
