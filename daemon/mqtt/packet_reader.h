// MQTT packet reader: reads the data types of MQTT (section 1.5 of 3.1.1 and 5.0) from the body of
// a packet.
//
// Threads: plain values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/mqtt/packets.h"
#include "pipeline/base/error.h"
#include "pipeline/base/utf8.h"

namespace rollcall::mqtt {

// A variable byte integer: at most four bytes with seven bits each, the lowest bits first. The
// highest bit of a byte is set if another byte follows (section 2.2.3 of 3.1.1, 1.5.5 of 5.0).
struct Length {
    size_t value;
    size_t bytes;  // Size of the encoded number.

    // Returns whether no shorter encoding exists.
    [[nodiscard]] bool is_shortest() const { return bytes == 1 || value >> 7 * (bytes - 1) > 0; }
};

// Reads the length at the front of the bytes. Returns nothing if more bytes are needed.
inline Result<std::optional<Length>> parse_length(std::string_view bytes) {
    constexpr size_t bytes_max = 4;
    size_t value = 0;
    for (size_t i = 0; i < std::min(bytes.size(), bytes_max); ++i) {
        const auto byte = static_cast<uint8_t>(bytes[i]);
        value |= size_t{byte & 0x7Fu} << 7 * i;
        if (byte < 0x80) return Length{value, i + 1};
    }
    if (bytes.size() >= bytes_max) return fail(Code::mqtt_malformed);
    return std::nullopt;
}

// Reads the body of a packet from front to back. After a fault, all values are empty. So the caller
// needs to check for a fault only once, after the last value.
class PacketReader {
public:
    explicit PacketReader(std::string_view body) : rest_(body) {}

    [[nodiscard]] bool is_good() const { return !fault_; }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    void set_fault(Code code) {
        if (!fault_) fault_ = code;
        rest_ = {};
    }
    void require(bool condition, Code otherwise = Code::mqtt_malformed) {
        if (!condition) set_fault(otherwise);
    }
    // Returns the content. Fails if there was a fault, or if bytes are left.
    template <class Content>
    [[nodiscard]] Result<decltype(Packet::content)> finish(const Content& content) {
        require(rest_.empty());
        if (fault_) return fail(*fault_);
        return content;
    }

    uint8_t byte() {
        const std::string_view taken = take(1);
        return taken.empty() ? uint8_t{0} : static_cast<uint8_t>(taken[0]);
    }
    uint16_t two() {
        const uint8_t high = byte();
        return static_cast<uint16_t>(high << 8 | byte());
    }
    uint32_t four() {
        const uint32_t high = two();
        return high << 16 | two();
    }
    size_t length() {
        const auto length = parse_length(rest_);
        const bool whole = length && *length && (*length)->is_shortest();  // [MQTT5-1.5.5-1]
        require(whole);
        if (!whole) return 0;
        take((*length)->bytes);
        return (*length)->value;
    }

    // Reads length-prefixed bytes.
    std::string_view binary() { return take(two()); }

    // Reads length-prefixed UTF-8 without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2] [MQTT5-1.5.4-1, -2].
    std::string_view text() {
        const std::string_view text = binary();
        require(utf8_valid(text) && !text.contains('\0'));
        return text;
    }

    // Reads a packet id, which is not 0 [MQTT-2.3.1-1] [MQTT5-2.2.1-3].
    uint16_t packet_id() {
        const uint16_t id = two();
        require(id != 0);
        return id;
    }

    std::string_view take(size_t count) {
        require(count <= rest_.size());
        count = std::min(count, rest_.size());
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view rest() { return take(rest_.size()); }

private:
    std::string_view rest_;
    std::optional<Code> fault_;
};

}  // namespace rollcall::mqtt
