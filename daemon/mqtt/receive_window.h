// MqttReceiveWindow: counts the messages of one connection that are in flight. In 5.0 the server
// announces a limit for these messages, the Receive Maximum. If a client exceeds the limit, the
// server ends the connection [MQTT5-3.3.4-7].
//
// A message of QoS 1 is in flight until its PUBACK may be sent; a message of QoS 2 is in flight
// until its PUBREL has arrived. 3.1.1 has no Receive Maximum. For clients of 3.1.1 only messages of
// QoS 2 are counted, because the server has to remember messages of QoS 2. The count of a new
// connection begins at 0 (section 4.9 of 5.0).
//
// Threads: the loop's. Units: positions in the output of the connection, in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rollcall {

class MqttReceiveWindow {
public:
    // Removes the messages of QoS 1 whose PUBACK can be sent: the last byte of the PUBACK is before
    // `sendable_end`, a position in the output. Returns the number of messages that are still in
    // flight.
    [[nodiscard]] size_t size(uint64_t sendable_end);

    // ack_end: the position at which the PUBACK of the message ends. Each call must pass a greater
    // position than the call before.
    void add_qos1(uint64_t ack_end) { ack_ends_.push_back(ack_end); }
    void add_qos2() { ++unreleased_; }
    // Removes one message of QoS 2 from the count. Call this for each PUBREL, even if another
    // connection has received the message.
    void release_qos2() {
        if (unreleased_ > 0) --unreleased_;
    }

private:
    std::vector<uint64_t> ack_ends_;
    size_t unreleased_ = 0;
};

}  // namespace rollcall
