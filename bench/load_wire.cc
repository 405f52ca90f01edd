#include "bench/load_wire.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace rollcall::load {

namespace {

// Marks in the template of a message. The digits of a check-in overwrite the end of each mark.
constexpr std::string_view serial_mark = "HG0SSSSSSSSS";
constexpr std::string_view sequence_mark = "1QQQQQQQQQQQ";
constexpr size_t serial_digits = 9;
constexpr size_t sequence_digits = 11;

constexpr uint64_t routers = 10'000;  // Number of simulated routers.

// Reports in the form that RouterOS scripts send.
constexpr std::string_view flat_report =
    R"~({"identity":"JHB-Sandton-7","serial_number":"HG0SSSSSSSSS","model":"RB3011UiAS-RM",)~"
    R"~("board_name":"RB3011UiAS","architecture_name":"arm","version":"7.17 (stable)",)~"
    R"~("current_firmware":"7.17","uptime":"6d23h19m23s","cpu_count":2,"cpu_load":3,)~"
    R"~("cpu_frequency":1400,"total_memory":1073741824,"free_memory":973053952,)~"
    R"~("total_hdd_space":134217728,"free_hdd_space":92110848,"bad_blocks":"0.2",)~"
    R"~("temperature":41,"cpu_temperature":52,"voltage":"24.1","power_consumption":50.8,)~"
    R"~("wan_ip":"100.72.14.9","dhcp_leases":23,"seq":1QQQQQQQQQQQ,"software_id":"TJI1-CDCL")~";
constexpr std::string_view nested_report =
    R"~({"serial_number":"HG0SSSSSSSSS","identity":"JHB-Sandton-7","seq":1QQQQQQQQQQQ,)~"
    R"~("system":{"model":"RB3011UiAS-RM","board_name":"RB3011UiAS","architecture_name":"arm",)~"
    R"~("version":"7.17 (stable)","current_firmware":"7.17","uptime":"6d23h19m23s"},)~"
    R"~("cpu":{"cpu_count":2,"cpu_load":3,"cpu_frequency":1400},)~"
    R"~("memory":{"total_memory":1073741824,"free_memory":973053952},)~"
    R"~("health":{"temperature":41,"voltage":"24.1"},)~"
    R"~("interfaces":[{"name":"ether1","rx":918273645,"tx":192837465,"running":true},)~"
    R"~({"name":"ether2","rx":5647382910,"tx":1029384756,"running":false}],"wan_ip":"100.72.14.9")~";

void write_digits(char* end, uint64_t number, size_t count) {
    for (size_t i = 0; i < count; ++i, number /= 10) *--end = static_cast<char>('0' + number % 10);
}

std::string two_bytes(size_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string mqtt_text(std::string_view text) { return two_bytes(text.size()) + std::string(text); }

std::string mqtt_length(size_t value) {
    std::string bytes;
    for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 0x80);
    return bytes + static_cast<char>(value);
}

// Returns the offsets at which the marks end.
std::vector<size_t> ends_of(std::string_view bytes, std::string_view mark) {
    std::vector<size_t> found;
    for (size_t at = bytes.find(mark); at != bytes.npos; at = bytes.find(mark, at + 1))
        found.push_back(at + mark.size());
    return found;
}

// Returns the decimal number at the beginning of `text`, or -1.
int64_t number_at(std::string_view text) {
    int64_t number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Answer broken(int code = 0) { return {.kind = Answer::Kind::broken, .code = code}; }

// Returns the value of Content-Length, or -1. Recognizes only the spellings of rollcalld and of the
// servers with which it is compared.
int64_t content_length(std::string_view head) {
    for (const std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "})
        if (const size_t at = head.find(name); at != head.npos)
            return number_at(head.substr(at + name.size()));
    return -1;
}

// Returns the seconds after which the router is asked to report again, or 0.
int64_t next_s(std::string_view body) {
    constexpr std::string_view name = R"("next":)";
    const size_t at = body.find(name);
    return at == body.npos ? 0 : std::max<int64_t>(0, number_at(body.substr(at + name.size())));
}

Answer read_http(std::string_view bytes) {
    const size_t blank_line = bytes.find("\r\n\r\n");
    if (blank_line == bytes.npos) return {};
    const std::string_view head = bytes.substr(0, blank_line + 2);
    const int64_t status = head.starts_with("HTTP/1.1 ") ? number_at(head.substr(9)) : -1;
    const int64_t body_bytes = status == 204 ? 0 : content_length(head);
    if (status < 0 || body_bytes < 0) return broken();
    const size_t size = blank_line + 4 + static_cast<size_t>(body_bytes);
    if (bytes.size() < size) return {};
    return {.kind = status / 100 == 2 ? Answer::Kind::taken : Answer::Kind::refused,
            .bytes = size,
            .code = static_cast<int>(status),
            .next_s = next_s(bytes.substr(blank_line, size - blank_line))};
}

// Reads CONNACK or PUBACK, the only packets that a publisher receives. Each of the two has four
// bytes.
Answer read_mqtt(std::string_view bytes) {
    constexpr size_t size = 4;
    if (bytes.size() < size) return {};
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    if (byte(1) != size - 2) return broken();
    if (byte(0) == 0x20 && byte(3) == 0) return {.kind = Answer::Kind::connected, .bytes = size};
    if (byte(0) == 0x20) return broken(byte(3));
    if (byte(0) != 0x40) return broken();
    return {.kind = Answer::Kind::taken,
            .bytes = size,
            .packet_id = static_cast<uint16_t>(byte(2) << 8 | byte(3))};
}

}  // namespace

std::string make_body(Shape shape, size_t body_bytes) {
    constexpr std::string_view comment = R"(,"comment":")";
    std::string body(shape == Shape::flat ? flat_report : nested_report);
    if (body.size() + comment.size() + 2 < body_bytes) {
        body += comment;
        body.resize(body_bytes - 2, 'x');
        body += '"';
    }
    return body + '}';
}

std::string make_batch(std::string_view body, size_t reports) {
    std::string batch = "[";
    for (size_t report = 0; report < reports; ++report) {
        if (report > 0) batch += ',';
        batch += body;
    }
    return batch + ']';
}

Message::Message(const Http& http, std::string_view body)
    : bytes_(fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Mikrotik/7.x Fetch\r\n"
                         "Content-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}",
                         http.path, http.host, http.close ? "Connection: close\r\n" : "",
                         body.size(), body)) {
    find_marks();
}

