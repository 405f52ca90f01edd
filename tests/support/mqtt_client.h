// MqttClient: an MQTT 3.1.1 connection that can publish and wait for acknowledgements.
//
// Source: MQTT 3.1.1, OASIS Standard, sections 3.1 to 3.4.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/tcp_client.h"

namespace rollcall {

struct MqttWish {                      // Optional parts of CONNECT.
    std::string_view will_topic = {};  // Without a topic there is no will.
    std::string_view will_payload = "offline";
    uint16_t keep_alive_s = 0;  // 0 disables keep-alive.
};

class MqttClient {
public:
    // Connects and waits for CONNACK.
    MqttClient(uint16_t port, std::string_view client_id, const MqttWish& wish = {});

    // Publishes with QoS 1 and does not wait.
    void publish(std::string_view topic, std::string_view payload, uint16_t packet_id,
                 bool retain = false) const;
    // Waits for the next PUBACK and returns its packet id.
    [[nodiscard]] uint16_t puback();

    [[nodiscard]] TcpClient& connection() { return connection_; }

private:
    TcpClient connection_;
};

// Returns a CONNECT with a clean session, for tests that send bytes themselves.
[[nodiscard]] std::string mqtt_connect(std::string_view client_id, const MqttWish& wish = {});

}  // namespace rollcall
