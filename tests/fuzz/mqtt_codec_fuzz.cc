// Every packet that a client's bytes hold, as a session takes them, read to its last byte; and a
// packet that was found is found again in its own bytes alone, and in no beginning of them.
#include "daemon/mqtt_codec.h"

#include <algorithm>

namespace {

using namespace rollcall;

constexpr size_t packet_bytes_max = 4096;

size_t bytes_read = 0;

// Reads every byte of a view, so that AddressSanitizer sees one that lies outside.
void read(std::string_view view) {
    bytes_read += static_cast<size_t>(std::ranges::count(view, '\0')) + view.size();
}

void read(const mqtt::Connect& connect) {
    read(connect.client_id);
    if (connect.will) read(connect.will->topic), read(connect.will->payload);
    read(connect.username.value_or(""));
    read(connect.password.value_or(""));
    ensure(connect.username || !connect.password);
}

void read(const mqtt::Publish& publish) {
    read(publish.topic);
    read(publish.payload);
    ensure(publish.qos <= 2 && (publish.packet_id > 0) == (publish.qos > 0));
    ensure(mqtt::matches("#", publish.topic) != publish.topic.starts_with('$'));
    ensure(mqtt::matches(publish.topic, publish.topic));
    // The payload serves as a filter: any bytes may be in the settings.
    (void)mqtt::matches(publish.payload, publish.topic);
    read(mqtt::level_at_plus(publish.payload, publish.topic));
}

void read(const auto&) {}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (;;) {
        const auto result = mqtt::parse(bytes, packet_bytes_max);
        if (!result) return 0;
        const std::optional<mqtt::Packet>& packet = *result;
        if (!packet) return 0;
        ensure(packet->bytes >= 2 && packet->bytes <= std::min(bytes.size(), packet_bytes_max));
        std::visit([](const auto& content) { read(content); }, packet->content);

        const std::string_view alone = bytes.substr(0, packet->bytes);
        const auto again = mqtt::parse(alone, packet_bytes_max).value_or(std::nullopt);
        ensure(again && again->bytes == packet->bytes);
        const auto short_by_one = mqtt::parse(alone.substr(0, alone.size() - 1), packet_bytes_max);
        ensure(short_by_one && !short_by_one->has_value());
        bytes.remove_prefix(packet->bytes);
    }
}
