// Load wire: formats the messages of rollcall-load and parses the responses (HTTP/1.1 and MQTT
// 3.1.1). No I/O.
//
// A Message is built once and copied for every check-in. Only the digits that differ between
// check-ins are written each time. All reports of a batch come from one router and have different
// sequence numbers. Parsing an answer keeps no state between calls and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::load {

enum class Protocol : uint8_t { http, mqtt };

enum class Shape : uint8_t {
    flat,    // 25 members.
    nested,  // Objects and a list of objects. Some of their members have no column.
};

// Returns a report of at least body_bytes bytes, with marks where a Message writes the digits of
// the serial number and of the sequence number.
[[nodiscard]] std::string make_body(Shape shape, size_t body_bytes);
// Returns a JSON array in which the report `body` occurs `reports` times.
[[nodiscard]] std::string make_batch(std::string_view body, size_t reports);

class Message {
public:
    struct Http {
        std::string host;
        std::string path;
        bool close;  // Send "Connection: close".
    };
    struct Mqtt {};  // QoS 1, topic "checkins/SERIAL".
    Message(const Http& http, std::string_view body);
    Message(Mqtt, std::string_view body);

    // Appends check-in `number`. Only MQTT uses `packet_id`.
    void append_to(std::string& out, uint64_t number, uint16_t packet_id) const;

    [[nodiscard]] size_t size() const { return bytes_.size(); }

private:
    void find_marks();

    std::string bytes_;
    size_t packet_id_at_ = 0;
    std::vector<size_t> serial_ends_;
    std::vector<size_t> sequence_ends_;
};

// Returns a CONNECT packet with a clean session and without keep-alive.
[[nodiscard]] std::string mqtt_connect(std::string_view client_id);

struct Answer {
    enum class Kind : uint8_t {
        more,       // The answer is not complete yet.
        connected,  // CONNACK that accepts the connection.
        taken,      // 2xx, or PUBACK of packet_id.
        refused,    // Another HTTP status, in `code`.
        broken,     // A malformed answer, or a refusing CONNACK, whose reason is in `code`.
    };
    Kind kind = Kind::more;
    size_t bytes = 0;  // Size of the answer. The caller removes these bytes from its input.
    int code = 0;
    uint16_t packet_id = 1;  // Always 1 with HTTP, where only one request is unanswered at a time.
    int64_t next_s = 0;      // `next` of an HTTP response; 0 if it has none.
};

// Returns the answer at the beginning of `bytes`.
[[nodiscard]] Answer read_answer(Protocol protocol, std::string_view bytes);

}  // namespace rollcall::load
