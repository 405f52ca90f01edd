// MQTT topics: levels, filters with wildcards, and whether a topic matches a filter.
//
// Threads: pure functions. Source: section 4.7 of MQTT 3.1.1 and of MQTT 5.0.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace rollcall::mqtt {

// Returns whether the text has a wildcard, which only filters may have [MQTT-4.7.1-1].
[[nodiscard]] bool has_wildcard(std::string_view topic);

// Returns whether the text is a valid filter: not empty, with wildcards only where they are allowed
// [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1].
[[nodiscard]] bool is_filter(std::string_view filter);

// Returns whether the topic matches the filter. A malformed filter, such as "a+" or "#/a", matches
// nothing.
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic);

// Returns the level that a matching topic has in place of the first + of the filter; empty if the
// filter has no +.
[[nodiscard]] std::string_view level_at_plus(std::string_view filter, std::string_view topic);

// Returns the filter of mqtt.topics that the topic matches; nullptr if there is none, or if the
// topic is longer than mqtt.topic_size_max.
[[nodiscard]] const std::string* filter_for(std::string_view topic, const Settings& settings);

}  // namespace rollcall::mqtt
