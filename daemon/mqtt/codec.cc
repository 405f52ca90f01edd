#include "daemon/mqtt/codec.h"

#include <algorithm>

#include "pipeline/base/utf8.h"

namespace rollcall::mqtt {

namespace {

constexpr uint8_t qos_max = 2;

// The bits of the byte that CONNECT says with what follows in it.
namespace connect_flag {
constexpr uint8_t reserved = 0x01;
constexpr uint8_t clean_start = 0x02;
constexpr uint8_t will = 0x04;
constexpr uint8_t will_qos_shift = 3;
constexpr uint8_t will_retain = 0x20;
constexpr uint8_t password = 0x40;
constexpr uint8_t username = 0x80;
}  // namespace connect_flag

// Seven bits a byte, the lowest first, at most four bytes; the highest bit says that another
// follows (section 2.2.3; 1.5.5 of 5.0).
struct Length {
    size_t value;
    size_t bytes;  // That it is written in.

    [[nodiscard]] bool shortest() const { return bytes == 1 || value >> 7 * (bytes - 1) > 0; }
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

// A packet without its fixed header, read from the front. What is wrong is remembered, the first
// thing only, and all values are empty from there on: ask once, when all is read.
class Reader {
public:
    explicit Reader(std::string_view body) : rest_(body) {}

    [[nodiscard]] bool good() const { return !fault_; }
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    void wrong(Code code) {
        if (!fault_) fault_ = code;
        rest_ = {};
    }
    void require(bool condition, Code otherwise = Code::mqtt_malformed) {
        if (!condition) wrong(otherwise);
    }
    // The content, if all was read and nothing was wrong.
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
        const bool whole = length && *length && (*length)->shortest();  // [MQTT5-1.5.5-1]
        require(whole);
        if (!whole) return 0;
        take((*length)->bytes);
        return (*length)->value;
    }

    // Length-prefixed bytes, whatever they are.
    std::string_view binary() { return take(two()); }

    // Length-prefixed UTF-8 without U+0000 [MQTT-1.5.3-1, MQTT-1.5.3-2] [MQTT5-1.5.4-1, -2].
    std::string_view text() {
        const std::string_view text = binary();
        require(utf8_valid(text) && !text.contains('\0'));
        return text;
    }

    // Not 0 [MQTT-2.3.1-1] [MQTT5-2.2.1-3].
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

using Content = decltype(Packet::content);

// Wildcards are for filters [MQTT-4.7.1-1].
bool has_wildcard(std::string_view topic) { return topic.find_first_of("+#") != topic.npos; }

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

// --- properties of 5.0 ---

enum class Form : uint8_t { flag, two, four, length, text, binary, pair };

// Packets that have properties, as a set.
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

struct PropertyInfo {
    PropertyId id;
    Form form;
    uint16_t packets;
};

constexpr PropertyInfo properties_table[] = {
#define PROPERTY(id, name, form, packets)       \
    {PropertyId::name, Form::form, [] {         \
         using namespace in;                    \
         return static_cast<uint16_t>(packets); \
     }()},
#include "daemon/mqtt/properties.def"
#undef PROPERTY
};

// Of what came: numbers and texts by id.
class Properties {
public:
    [[nodiscard]] bool has(PropertyId id) const { return seen_ >> index(id) & 1; }
    [[nodiscard]] uint32_t number(PropertyId id, uint32_t otherwise) const {
        return has(id) ? numbers_[index(id)] : otherwise;
    }
    [[nodiscard]] std::string_view content_type() const { return content_type_; }

    // [MQTT5-2.2.2-1]
    void read(Reader& reader, uint16_t packet) {
        Reader list(reader.take(reader.length()));
        while (reader.good() && !list.empty()) {
            const size_t id = list.length();
            const auto* const known = std::ranges::find(properties_table, id, [](const auto& info) {
                return static_cast<size_t>(info.id);
            });
            if (known == std::end(properties_table) || !(known->packets & packet))
                return reader.wrong(Code::mqtt_malformed);
            if (has(known->id) && known->form != Form::pair)
                return reader.wrong(Code::mqtt_protocol_error);
            seen_ |= uint64_t{1} << index(known->id);
            numbers_[index(known->id)] = value(list, *known);
            if (!list.good()) return reader.wrong(Code::mqtt_malformed);
        }
    }

private:
    static size_t index(PropertyId id) { return static_cast<size_t>(id); }

