#include "daemon/mqtt/connect.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "config/units.h"
#include "daemon/mqtt/packet_writer.h"

namespace rollcall {

namespace {

using mqtt::Reason;

constexpr uint32_t silence_ms_per_keep_alive_s = 1500;

// Returns a client id that no other client has. The id is short enough for the smallest
// mqtt.client_id_size_max that is allowed, so that the client can use the id when it connects
// again.
std::string random_client_id() {
    std::random_device random;
    return fmt::format("client-{:08x}{:08x}", random(), random());
}

// Returns the time for which the client wants its session to outlive the connection. In 3.1.1 the
// server keeps the session unless the client asks for a clean one.
uint32_t wanted_expiry_s(const mqtt::Connect& connect) {
    if (connect.version == mqtt::Version::v5) return connect.session_expiry_s;
    return connect.clean_start ? 0 : UINT32_MAX;
}

}  // namespace

uint32_t milliseconds_of(Millis time) {
    return static_cast<uint32_t>(std::min<int64_t>(time.count(), UINT32_MAX));
}

uint32_t seconds_of(Millis time) { return static_cast<uint32_t>(time.count() / 1000); }

std::optional<MqttConnectRefusal> refusal_of(const mqtt::Connect& connect,
                                             const Settings& settings) {
    // A session that outlives its connection needs a client id [MQTT-3.1.3-8].
    if (connect.version != mqtt::Version::v5 && connect.client_id.empty() && !connect.clean_start)
        return MqttConnectRefusal{Reason::client_identifier_not_valid, Code::mqtt_protocol_error};
    if (connect.client_id.size() > settings.mqtt.client_id_size_max.count)
        return MqttConnectRefusal{Reason::client_identifier_not_valid, Code::mqtt_too_large};
    if (connect.will && connect.will->topic.size() > settings.mqtt.topic_size_max.count)
        return MqttConnectRefusal{Reason::topic_name_invalid, Code::mqtt_too_large};
    if (connect.wants_authentication)
        return MqttConnectRefusal{Reason::bad_authentication_method, Code::mqtt_unsupported};
    return std::nullopt;
}

// mqtt.keep_alive_max limits silence_max_ms for both versions, although a server cannot tell a
// client of 3.1.1 to use a shorter keep-alive. Section 3.1.2.10 permits this: a server may
// disconnect an inactive client "at any time, regardless of the Keep Alive value".
MqttConnectTerms negotiate(const mqtt::Connect& connect, const Settings& settings,
                           bool over_quota) {
    const uint32_t expiry_max_s = seconds_of(settings.mqtt.session_expiry_max);
    const uint32_t wanted_s = wanted_expiry_s(connect);
    MqttConnectTerms terms{.client_id = connect.client_id.empty() ? random_client_id()
                                                                  : std::string(connect.client_id),
                           .session_expiry_s = std::min(wanted_s, expiry_max_s),
                           .silence_max_ms = milliseconds_of(settings.mqtt.idle_timeout_max),
                           .receive_max = over_quota
                                              ? uint16_t{1}
                                              : static_cast<uint16_t>(settings.mqtt.in_flight_max),
                           .client_id_is_assigned = connect.client_id.empty(),
                           .session_wanted = wanted_s > 0,
                           .session_is_shortened = wanted_s > expiry_max_s,
                           .keep_alive_s = {}};
    const uint32_t keep_alive_max_s = seconds_of(settings.mqtt.keep_alive_max);
    if (connect.keep_alive_s > keep_alive_max_s) {
        terms.silence_max_ms = keep_alive_max_s * silence_ms_per_keep_alive_s;
        terms.keep_alive_s = static_cast<uint16_t>(keep_alive_max_s);
    } else if (connect.keep_alive_s > 0) {
        terms.silence_max_ms = connect.keep_alive_s * silence_ms_per_keep_alive_s;
    } else if (connect.version == mqtt::Version::v5) {
        terms.keep_alive_s = static_cast<uint16_t>(std::clamp<uint32_t>(
            terms.silence_max_ms / silence_ms_per_keep_alive_s, 1, UINT16_MAX));
        terms.silence_max_ms = *terms.keep_alive_s * silence_ms_per_keep_alive_s;
    }
    return terms;
}

std::string MqttConnectTerms::connack(mqtt::Version version, bool session_present,
                                      const Settings& settings) const {
    mqtt::ServerProperties properties;
    properties.packet_bytes_max = static_cast<uint32_t>(settings.mqtt.packet_size_max.count);
    properties.receive_max = receive_max;
    properties.topic_alias_max = static_cast<uint16_t>(settings.mqtt.topic_aliases_max);
    properties.keep_alive_s = keep_alive_s;
    if (client_id_is_assigned) properties.assigned_client_id = client_id;
    if (session_is_shortened) properties.session_expiry_s = session_expiry_s;
    return mqtt::connack(version, session_present, properties);
}

std::string registry_key(const Identity& identity, std::string_view client_id) {
    // The client is anonymous if it has no site. No site or tenant contains a line feed, so the key
    // is unambiguous.
    if (identity.site().empty()) return std::string(client_id);
    return fmt::format("{}\n{}\n{}", identity.site(), identity.tenant(), client_id);
}

std::string_view client_id_in(const Identity& identity, std::string_view key) {
    if (identity.site().empty()) return key;
    return key.substr(std::min(key.size(), identity.site().size() + identity.tenant().size() + 2));
}

}  // namespace rollcall
