// MqttReplies: sends packets to one MQTT client, in the form that the client's MQTT version and
// CONNECT allow.
//
// A client of 5.0 may limit the size of packets [MQTT5-3.1.2-24] and decline reason strings
// [MQTT5-3.1.2-29]. If a packet with a reason string would be too large, the string is left out. If
// the packet is too large even without the string, it is not sent.
//
// A report that cannot be decoded is refused with reason code 0x99 in 5.0. A PUBACK of 3.1.1 has no
// reason code, so the server acknowledges the message [MQTT-3.3.5-2]. Without an acknowledgement,
// the router would send the message again for ever. The report is counted as refused in both
// versions. A report on a topic that no filter of mqtt.topics matches is handled in the same way,
// with code 0x90.
//
// Threads: the loop's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/mqtt/packets.h"
#include "daemon/net/connection.h"
#include "pipeline/base/error.h"

namespace rollcall {

// Returns the reason code of 5.0 for an error code.
[[nodiscard]] mqtt::Reason reason_for(Code code);

class MqttReplies {
public:
    explicit MqttReplies(Connection& connection) : connection_(connection) {}

    void set_version(mqtt::Version version) { version_ = version; }
    void set_packet_bytes_max(uint32_t bytes) { packet_bytes_max_ = bytes; }
    void set_wants_reasons(bool wants_reasons) { wants_reasons_ = wants_reasons; }

    [[nodiscard]] Connection& connection() const { return connection_; }
    [[nodiscard]] mqtt::Version version() const { return version_; }
    [[nodiscard]] bool is_5() const { return version_ == mqtt::Version::v5; }
    [[nodiscard]] bool fits(std::string_view packet) const {
        return packet.size() <= packet_bytes_max_;
    }

    // Sends a packet. Has no effect if the packet is empty or too large for the client.
    void send(std::string_view packet);
    void send_refusing_connack(mqtt::Reason reason, std::string_view reason_string);
    // Sends a DISCONNECT in 5.0. Has no effect in 3.1.1, because a server of 3.1.1 cannot send
    // DISCONNECT. The caller must close the connection.
    void send_disconnect(mqtt::Reason reason, std::string_view reason_string);

    // Returns the PUBACK or PUBREC for a message; empty for QoS 0. fault: the reason, if the
    // message is refused.
    [[nodiscard]] std::string acknowledgement(const mqtt::Publish& publish,
                                              std::optional<Code> fault) const;

private:
    // Returns the packet that make() builds from the reason string. The string is empty if the
    // client does not want it, or if the packet would be too large with it.
    template <class Make>
    [[nodiscard]] std::string with_reason_string(std::string_view reason_string,
                                                 const Make& make) const {
        std::string packet = make(reason_string);
        return wants_reasons_ && fits(packet) ? packet : make(std::string_view());
    }

    Connection& connection_;
    uint32_t packet_bytes_max_ = UINT32_MAX;
    mqtt::Version version_ = mqtt::Version::v3_1_1;
    bool wants_reasons_ = true;
};

}  // namespace rollcall
