#include "daemon/mqtt_codec.h"

#include <algorithm>

#include "pipeline/utf8.h"

namespace rollcall::mqtt {

namespace {

// Types of control packets (section 2.2.1); those that only a server sends are left out.
enum class Type : uint8_t {
    connect = 1,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    unsubscribe = 10,
    pingreq = 12,
    disconnect = 14,
};

constexpr uint8_t qos_max = 2;
constexpr uint8_t protocol_level_3_1_1 = 4;

// The bits of the byte that CONNECT says with what follows in it.
namespace connect_flag {
constexpr uint8_t reserved = 0x01;
constexpr uint8_t clean_session = 0x02;
constexpr uint8_t will = 0x04;
constexpr uint8_t will_qos_shift = 3;
constexpr uint8_t will_retain = 0x20;
constexpr uint8_t password = 0x40;
constexpr uint8_t username = 0x80;
}  // namespace connect_flag

// A packet without its fixed header, read from the front. Reading past its end, or a text that is
// none, gives empty values and makes it malformed for good: ask once, when all is read.
class Reader {
public:
    explicit Reader(std::string_view body) : rest_(body) {}

    [[nodiscard]] bool malformed() const { return malformed_; }
    // All was read, and all was well-formed.
    [[nodiscard]] bool complete() const { return !malformed_ && rest_.empty(); }

    uint8_t byte() {
        const std::string_view taken = take(1);
        return taken.empty() ? uint8_t{0} : static_cast<uint8_t>(taken[0]);
    }

    uint16_t number() {
        const uint8_t high = byte();
        return static_cast<uint16_t>(high << 8 | byte());
    }

    // Length-prefixed bytes, whatever they are.
    std::string_view binary() { return take(number()); }

    // Length-prefixed UTF-8 without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2].
    std::string_view text() {
        const std::string_view text = binary();
        if (!utf8_valid(text) || text.contains('\0')) malformed_ = true;
        return text;
    }

    // Wildcards are for filters [MQTT-4.7.1-1], and a topic has a character [MQTT-4.7.3-1].
    std::string_view topic() {
        const std::string_view topic = text();
        if (topic.empty() || topic.find_first_of("+#") != topic.npos) malformed_ = true;
        return topic;
    }

