#include "daemon/mqtt/properties.h"

#include <algorithm>
#include <iterator>

#include "daemon/mqtt/topics.h"

namespace rollcall::mqtt {

namespace {

struct PropertyInfo {
    PropertyId id;
    PropertyForm form;
    uint16_t packets;
};

constexpr PropertyInfo properties_table[] = {
#define PROPERTY(id, name, form, packets)       \
    {PropertyId::name, PropertyForm::form, [] { \
         using namespace in;                    \
         return static_cast<uint16_t>(packets); \
     }()},
#include "daemon/mqtt/properties.def"
#undef PROPERTY
};

// Refuses property values that no packet may carry. The session refuses the topic alias 0.
void check_numbers(PacketReader& reader, const Properties& properties) {
    for (const auto& [id, form, packets] : properties_table) {
        const uint32_t number = properties.number(id, 1);
        const bool flag_is_one = form != PropertyForm::flag || number <= 1;
        const bool zero_is_allowed = id != PropertyId::receive_maximum &&
                                     id != PropertyId::maximum_packet_size &&
                                     id != PropertyId::subscription_identifier;
        reader.require(flag_is_one && (number != 0 || zero_is_allowed), Code::mqtt_protocol_error);
    }
}

}  // namespace

void Properties::read(PacketReader& reader, uint16_t packet) {
    PacketReader list(reader.take(reader.length()));
    while (reader.is_good() && !list.empty()) {
        const size_t id = list.length();
        const auto* const known = std::ranges::find(
            properties_table, id, [](const auto& info) { return static_cast<size_t>(info.id); });
        if (known == std::end(properties_table) || !(known->packets & packet))
            return reader.set_fault(Code::mqtt_malformed);
        if (has(known->id) && known->form != PropertyForm::pair)
            return reader.set_fault(Code::mqtt_protocol_error);
        seen_ |= uint64_t{1} << index(known->id);
        numbers_[index(known->id)] = read_value(list, known->id, known->form);
        if (!list.is_good()) return reader.set_fault(Code::mqtt_malformed);
    }
}

uint32_t Properties::read_value(PacketReader& list, PropertyId id, PropertyForm form) {
    std::string_view text;
    switch (form) {
        case PropertyForm::flag: return list.byte();
        case PropertyForm::two: return list.two();
        case PropertyForm::four: return list.four();
        case PropertyForm::length: return static_cast<uint32_t>(list.length());
        case PropertyForm::text: text = list.text(); break;
        case PropertyForm::binary: list.binary(); break;
        case PropertyForm::pair: list.text(), list.text(); break;
    }
    if (id == PropertyId::content_type) content_type_ = text;
    if (id == PropertyId::response_topic) list.require(!has_wildcard(text));
    return 0;
}

Properties read_properties(PacketReader& reader, Version version, uint16_t packet) {
    Properties properties;
    if (version != Version::v5) return properties;
    properties.read(reader, packet);
    check_numbers(reader, properties);
    return properties;
}

}  // namespace rollcall::mqtt
