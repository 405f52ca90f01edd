// MqttUnreleased: the QoS 2 messages of one MQTT session that were received and not yet released by
// PUBREL [MQTT-4.3.3-2]. Their packet ids are the whole state of a session that this server keeps.
//
// A connection that was taken over may still be working while the next one is, so each message
// records its connection. Positions are those of a connection's output, in bytes since its first.
//
// Memory: charged to the budget of the process (daemon/net/memory_budget.h).
//
// Threads: any; a mutex protects the messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "daemon/net/memory_budget.h"

namespace rollcall {

class MqttUnreleased {
public:
    explicit MqttUnreleased(MemoryBudget& memory)
        : memory_(memory), charge_(&memory, MemoryUse::mqtt_messages) {}

    enum class State : uint8_t {
        unknown,
        stored,     // On disk, or will be before the next answer of `connection` is sent.
        unsettled,  // Received by an earlier connection that has not closed yet.
    };
    // Returns the state of a message as `connection` sees it.
    [[nodiscard]] State state_of(uint16_t packet_id, uint64_t connection);
    // reply_end: where the PUBREC of the message ends in the output of its connection.
    void add(uint16_t packet_id, uint64_t connection, uint64_t reply_end);
    // Returns false if there is no such message.
    bool release(uint16_t packet_id);
    // Settles the messages of a connection that closes. Those whose PUBREC ends after `sent_end`
    // may not be on disk and are forgotten; the client sends them again.
    void settle(uint64_t connection, uint64_t sent_end);
    [[nodiscard]] size_t size();
    // Returns whether the memory budget has room for one more message of this session.
    [[nodiscard]] bool has_memory();

private:
    struct Message {
        uint16_t packet_id;
        uint64_t connection;  // 0 if that connection has closed.
        uint64_t reply_end;
    };
    void charge_capacity() { charge_.set(messages_.capacity() * sizeof(Message)); }

    std::mutex mutex_;
    MemoryBudget& memory_;
    std::vector<Message> messages_;
    MemoryCharge charge_;
};

}  // namespace rollcall
