#include "tests/support/mqtt_client.h"

namespace rollcall {

namespace {

std::string two_bytes(size_t number) {
    return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

std::string text(std::string_view content) {
    return two_bytes(content.size()) + std::string(content);
}

std::string packet(char type_and_flags, const std::string& rest) {
    std::string bytes(1, type_and_flags);
    size_t length = rest.size();
    do {  // Seven bits at a time, the low ones first.
        bytes += static_cast<char>(length % 128 + (length >= 128 ? 128 : 0));
        length /= 128;
    } while (length > 0);
    return bytes + rest;
}

}  // namespace

std::string mqtt_connect(std::string_view client_id, const MqttWish& wish) {
    const char level_311 = 4;
    const char clean_session = 2;
    const char has_will = wish.will_topic.empty() ? 0 : 4;
    const char flags = clean_session | has_will;
    const std::string will = has_will ? text(wish.will_topic) + text(wish.will_payload) : "";
    return packet(0x10, text("MQTT") + level_311 + flags + two_bytes(wish.keep_alive_s) +
                            text(client_id) + will);
}

MqttClient::MqttClient(uint16_t port, std::string_view client_id, const MqttWish& wish)
    : connection_(port) {
    connection_.send(mqtt_connect(client_id, wish));
    const std::string accepted("\x20\x02\x00\x00", 4);
    if (connection_.take(4) != accepted) throw ConnectionEnded("no CONNACK");
}

void MqttClient::publish(std::string_view topic, std::string_view payload, uint16_t packet_id,
                         bool retain) const {
    connection_.send(
        packet(retain ? 0x33 : 0x32, text(topic) + two_bytes(packet_id) + std::string(payload)));
}

uint16_t MqttClient::puback() {
    const std::string answer = connection_.take(4);
    if (!answer.starts_with("\x40\x02")) throw ConnectionEnded("not a PUBACK");
    return static_cast<uint16_t>(static_cast<uint8_t>(answer[2]) << 8 |
                                 static_cast<uint8_t>(answer[3]));
}

}  // namespace rollcall
