#include "daemon/mqtt/topic_aliases.h"

namespace rollcall {

Result<std::string_view> MqttTopicAliases::resolve(const mqtt::Publish& publish,
                                                   const Settings& settings) {
    if (publish.topic.size() > settings.mqtt.topic_size_max.count)
        return fail(Code::mqtt_too_large);
    const size_t alias = publish.topic_alias.value_or(0);
    if (alias == 0 || alias > settings.mqtt.topic_aliases_max) return fail(Code::mqtt_topic_alias);
    if (topics_.size() < alias) topics_.resize(alias);
    std::string& topic = topics_[alias - 1];
    if (!publish.topic.empty()) topic = publish.topic;
    if (topic.empty()) return fail(Code::mqtt_protocol_error);  // Section 3.3.4 of 5.0.
    return topic;
}

}  // namespace rollcall
