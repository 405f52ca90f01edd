// MqttTopicAliases: the topic aliases of one client of MQTT 5.0. An alias is a number that stands
// for a topic (section 3.3.2.3.4).
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "daemon/mqtt/packets.h"
#include "pipeline/base/error.h"

namespace rollcall {

class MqttTopicAliases {
public:
    // Returns the topic of a PUBLISH with an alias. If the packet also has a topic, stores the
    // topic under the alias. The view is valid until the next call. Errors: mqtt_too_large
    // (mqtt.topic_size_max), mqtt_topic_alias (mqtt.topic_aliases_max), mqtt_protocol_error if the
    // alias was never set.
    [[nodiscard]] Result<std::string_view> resolve(const mqtt::Publish& publish,
                                                   const Settings& settings);

private:
    std::vector<std::string> topics_;  // Indexed by alias, from 1 on; empty if the alias is not
                                       // set.
};

}  // namespace rollcall
