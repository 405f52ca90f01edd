#include "daemon/mqtt/topics.h"

#include <cstddef>

namespace rollcall::mqtt {

namespace {

// Iterates over the levels of a topic or filter: "a//b" has the levels "a", "" and "b".
class Levels {
public:
    explicit Levels(std::string_view text) : text_(text) {}

    [[nodiscard]] bool any() const { return at_ <= text_.size(); }
    std::string_view next() {
        const std::string_view level = text_.substr(at_, text_.find('/', at_) - at_);
        at_ += level.size() + 1;
        return level;
    }

private:
    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

// find() with one character uses memchr(). find_first_of() with both characters would compare byte
// by byte.
bool has_wildcard(std::string_view topic) {
    return topic.find('+') != topic.npos || topic.find('#') != topic.npos;
}

bool is_filter(std::string_view filter) {
    if (filter.empty()) return false;
    Levels levels(filter);
    while (levels.any()) {
        const std::string_view level = levels.next();
        if (level == "#" ? levels.any() : level != "+" && has_wildcard(level)) return false;
    }
    return true;
}

bool matches(std::string_view filter, std::string_view topic) {
    // Topics that begin with $ belong to the server [MQTT-4.7.2-1].
    if (topic.starts_with('$') && !filter.starts_with('$')) return false;
    Levels wanted(filter);
    Levels given(topic);
    while (wanted.any()) {
        const std::string_view level = wanted.next();
        if (level == "#")
            return !wanted.any();  // # matches the rest of the topic, even an empty rest.
        if (!given.any()) return false;
        const std::string_view here = given.next();
        if (level != "+" && level != here) return false;
    }
    return !given.any();
}

std::string_view level_at_plus(std::string_view filter, std::string_view topic) {
    Levels wanted(filter);
    Levels given(topic);
    while (wanted.any() && given.any()) {
        const bool here = wanted.next() == "+";
        const std::string_view level = given.next();
        if (here) return level;
    }
    return {};
}

const std::string* filter_for(std::string_view topic, const Settings& settings) {
    if (topic.size() > settings.mqtt.topic_size_max.count) return nullptr;
    for (const auto& filter : settings.mqtt.topics)
        if (matches(filter, topic)) return &filter;
    return nullptr;
}

}  // namespace rollcall::mqtt
