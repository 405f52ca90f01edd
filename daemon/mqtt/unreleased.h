// MqttUnreleased: the QoS 2 messages of one MQTT session that were received and for which no PUBREL
// has arrived yet [MQTT-4.3.3-2]. Apart from a will, the packet ids of these messages are the only
// session state that this server keeps.
//
// A client can open a new connection while its old connection is still open, so each message
// records its connection. `reply_end` and `sent_end` are byte offsets in the whole output of a
// connection.
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
        stored,     // The row is on disk, or will be on disk before `connection` sends its next
                    // answer.
        unsettled,  // Received by an earlier connection that has not closed yet.
    };
    // Returns the state of a message as `connection` sees it.
    [[nodiscard]] State state_of(uint16_t packet_id, uint64_t connection);
    // Adds a message. reply_end: the position at which the PUBREC of the message ends in the output
    // of the connection.
    void add(uint16_t packet_id, uint64_t connection, uint64_t reply_end);
    // Removes the message with this packet id. Returns false if there is no such message.
    bool release(uint16_t packet_id);
    // Call this when a connection closes. sent_end: replies before this position of the output do
    // not wait for a row to be on disk. If the PUBREC of a message ends after sent_end, the message
    // is possibly not on disk. So settle() forgets the message, and the client sends the message
    // again.
    void settle(uint64_t connection, uint64_t sent_end);
    [[nodiscard]] size_t size();
    // Returns whether the memory budget has room for one more message of this session.
    [[nodiscard]] bool has_memory();

private:
    struct Message {
        uint16_t packet_id;
        uint64_t connection;  // 0 after that connection has closed.
        uint64_t reply_end;
    };
    void charge_capacity() { charge_.set(messages_.capacity() * sizeof(Message)); }

    std::mutex mutex_;
    MemoryBudget& memory_;
    std::vector<Message> messages_;
    MemoryCharge charge_;
};

}  // namespace rollcall
