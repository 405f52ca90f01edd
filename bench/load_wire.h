// Load wire: what rollcall-load sends and what it hears, HTTP/1.1 and MQTT 3.1.1, no I/O.
//
// A Message is made once and copied for every check-in; only the digits that tell check-ins apart
// are written anew. MetricValue an answer keeps nothing between calls and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::load {

enum class Protocol : uint8_t { http, mqtt };

// A report of some body_bytes bytes, with places for the serial number and the sequence number.
[[nodiscard]] std::string make_body(size_t body_bytes);

class Message {
public:
    struct Http {
        std::string host;
        std::string path;
        bool close;  // Connection: close.
    };
    struct Mqtt {};  // QoS 1, to the topic "checkins/SERIAL".
    Message(const Http& http, std::string_view body);
    Message(Mqtt, std::string_view body);

    // Appends check-in `number`; `packet_id` is for MQTT.
    void append_to(std::string& out, uint64_t number, uint16_t packet_id) const;

    [[nodiscard]] size_t size() const { return bytes_.size(); }

private:
    void find_marks();

    std::string bytes_;
    size_t packet_id_at_ = 0;
    std::vector<size_t> serial_ends_;
    std::vector<size_t> sequence_ends_;
};

// A CONNECT with a clean session and no keep-alive.
[[nodiscard]] std::string mqtt_connect(std::string_view client_id);

struct Answer {
    enum class Kind : uint8_t {
        more,       // Nothing yet.
        connected,  // CONNACK, accepted.
        taken,      // 2xx, or PUBACK of packet_id.
        refused,    // Another HTTP status: `code`.
        broken,     // Not to be understood, or a CONNACK that refuses: `code`.
    };
    Kind kind = Kind::more;
    size_t bytes = 0;  // To take off.
    int code = 0;
    uint16_t packet_id = 1;  // With HTTP always 1: one request is on its way.
};

// The answer that `bytes` begin with.
[[nodiscard]] Answer read_answer(Protocol protocol, std::string_view bytes);

}  // namespace rollcall::load
