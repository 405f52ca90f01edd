// Parses all packets in the bytes of a client, as a session of either version does, and reads each
// packet to its last byte. If the parser gets only the bytes of one packet, it must find this
// packet. If the last byte is missing, it must wait for more bytes.
#include <algorithm>

#include "daemon/mqtt/packet_parser.h"
#include "daemon/mqtt/topics.h"

namespace {

using namespace rollcall;

constexpr size_t packet_bytes_max = 4096;

size_t bytes_read = 0;

// Reads every byte of a view, so that AddressSanitizer detects views outside of the input.
void read(std::string_view view) {
    bytes_read += static_cast<size_t>(std::ranges::count(view, '\0')) + view.size();
}

void read(const mqtt::Connect& connect) {
    read(connect.client_id);
    if (connect.will) read(connect.will->topic), read(connect.will->payload);
    read(connect.username.value_or(""));
    read(connect.password.value_or(""));
    const bool is_5 = connect.version == mqtt::Version::v5;
    ensure(is_5 || connect.username || !connect.password);
    ensure(is_5 || (connect.session_expiry_s == 0 && connect.wants_reasons));
    ensure(connect.packet_bytes_max > 0);
}

void read(const mqtt::Publish& publish) {
    read(publish.topic);
    read(publish.payload);
    ensure(publish.qos <= 2 && (publish.packet_id > 0) == (publish.qos > 0));
    read(publish.content_type);
    ensure(!publish.topic.empty() || publish.topic_alias);
    ensure(mqtt::matches("#", publish.topic) != publish.topic.starts_with('$'));
    ensure(mqtt::matches(publish.topic, publish.topic));
    // The payload serves as a topic filter, because the filters in the settings can be any bytes.
    (void)mqtt::matches(publish.payload, publish.topic);
    read(mqtt::level_at_plus(publish.payload, publish.topic));
}

void read(const mqtt::Acknowledgement& acknowledgement) { ensure(acknowledgement.packet_id != 0); }
void read(const mqtt::Subscribe& subscribe) {
    ensure(subscribe.packet_id != 0 && subscribe.filters > 0);
}
void read(const mqtt::Unsubscribe& unsubscribe) {
    ensure(unsubscribe.packet_id != 0 && unsubscribe.filters > 0);
}

void read(const auto&) {}

void read_all(std::string_view bytes, mqtt::Version version) {
    for (;;) {
        const auto result = mqtt::parse(bytes, packet_bytes_max, version);
        if (!result) return;
        const std::optional<mqtt::Packet>& packet = *result;
        if (!packet) return;
        ensure(packet->bytes >= 2 && packet->bytes <= std::min(bytes.size(), packet_bytes_max));
        std::visit([](const auto& content) { read(content); }, packet->content);

        const std::string_view alone = bytes.substr(0, packet->bytes);
        const auto again = mqtt::parse(alone, packet_bytes_max, version).value_or(std::nullopt);
        ensure(again && again->bytes == packet->bytes);
        const auto short_by_one =
            mqtt::parse(alone.substr(0, alone.size() - 1), packet_bytes_max, version);
        ensure(short_by_one && !short_by_one->has_value());
        bytes.remove_prefix(packet->bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    read_all(bytes, mqtt::Version::v3_1_1);
    read_all(bytes, mqtt::Version::v5);
    return 0;
}
