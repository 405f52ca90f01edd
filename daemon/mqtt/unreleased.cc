#include "daemon/mqtt/unreleased.h"

#include "pipeline/base/shrink.h"

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
    charge_capacity();
}

bool MqttUnreleased::release(uint16_t packet_id) {
    const std::lock_guard lock(mutex_);
    const auto released = std::erase_if(
        messages_, [&](const Message& message) { return message.packet_id == packet_id; });
    shrink_capacity(messages_);
    charge_capacity();
    return released > 0;
}

void MqttUnreleased::settle(uint64_t connection, uint64_t sent_end) {
    const std::lock_guard lock(mutex_);
    std::erase_if(messages_, [&](const Message& message) {
        return message.connection == connection && message.reply_end > sent_end;
    });
    for (Message& message : messages_)
        if (message.connection == connection) message.connection = 0;
    messages_.shrink_to_fit();  // The session may be offline for a long time.
    charge_capacity();
}

// Compares the allowance with the memory that the session holds now. So the next growth, which
// doubles this memory, can exceed the allowance.
bool MqttUnreleased::has_memory() {
    const std::lock_guard lock(mutex_);
    return messages_.size() < messages_.capacity() || charge_.bytes() <= memory_.allowance();
}

size_t MqttUnreleased::size() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
}

}  // namespace rollcall
