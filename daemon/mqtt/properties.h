// MQTT properties: the optional values that most packets of MQTT 5.0 carry in a list (section
// 2.2.2).
//
// properties.def lists the properties that a client may send, and the packets that may carry them.
//
// Threads: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/mqtt/packet_reader.h"
#include "daemon/mqtt/packets.h"

namespace rollcall::mqtt {

// One bit for each packet type that can carry properties, and one bit for the will of a CONNECT.
// properties.def combines the bits of all packets that may carry a property.
namespace in {
constexpr uint16_t connect = 1;
constexpr uint16_t will = 2;
constexpr uint16_t publish = 4;
constexpr uint16_t acknowledgement = 8;
constexpr uint16_t subscribe = 16;
constexpr uint16_t unsubscribe = 32;
constexpr uint16_t disconnect = 64;
constexpr uint16_t auth = 128;
}  // namespace in

enum class PropertyId : uint8_t {
#define PROPERTY(id, name, form, packets) name = id,
#include "daemon/mqtt/properties.def"
#undef PROPERTY
};

enum class PropertyForm : uint8_t { flag, two, four, length, text, binary, pair };

// The properties of one packet. Keeps which properties the packet has, the values of those that are
// numbers, and the content type. No other text is kept.
class Properties {
public:
    [[nodiscard]] bool has(PropertyId id) const { return seen_ >> index(id) & 1; }
    [[nodiscard]] uint32_t number(PropertyId id, uint32_t otherwise) const {
        return has(id) ? numbers_[index(id)] : otherwise;
    }
    [[nodiscard]] std::string_view content_type() const { return content_type_; }

    // Reads the properties of a packet of 5.0, including the length of the list [MQTT5-2.2.2-1].
    // packet: one of in::*.
    void read(PacketReader& reader, uint16_t packet);

private:
    static size_t index(PropertyId id) { return static_cast<size_t>(id); }

    [[nodiscard]] uint32_t read_value(PacketReader& list, PropertyId id, PropertyForm form);
    static constexpr size_t ids_max = 40;
    uint64_t seen_ = 0;
    std::array<uint32_t, ids_max> numbers_{};
    std::string_view content_type_;
};

// Reads and checks the properties of a packet. Sets the fault of `reader` if a property is wrong. A
// packet of 3.1.1 has no properties.
Properties read_properties(PacketReader& reader, Version version, uint16_t packet);

}  // namespace rollcall::mqtt