    std::string_view rest() { return take(rest_.size()); }

private:
    std::string_view take(size_t count) {
        if (count > rest_.size()) {
            malformed_ = true;
            count = 0;
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    std::string_view rest_;
    bool malformed_ = false;
};

using Content = decltype(Packet::content);

// [MQTT-3.1.2-3, -13, -14, -15, -22]
bool consistent(uint8_t flags) {
    const unsigned will_qos = flags >> connect_flag::will_qos_shift & 3u;
    if (flags & connect_flag::reserved || will_qos > qos_max) return false;
    if (!(flags & connect_flag::will) && (will_qos > 0 || flags & connect_flag::will_retain))
        return false;
    return flags & connect_flag::username || !(flags & connect_flag::password);
}

Result<Content> parse_connect(std::string_view body) {
    Reader reader(body);
    const std::string_view protocol = reader.text();
    const uint8_t level = reader.byte();
    if (reader.malformed()) return fail(Code::mqtt_malformed);
    if (protocol != "MQTT") return fail(Code::mqtt_unsupported);  // [MQTT-3.1.2-1]
    if (level != protocol_level_3_1_1) return ConnectOtherVersion{level};

    const uint8_t flags = reader.byte();
    if (!consistent(flags)) return fail(Code::mqtt_malformed);
    Connect connect;
    connect.clean_session = flags & connect_flag::clean_session;
    connect.keep_alive_s = reader.number();
    connect.client_id = reader.text();
    if (flags & connect_flag::will) {
        Will& will = connect.will.emplace();
        will.topic = reader.topic();
        will.payload = reader.binary();
        will.qos = flags >> connect_flag::will_qos_shift & 3u;
        will.retain = flags & connect_flag::will_retain;
    }
    if (flags & connect_flag::username) connect.username = reader.text();
    if (flags & connect_flag::password) connect.password = reader.binary();
    if (!reader.complete()) return fail(Code::mqtt_malformed);
    return connect;
}

Result<Content> parse_publish(uint8_t flags, std::string_view body) {
    Reader reader(body);
    Publish publish;
    publish.retain = flags & 1;
    publish.qos = flags >> 1 & 3;
    publish.dup = flags & 8;
    publish.topic = reader.topic();
    if (publish.qos > 0) {  // [MQTT-2.3.1-1, MQTT-2.3.1-5]
        publish.packet_id = reader.number();
        if (publish.packet_id == 0) return fail(Code::mqtt_malformed);
    }
    publish.payload = reader.rest();
    if (!reader.complete()) return fail(Code::mqtt_malformed);
    return publish;
}

// The first byte of a packet, taken apart; the flags of every type but PUBLISH are fixed
// [MQTT-2.2.2-2].
struct First {
    Type type;
    uint8_t flags;

    [[nodiscard]] bool allowed() const {
        switch (type) {
            case Type::publish: {
                const int qos = flags >> 1 & 3;
                const bool dup = flags & 8;
                return qos <= qos_max && (qos > 0 || !dup);  // [MQTT-3.3.1-4, MQTT-3.3.1-2]
            }
            case Type::pubrel:
            case Type::subscribe:
            case Type::unsubscribe: return flags == 2;
            case Type::connect:
            case Type::puback:
            case Type::pubrec:
            case Type::pubcomp:
            case Type::pingreq:
            case Type::disconnect: return flags == 0;
        }
        return false;  // Reserved, or only for servers to send.
    }
};

Result<Content> parse_body(First first, std::string_view body) {
    switch (first.type) {
        case Type::connect: return parse_connect(body);
        case Type::publish: return parse_publish(first.flags, body);
        case Type::pingreq:
        case Type::disconnect:
            if (!body.empty()) return fail(Code::mqtt_malformed);
            if (first.type == Type::pingreq) return Pingreq{};
            return Disconnect{};
        default: return Unsupported{static_cast<uint8_t>(first.type)};
    }
}

// How long the rest of a packet is: seven bits a byte, the lowest first, at most four bytes; the
// highest bit says that another follows (section 2.2.3).
struct Length {
    size_t value;
    size_t bytes;  // That it is written in.
};

Result<std::optional<Length>> parse_length(std::string_view bytes) {
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

// The levels of a topic or filter, one after the other: "a//b" is "a", "" and "b".
class Levels {
public:
    explicit Levels(std::string_view text) : text_(text) {}

    [[nodiscard]] bool any() const { return at_ <= text_.size(); }
    std::string_view next() {
        const std::string_view level = text_.substr(at_, text_.find('/', at_) - at_);
        at_ += level.size() + 1;
        return level;
    }

private:
    std::string_view text_;
    size_t at_ = 0;
};

}  // namespace

Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max) {
    if (bytes.empty()) return std::nullopt;
    const First first{static_cast<Type>(static_cast<uint8_t>(bytes[0]) >> 4),
                      static_cast<uint8_t>(bytes[0] & 0x0F)};
    if (!first.allowed()) return fail(Code::mqtt_malformed);

    const auto parsed = parse_length(bytes.substr(1));
    if (!parsed) return std::unexpected(parsed.error());
    const std::optional<Length>& length = *parsed;
    if (!length) return std::nullopt;
    const size_t head_bytes = 1 + length->bytes;
    const size_t packet_bytes = head_bytes + length->value;
    if (packet_bytes > packet_bytes_max) return fail(Code::mqtt_too_large);
    if (bytes.size() < packet_bytes) return std::nullopt;

    auto content = parse_body(first, bytes.substr(head_bytes, length->value));
    if (!content) return std::unexpected(content.error());
    return Packet{packet_bytes, *content};
}

bool matches(std::string_view filter, std::string_view topic) {
    // Topics that begin with $ are the server's own [MQTT-4.7.2-1].
    if (topic.starts_with('$') && !filter.starts_with('$')) return false;
    Levels wanted(filter);
    Levels given(topic);
    while (wanted.any()) {
        const std::string_view level = wanted.next();
        if (level == "#") return !wanted.any();  // The rest of the topic, even if there is none.
        if (!given.any()) return false;
        const std::string_view here = given.next();
        if (level != "+" && level != here) return false;
    }
    return !given.any();
}

std::string_view level_at_plus(std::string_view filter, std::string_view topic) {
    Levels wanted(filter);
    Levels given(topic);
    while (wanted.any() && given.any()) {
        const bool here = wanted.next() == "+";
        const std::string_view level = given.next();
        if (here) return level;
    }
    return {};
}

}  // namespace rollcall::mqtt
