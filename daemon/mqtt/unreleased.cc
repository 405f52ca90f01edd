#include "daemon/mqtt/unreleased.h"

namespace rollcall {

MqttUnreleased::State MqttUnreleased::state_of(uint16_t packet_id, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    State state = State::unknown;
    for (const Message& message : messages_) {
        if (message.packet_id != packet_id) continue;
        if (message.connection == connection || message.connection == 0) return State::stored;
        state = State::unsettled;
    }
    return state;
}

void MqttUnreleased::add(uint16_t packet_id, uint64_t connection, uint64_t reply_end) {
    const std::lock_guard lock(mutex_);
    messages_.push_back({packet_id, connection, reply_end});
}

bool MqttUnreleased::release(uint16_t packet_id) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(messages_, [&](const Message& message) {
               return message.packet_id == packet_id;
           }) > 0;
}

void MqttUnreleased::settle(uint64_t connection, uint64_t sent_end) {
    const std::lock_guard lock(mutex_);
    std::erase_if(messages_, [&](const Message& message) {
        return message.connection == connection && message.reply_end > sent_end;
    });
    for (Message& message : messages_)
        if (message.connection == connection) message.connection = 0;
}

size_t MqttUnreleased::size() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
}

}  // namespace rollcall
