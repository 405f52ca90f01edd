// Packets of MQTT 3.1.1 and 5.0 as a client sends them, built from parts, so that tests can also
// build malformed ones.
//
// Sources: section 2 of both standards. `level` is the protocol level in CONNECT, 4 or 5.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rollcall::packets {

inline std::string byte(size_t value) { return std::string(1, static_cast<char>(value)); }
inline std::string two(size_t value) { return byte(value >> 8) + byte(value); }
inline std::string four(size_t value) { return two(value >> 16) + two(value); }
// Encodes a variable byte integer, which has seven bits in each byte. The first byte has the lowest
// seven bits.
inline std::string length(size_t value) {
    std::string bytes;
    for (; value > 127; value /= 128) bytes += byte(value % 128 + 128);
    return bytes + byte(value);
}
inline std::string text(std::string_view bytes) { return two(bytes.size()) + std::string(bytes); }
inline std::string pair(std::string_view name, std::string_view value) {
    return text(name) + text(value);
}

inline std::string packet(size_t first_byte, std::string_view body = {}) {
    return byte(first_byte) + length(body.size()) + std::string(body);
}

// Encodes a property of 5.0. Properties are concatenated: `property(17, four(60)) + property(38,
// pair("a", "b"))`.
inline std::string property(size_t id, std::string_view value) {
    return byte(id) + std::string(value);
}
// Encodes a property list with its length; empty for 3.1.1, which has no properties.
inline std::string list(int level, std::string_view properties = {}) {
    return level == 5 ? length(properties.size()) + std::string(properties) : std::string();
}

struct Hello {
    int level = 4;
    int flags = 2;  // Clean start.
    size_t keep_alive_s = 60;
    std::string properties = {};
    std::string behind_id = {};  // Will, user name and password; they come after the client id.
};
inline std::string connect(std::string_view client_id, const Hello& hello = {}) {
    return packet(0x10, text("MQTT") + byte(static_cast<size_t>(hello.level)) +
                            byte(static_cast<size_t>(hello.flags)) + two(hello.keep_alive_s) +
                            list(hello.level, hello.properties) + text(client_id) +
                            hello.behind_id);
}

// For a CONNECT with a will, add will_flag to Hello::flags, and will() to Hello::behind_id.
constexpr int will_flag = 4;
inline std::string will(int level, std::string_view topic, std::string_view payload = "offline",
                        std::string_view properties = {}) {
    return list(level, properties) + text(topic) + text(payload);
}

struct Message {
    std::string topic = "checkins/r1";
    std::string payload = R"({"cpu_count":4})";
    std::string properties = {};
    bool retain = false;
    bool dup = false;
};
// packet_id has no effect with QoS 0.
inline std::string publish(int level, int qos, size_t packet_id, const Message& message = {}) {
    const int flags = (message.dup ? 8 : 0) | qos << 1 | (message.retain ? 1 : 0);
    return packet(static_cast<size_t>(0x30 | flags),
                  text(message.topic) + (qos > 0 ? two(packet_id) : "") +
                      list(level, message.properties) + message.payload);
}

inline std::string pubrel(size_t packet_id) { return packet(0x62, two(packet_id)); }
inline std::string subscribe(int level, size_t packet_id, std::string_view filter = "a") {
    return packet(0x82, two(packet_id) + list(level) + text(filter) + byte(0));
}
inline std::string unsubscribe(int level, size_t packet_id, std::string_view filter = "a") {
    return packet(0xA2, two(packet_id) + list(level) + text(filter));
}
inline std::string pingreq() { return packet(0xC0); }
inline std::string disconnect() { return packet(0xE0); }

// Packets of the server.
inline std::string puback(size_t packet_id) { return packet(0x40, two(packet_id)); }
inline std::string pubrec(size_t packet_id) { return packet(0x50, two(packet_id)); }
inline std::string pubcomp(size_t packet_id) { return packet(0x70, two(packet_id)); }

}  // namespace rollcall::packets