Message::Message(Mqtt, std::string_view body) {
    const std::string topic = mqtt_text("checkins/" + std::string(serial_mark));
    bytes_ = "\x32" + mqtt_length(topic.size() + 2 + body.size()) + topic;
    packet_id_at_ = bytes_.size();
    bytes_ += two_bytes(0);
    bytes_ += body;
    find_marks();
}

void Message::find_marks() {
    serial_ends_ = ends_of(bytes_, serial_mark);
    sequence_ends_ = ends_of(bytes_, sequence_mark);
}

void Message::append_to(std::string& out, uint64_t number, uint16_t packet_id) const {
    const size_t begin = out.size();
    out += bytes_;
    char* message = out.data() + begin;
    for (const size_t end : serial_ends_)
        write_digits(message + end, number % routers, serial_digits);
    uint64_t sequence = number * sequence_ends_.size();
    for (const size_t end : sequence_ends_)
        write_digits(message + end, sequence++, sequence_digits);
    if (packet_id_at_ > 0) {
        message[packet_id_at_] = static_cast<char>(packet_id >> 8);
        message[packet_id_at_ + 1] = static_cast<char>(packet_id);
    }
}

std::string mqtt_connect(std::string_view client_id) {
    const std::string body = mqtt_text("MQTT") + "\x04\x02" + two_bytes(0) + mqtt_text(client_id);
    return "\x10" + mqtt_length(body.size()) + body;
}

Answer read_answer(Protocol protocol, std::string_view bytes) {
    return protocol == Protocol::http ? read_http(bytes) : read_mqtt(bytes);
}

}  // namespace rollcall::load
