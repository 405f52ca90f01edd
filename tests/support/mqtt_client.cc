#include "tests/support/mqtt_client.h"

#include "tests/support/mqtt_packets.h"

namespace rollcall {

using namespace packets;

std::string mqtt_connect(std::string_view client_id, const MqttWish& wish) {
    constexpr int level = 4;
    constexpr int clean_session = 2;
    const bool has_will = !wish.will_topic.empty();
    return connect(client_id,
                   {.level = level,
                    .flags = has_will ? clean_session | will_flag : clean_session,
                    .keep_alive_s = wish.keep_alive_s,
                    .behind_id = has_will ? will(level, wish.will_topic, wish.will_payload) : ""});
}

MqttClient::MqttClient(uint16_t port, std::string_view client_id, const MqttWish& wish)
    : connection_(port) {
    connection_.send(mqtt_connect(client_id, wish));
    const std::string accepted("\x20\x02\x00\x00", 4);
    if (connection_.take(4) != accepted) throw ConnectionEnded("no CONNACK");
}

void MqttClient::publish(std::string_view topic, std::string_view payload, uint16_t packet_id,
                         bool retain) const {
    connection_.send(packets::publish(
        4, 1, packet_id,
        {.topic = std::string(topic), .payload = std::string(payload), .retain = retain}));
}

uint16_t MqttClient::puback() {
    const std::string answer = connection_.take(4);
    if (!answer.starts_with("\x40\x02")) throw ConnectionEnded("not a PUBACK");
    return static_cast<uint16_t>(static_cast<uint8_t>(answer[2]) << 8 |
                                 static_cast<uint8_t>(answer[3]));
}

}  // namespace rollcall