    uint32_t value(Reader& list, const PropertyInfo& info) {
        std::string_view text;
        switch (info.form) {
            case Form::flag: return list.byte();
            case Form::two: return list.two();
            case Form::four: return list.four();
            case Form::length: return static_cast<uint32_t>(list.length());
            case Form::text: text = list.text(); break;
            case Form::binary: list.binary(); break;
            case Form::pair: list.text(), list.text(); break;
        }
        if (info.id == PropertyId::content_type) content_type_ = text;
        if (info.id == PropertyId::response_topic) list.require(!has_wildcard(text));
        return 0;
    }

    static constexpr size_t ids = 40;
    uint64_t seen_ = 0;
    std::array<uint32_t, ids> numbers_{};
    std::string_view content_type_;
};

// What a number must not be, wherever it is allowed; the alias 0 is judged by the session.
void check_numbers(Reader& reader, const Properties& properties) {
    for (const auto& [id, form, packets] : properties_table) {
        const uint32_t number = properties.number(id, 1);
        const bool flag_is_one = form != Form::flag || number <= 1;
        const bool zero_is_allowed = id != PropertyId::receive_maximum &&
                                     id != PropertyId::maximum_packet_size &&
                                     id != PropertyId::subscription_identifier;
        reader.require(flag_is_one && (number != 0 || zero_is_allowed), Code::mqtt_protocol_error);
    }
}

Properties read_properties(Reader& reader, Version version, uint16_t packet) {
    Properties properties;
    if (version != Version::v5) return properties;
    properties.read(reader, packet);
    check_numbers(reader, properties);
    return properties;
}

// --- packets ---

// [MQTT-3.1.2-3, -13, -14, -15] [MQTT5-3.1.2-3, -11, -12, -13]
bool consistent(uint8_t flags) {
    const unsigned will_qos = flags >> connect_flag::will_qos_shift & 3u;
    if (flags & connect_flag::reserved || will_qos > qos_max) return false;
    return flags & connect_flag::will || (will_qos == 0 && !(flags & connect_flag::will_retain));
}

Will read_will(Reader& reader, Version version, uint8_t flags) {
    Will will;
    const Properties properties = read_properties(reader, version, in::will);
    will.delay_s = properties.number(PropertyId::will_delay_interval, 0);
    will.topic = reader.text();
    reader.require(!will.topic.empty() && !has_wildcard(will.topic));  // [MQTT-4.7.3-1]
    will.payload = reader.binary();
    will.qos = flags >> connect_flag::will_qos_shift & 3u;
    will.retain = flags & connect_flag::will_retain;
    return will;
}

Result<Content> parse_connect(std::string_view body) {
    Reader reader(body);
    const std::string_view protocol = reader.text();
    const uint8_t level = reader.byte();
    reader.require(!reader.good() || protocol == "MQTT", Code::mqtt_unsupported);
    if (!reader.good()) return reader.finish(Connect{});
    if (level != static_cast<uint8_t>(Version::v3_1_1) &&
        level != static_cast<uint8_t>(Version::v5))
        return ConnectOtherVersion{level};

    Connect connect;
    connect.version = static_cast<Version>(level);
    const uint8_t flags = reader.byte();
    reader.require(consistent(flags));
    // [MQTT-3.1.2-22]; in 5.0 a token may come alone.
    reader.require(connect.version == Version::v5 || flags & connect_flag::username ||
                   !(flags & connect_flag::password));
    connect.clean_start = flags & connect_flag::clean_start;
    connect.keep_alive_s = reader.two();
    const Properties properties = read_properties(reader, connect.version, in::connect);
    connect.session_expiry_s = properties.number(PropertyId::session_expiry_interval, 0);
    connect.packet_bytes_max = properties.number(PropertyId::maximum_packet_size, UINT32_MAX);
    connect.wants_reasons = properties.number(PropertyId::request_problem_information, 1) != 0;
    connect.wants_authentication = properties.has(PropertyId::authentication_method);
    // Section 3.1.2.11.10 of 5.0: the data are part of the method.
    reader.require(connect.wants_authentication || !properties.has(PropertyId::authentication_data),
                   Code::mqtt_protocol_error);
    connect.client_id = reader.text();
    if (flags & connect_flag::will) connect.will = read_will(reader, connect.version, flags);
    if (flags & connect_flag::username) connect.username = reader.text();
    if (flags & connect_flag::password) connect.password = reader.binary();
    return reader.finish(connect);
}

Result<Content> parse_publish(uint8_t flags, std::string_view body, Version version) {
    Reader reader(body);
    Publish publish;
    publish.retain = flags & 1;
    publish.qos = flags >> 1 & 3;
    publish.dup = flags & 8;
    publish.topic = reader.text();
    reader.require(!has_wildcard(publish.topic));                 // [MQTT-3.3.2-2]
    if (publish.qos > 0) publish.packet_id = reader.packet_id();  // [MQTT-2.3.1-5]
    const Properties properties = read_properties(reader, version, in::publish);
    if (properties.has(PropertyId::topic_alias))
        publish.topic_alias = static_cast<uint16_t>(properties.number(PropertyId::topic_alias, 0));
    publish.content_type = properties.content_type();
    // [MQTT-4.7.3-1]
    reader.require(!publish.topic.empty() || publish.topic_alias,
                   version == Version::v5 ? Code::mqtt_protocol_error : Code::mqtt_malformed);
    publish.payload = reader.rest();
    return reader.finish(publish);
}

// Sections 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1, 3.14.2.1, and 3.15.2.1 of 5.0.
bool may_say(Type type, uint8_t reason) {
    const auto among = [reason](std::string_view reasons) {
        return reasons.contains(static_cast<char>(reason));
    };
    using namespace std::string_view_literals;
    switch (type) {
        case Type::puback:
        case Type::pubrec: return among("\x00\x10\x80\x83\x87\x90\x91\x97\x99"sv);
        case Type::pubrel:
        case Type::pubcomp: return among("\x00\x92"sv);
        case Type::disconnect:
            return among("\x00\x04\x80\x81\x82\x83\x90\x93\x94\x95\x96\x97\x98\x99"sv);
        default: return among("\x00\x18\x19"sv);
    }
}

// What ends most packets of 5.0: a reason and properties, each of which may be left out.
struct Ending {
    Reason reason = Reason::success;
    Properties properties;
};
Ending read_ending(Reader& reader, Version version, Type type, uint16_t packet) {
    Ending ending;
    if (version != Version::v5 || reader.empty()) return ending;
    const uint8_t reason = reader.byte();
    reader.require(may_say(type, reason));
    ending.reason = static_cast<Reason>(reason);
    if (!reader.empty()) ending.properties = read_properties(reader, version, packet);
    return ending;
}

Result<Content> parse_acknowledgement(Type type, std::string_view body, Version version) {
    Reader reader(body);
    const Acknowledgement acknowledgement{type, reader.packet_id()};
    read_ending(reader, version, type, in::acknowledgement);
    return reader.finish(acknowledgement);
}

// Has a character, and wildcards where they may be [MQTT-4.7.1-2, -3] [MQTT-4.7.3-1].
bool is_filter(std::string_view filter) {
    if (filter.empty()) return false;
    Levels levels(filter);
    while (levels.any()) {
        const std::string_view level = levels.next();
        if (level == "#" ? levels.any() : level != "+" && has_wildcard(level)) return false;
    }
    return true;
}

// The options behind a filter (section 3.8.3.1 of 5.0).
void check_options(Reader& reader, std::string_view filter, Version version) {
    const uint8_t options = reader.byte();
    const bool is_5 = version == Version::v5;
    const unsigned qos = options & 3u;
    const unsigned retain_handling = options >> 4 & 3u;
    const bool no_local = options & 4;
    reader.require(options <= (is_5 ? 0x3F : 3));  // [MQTT-3.8.3-4] [MQTT5-3.8.3-5]
    reader.require(qos <= qos_max && retain_handling <= 2 &&
                       !(no_local && filter.starts_with("$share/")),  // [MQTT5-3.8.3-4]
                   Code::mqtt_protocol_error);
}

Result<Content> parse_subscribe(std::string_view body, Version version) {
    Reader reader(body);
    Subscribe subscribe{reader.packet_id(), 0};
    read_properties(reader, version, in::subscribe);
    while (reader.good() && !reader.empty()) {
        const std::string_view filter = reader.text();
        reader.require(is_filter(filter));
        check_options(reader, filter, version);
        ++subscribe.filters;
    }
    reader.require(subscribe.filters > 0, Code::mqtt_protocol_error);  // [MQTT-3.8.3-3]
    return reader.finish(subscribe);
}

Result<Content> parse_unsubscribe(std::string_view body, Version version) {
    Reader reader(body);
    Unsubscribe unsubscribe{reader.packet_id(), 0};
    read_properties(reader, version, in::unsubscribe);
    while (reader.good() && !reader.empty()) {
        reader.require(is_filter(reader.text()));
        ++unsubscribe.filters;
    }
    reader.require(unsubscribe.filters > 0, Code::mqtt_protocol_error);  // [MQTT-3.10.3-2]
    return reader.finish(unsubscribe);
}

Result<Content> parse_disconnect(std::string_view body, Version version) {
    Reader reader(body);
    const Ending ending = read_ending(reader, version, Type::disconnect, in::disconnect);
    Disconnect disconnect{ending.reason, std::nullopt};
    if (ending.properties.has(PropertyId::session_expiry_interval))
        disconnect.session_expiry_s =
            ending.properties.number(PropertyId::session_expiry_interval, 0);
    return reader.finish(disconnect);
}

Result<Content> parse_auth(std::string_view body, Version version) {
    Reader reader(body);
    read_ending(reader, version, Type::auth, in::auth);
    return reader.finish(Auth{});
}

// The first byte of a packet, taken apart; the flags of every type but PUBLISH are fixed
// [MQTT-2.2.2-2] [MQTT5-2.1.3-1].
struct First {
    Type type;
    uint8_t flags;

