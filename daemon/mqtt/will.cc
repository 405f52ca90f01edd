#include "daemon/mqtt/will.h"

#include "daemon/mqtt/topics.h"

namespace rollcall {

std::optional<bool> availability(std::string_view payload) {
    if (payload == "online") return true;
    if (payload == "offline") return false;
    return std::nullopt;
}

std::string MqttWill::site(std::string_view credential_site) const {
    if (!credential_site.empty()) return std::string(credential_site);
    return reported_site.empty() ? device : reported_site;
}

std::optional<MqttWill> will_of(const mqtt::Connect& connect, const Settings& settings) {
    if (!connect.will) return std::nullopt;
    const std::string_view topic = connect.will->topic;
    const std::string* const filter = mqtt::filter_for(topic, settings);
    if (filter == nullptr) return std::nullopt;
    return MqttWill{.device = std::string(mqtt::level_at_plus(*filter, topic)),
                    .reported_site = {},
                    .delay_s = connect.will->delay_s,
                    .payload_bytes = connect.will->payload.size()};
}

}  // namespace rollcall