    [[nodiscard]] bool allowed(Version version) const {
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
            case Type::auth: return flags == 0 && version == Version::v5;
            case Type::connack:
            case Type::suback:
            case Type::unsuback:
            case Type::pingresp: return false;  // Only for servers to send.
        }
        return false;  // Reserved.
    }
};

Result<Content> parse_body(First first, std::string_view body, Version version) {
    switch (first.type) {
        case Type::connect: return parse_connect(body);
        case Type::publish: return parse_publish(first.flags, body, version);
        case Type::subscribe: return parse_subscribe(body, version);
        case Type::unsubscribe: return parse_unsubscribe(body, version);
        case Type::pingreq: return Reader(body).finish(Pingreq{});
        case Type::disconnect: return parse_disconnect(body, version);
        case Type::auth: return parse_auth(body, version);
        default: return parse_acknowledgement(first.type, body, version);
    }
}

// --- answers ---

void append_two(std::string& out, size_t number) {
    out += static_cast<char>(number >> 8);
    out += static_cast<char>(number);
}
void append_four(std::string& out, uint32_t number) {
    append_two(out, number >> 16);
    append_two(out, number & 0xFFFF);
}
void append_length(std::string& out, size_t length) {
    for (; length > 0x7F; length >>= 7) out += static_cast<char>(0x80 | (length & 0x7F));
    out += static_cast<char>(length);
}
void append_text(std::string& out, std::string_view text) {
    append_two(out, text.size());
    out += text;
}

std::string packet(Type type, uint8_t flags, std::string_view body) {
    std::string bytes(1, static_cast<char>(static_cast<uint8_t>(type) << 4 | flags));
    append_length(bytes, body.size());
    bytes += body;
    return bytes;
}

char byte_of(Reason reason) { return static_cast<char>(reason); }

// Section 3.2.2.3 of 3.1.1.
char return_code(Reason reason) {
    switch (reason) {
        case Reason::success: return 0;
        case Reason::unsupported_protocol_version: return 1;
        case Reason::client_identifier_not_valid: return 2;
        case Reason::bad_user_name_or_password: return 4;
        case Reason::not_authorized: return 5;
        default: return 3;  // Server unavailable.
    }
}

// Ids that only a server says; the others are in the table.
namespace server_property {
constexpr char assigned_client_identifier = 18;
constexpr char server_keep_alive = 19;
}  // namespace server_property

void append_id(std::string& out, PropertyId id) { out += static_cast<char>(id); }

std::string written(const ServerProperties& properties) {
    std::string out;
    if (properties.session_expiry_s) {
        append_id(out, PropertyId::session_expiry_interval);
        append_four(out, *properties.session_expiry_s);
    }
    if (properties.receive_max < UINT16_MAX) {
        append_id(out, PropertyId::receive_maximum);
        append_two(out, properties.receive_max);
    }
    append_id(out, PropertyId::maximum_packet_size);
    append_four(out, properties.packet_bytes_max);
    if (!properties.assigned_client_id.empty()) {
        out += server_property::assigned_client_identifier;
        append_text(out, properties.assigned_client_id);
    }
    if (properties.topic_alias_max > 0) {
        append_id(out, PropertyId::topic_alias_maximum);
        append_two(out, properties.topic_alias_max);
    }
    if (properties.keep_alive_s) {
        out += server_property::server_keep_alive;
        append_two(out, *properties.keep_alive_s);
    }
    return out;
}

// Properties that are no more than words for a person.
void append_words(std::string& out, std::string_view words) {
    std::string property;
    append_id(property, PropertyId::reason_string);
    append_text(property, words);
    append_length(out, property.size());
    out += property;
}

std::string reasons(Type type, Version version, uint16_t packet_id, size_t filters,
                    std::string_view reason) {
    std::string body;
    append_two(body, packet_id);
    if (version == Version::v5) body += '\0';  // No properties.
    for (size_t i = 0; i < filters; ++i) body += reason;
    return packet(type, 0, body);
}

}  // namespace

Result<std::optional<Packet>> parse(std::string_view bytes, size_t packet_bytes_max,
                                    Version version) {
    if (bytes.empty()) return std::nullopt;
    const First first{static_cast<Type>(static_cast<uint8_t>(bytes[0]) >> 4),
                      static_cast<uint8_t>(bytes[0] & 0x0F)};
    if (!first.allowed(version)) return fail(Code::mqtt_malformed);

    const auto parsed = parse_length(bytes.substr(1));
    if (!parsed) return std::unexpected(parsed.error());
    const std::optional<Length>& length = *parsed;
    if (!length) return std::nullopt;
    if (!length->shortest() && version == Version::v5) return fail(Code::mqtt_malformed);
    const size_t head_bytes = 1 + length->bytes;
    const size_t packet_bytes = head_bytes + length->value;
    if (packet_bytes > packet_bytes_max) return fail(Code::mqtt_too_large);
    if (bytes.size() < packet_bytes) return std::nullopt;

    auto content = parse_body(first, bytes.substr(head_bytes, length->value), version);
    if (!content) return std::unexpected(content.error());
    const auto* const connect = std::get_if<Connect>(&*content);
    if (!length->shortest() && connect && connect->version == Version::v5)
        return fail(Code::mqtt_malformed);
    return Packet{packet_bytes, *content};
}

std::optional<Version> version_named(std::string_view bytes) {
    constexpr std::string_view protocol("\0\4MQTT", 6);
    if (bytes.empty() || static_cast<Type>(static_cast<uint8_t>(bytes[0]) >> 4) != Type::connect)
        return std::nullopt;
    const auto length = parse_length(bytes.substr(1));
    if (!length || !*length) return std::nullopt;
    const std::string_view body = bytes.substr(1 + (*length)->bytes);
    if (!body.starts_with(protocol) || body.size() == protocol.size()) return std::nullopt;
    const auto version = static_cast<Version>(body[protocol.size()]);
    return version == Version::v3_1_1 || version == Version::v5 ? std::optional(version)
                                                                : std::nullopt;
}

std::string connack(Version version, bool session_present, const ServerProperties& properties) {
    std::string body(1, static_cast<char>(session_present));
    body += byte_of(Reason::success);
    if (version == Version::v5) {
        const std::string list = written(properties);
        append_length(body, list.size());
        body += list;
    }
    return packet(Type::connack, 0, body);
}

std::string refusing_connack(Version version, Reason reason, std::string_view words) {
    std::string body(1, '\0');
    if (version == Version::v3_1_1) return packet(Type::connack, 0, body + return_code(reason));
    body += byte_of(reason);
    if (words.empty()) {
        append_length(body, 0);
    } else {
        append_words(body, words);
    }
    return packet(Type::connack, 0, body);
}

std::string acknowledgement(Version version, Type type, uint16_t packet_id, Reason reason,
                            std::string_view words) {
    std::string body;
    append_two(body, packet_id);
    if (version == Version::v5 && reason != Reason::success) {
        body += byte_of(reason);
        if (!words.empty()) append_words(body, words);
    }
    return packet(type, type == Type::pubrel ? 2 : 0, body);
}

std::string suback(Version version, uint16_t packet_id, size_t filters, Reason reason) {
    const char failure = static_cast<char>(0x80);  // All that 3.1.1 can say.
    const char said = version == Version::v5 ? byte_of(reason) : failure;
    return reasons(Type::suback, version, packet_id, filters, {&said, 1});
}

std::string unsuback(Version version, uint16_t packet_id, size_t filters, Reason reason) {
    const char said = byte_of(reason);
    const std::string_view each = version == Version::v5 ? std::string_view(&said, 1) : "";
    return reasons(Type::unsuback, version, packet_id, filters, each);
}

std::string disconnect(Reason reason, std::string_view words) {
    std::string body(1, byte_of(reason));
    if (!words.empty()) append_words(body, words);
    return packet(Type::disconnect, 0, body);
}

std::string pingresp() { return packet(Type::pingresp, 0, {}); }

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
