#include "daemon/mqtt_codec.h"

#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <memory>
#include <string>

#include "tests/support/random.h"

using namespace rollcall;
using namespace rollcall::mqtt;
using namespace std::string_literals;

namespace {

constexpr size_t no_limit = 1 << 30;

std::string number(size_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string text(std::string_view bytes) { return number(bytes.size()) + std::string(bytes); }

// A packet of less than 128 bytes after its fixed header.
std::string packet(int first_byte, const std::string& body) {
    BOOST_REQUIRE_LT(body.size(), 128u);
    return std::string{static_cast<char>(first_byte), static_cast<char>(body.size())} + body;
}

// A CONNECT with these flags, keep-alive 60, and this payload.
std::string connect(int flags, const std::string& payload) {
    return packet(0x10, text("MQTT") + "\x04"s + static_cast<char>(flags) + number(60) + payload);
}

std::string publish(int flags, const std::string& body) { return packet(0x30 | flags, body); }

// Everything that a CONNECT may carry.
std::string full_connect() {
    return connect(0xF6, text("client") + text("will/topic") + text("gone") + text("user") +
                             text("secret\0\xFF"s));
}

Result<std::optional<Packet>> parse_all(std::string_view bytes) { return parse(bytes, no_limit); }

// The content of a packet that must be well-formed and as long as the bytes, in which its views
// lie.
template <class Content>
Content taken(const std::string& bytes) {
    const auto result = parse_all(bytes);
    BOOST_REQUIRE(result.has_value());
    BOOST_REQUIRE(result->has_value());
    BOOST_TEST((*result)->bytes == bytes.size());
    BOOST_REQUIRE(std::holds_alternative<Content>((*result)->content));
    return std::get<Content>((*result)->content);
}

bool refused(std::string_view bytes, Code code = Code::mqtt_malformed) {
    const auto result = parse_all(bytes);
    return !result && result.error().code == code;
}

bool incomplete(std::string_view bytes) {
    const auto result = parse_all(bytes);
    return result && !*result;
}

std::string_view view(const auto& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(mqtt_codec)

// --- fixed header ---

BOOST_AUTO_TEST_CASE(every_beginning_of_a_packet_needs_more) {
    for (const std::string& whole :
         {full_connect(), connect(0x02, text("")), publish(0x0B, text("a/b") + number(7) + "{}"),
          packet(0xC0, ""), packet(0xE0, ""), packet(0x82, number(1) + text("a") + "\0"s)}) {
        for (size_t size = 0; size < whole.size(); ++size)
            BOOST_TEST(incomplete(whole.substr(0, size)), "at " << size);
        BOOST_TEST(!incomplete(whole));
    }
}

BOOST_AUTO_TEST_CASE(a_packet_ends_where_its_length_says_and_the_next_one_follows) {
    const std::string first = publish(0x00, text("a") + "{}");
    const std::string both = first + packet(0xC0, "");
    const auto result = parse_all(both);
    BOOST_REQUIRE(result.has_value());
    BOOST_REQUIRE(result->has_value());
    BOOST_TEST((*result)->bytes == first.size());
    BOOST_TEST(std::get<Publish>((*result)->content).payload == "{}");
}

BOOST_AUTO_TEST_CASE(types_that_no_client_sends_are_refused_at_their_first_byte) {
    for (const int type : {0, 2, 9, 11, 13, 15})  // Reserved, CONNACK, SUBACK, UNSUBACK, PINGRESP.
        for (int flags = 0; flags < 16; ++flags) {
            const char byte = static_cast<char>(type << 4 | flags);
            BOOST_TEST(refused({&byte, 1}), "type " << type << " flags " << flags);
        }
}

// [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1]
BOOST_AUTO_TEST_CASE(other_flags_than_those_of_the_type_are_refused_at_the_first_byte) {
    for (const int type : {1, 4, 5, 6, 7, 8, 10, 12, 14})
        for (int flags = 0; flags < 16; ++flags) {
            const int wanted = type == 6 || type == 8 || type == 10 ? 2 : 0;
            const char byte = static_cast<char>(type << 4 | flags);
            BOOST_TEST(refused({&byte, 1}) == (flags != wanted),
                       "type " << type << " flags " << flags);
        }
}

BOOST_AUTO_TEST_CASE(lengths_of_one_to_four_bytes_are_read_lowest_bits_first) {
    const auto needs = [](const std::string& length, size_t value) {
        const size_t whole = 1 + length.size() + value;
        const std::string head = "\x30" + length;
        return incomplete(head) && parse(head, whole).has_value() &&
               !parse(head, whole - 1).has_value();
    };
    BOOST_TEST(needs("\x7F", 127));
    BOOST_TEST(needs("\x80\x01", 128));
    BOOST_TEST(needs("\xFF\x7F", 16'383));
    BOOST_TEST(needs("\x80\x80\x01", 16'384));
    BOOST_TEST(needs("\xFF\xFF\x7F", 2'097'151));
    BOOST_TEST(needs("\x80\x80\x80\x01", 2'097'152));
    BOOST_TEST(needs("\xFF\xFF\xFF\x7F", 268'435'455));
}

BOOST_AUTO_TEST_CASE(a_length_in_more_bytes_than_needed_is_the_same_length) {
    taken<Pingreq>("\xC0\x80\x80\x80\x00"s);
}

BOOST_AUTO_TEST_CASE(a_length_of_five_bytes_is_refused_at_the_fourth) {
    BOOST_TEST(incomplete("\x30\xFF\xFF\xFF"));
    BOOST_TEST(refused("\x30\xFF\xFF\xFF\x80"));
    BOOST_TEST(refused("\x30\x80\x80\x80\x80\x01"));
}

BOOST_AUTO_TEST_CASE(a_packet_past_the_limit_is_refused_before_its_body_arrives) {
    const std::string whole = publish(0x00, text("a") + std::string(50, 'x'));
    BOOST_TEST(parse(whole, whole.size())->has_value());
    const auto result = parse(whole.substr(0, 2), whole.size() - 1);
    BOOST_REQUIRE(!result);
    BOOST_TEST(to_text(result.error().code) == "mqtt_too_large");
}

// --- texts ---

// [MQTT-1.5.3-1]
BOOST_AUTO_TEST_CASE(texts_that_are_not_utf8_are_refused) {
    for (const std::string& bad :
         {"\xFF"s, "\x80"s, "\xC0\x80"s, "\xC3"s, "\xE0\x80\xAF"s, "\xED\xA0\x80"s, "\xED\xBF\xBF"s,
          "\xF4\x90\x80\x80"s, "\xF0\x9F\x98"s}) {
        BOOST_TEST(refused(publish(0, text(bad))));
        BOOST_TEST(refused(connect(0x02, text(bad))));
        BOOST_TEST(refused(connect(0x06, text("c") + text(bad) + text(""))));
        BOOST_TEST(refused(connect(0x82, text("c") + text(bad))));
    }
}

// [MQTT-1.5.3-2] [MQTT-4.7.3-2]
BOOST_AUTO_TEST_CASE(texts_with_the_character_nul_are_refused) {
    const std::string bad = "a\0b"s;
    BOOST_TEST(refused(publish(0, text(bad))));
    BOOST_TEST(refused(connect(0x02, text(bad))));
    BOOST_TEST(refused(connect(0x06, text("c") + text(bad) + text(""))));
    BOOST_TEST(refused(connect(0x82, text("c") + text(bad))));
}

// [MQTT-1.5.3-3]
BOOST_AUTO_TEST_CASE(a_byte_order_mark_stays_in_its_text) {
    const std::string bytes = publish(0, text("\xEF\xBB\xBFtopic"));
    BOOST_TEST(taken<Publish>(bytes).topic == "\xEF\xBB\xBFtopic");
}

// --- CONNECT ---

BOOST_AUTO_TEST_CASE(a_connect_gives_all_that_it_carries) {
    const std::string bytes = full_connect();
    const auto connect = taken<Connect>(bytes);
    BOOST_TEST(connect.client_id == "client");
    BOOST_TEST(connect.clean_session);
    BOOST_TEST(connect.keep_alive_s == 60);
    BOOST_REQUIRE(connect.will.has_value());
    BOOST_TEST(connect.will->topic == "will/topic");
    BOOST_TEST(connect.will->payload == "gone");
    BOOST_TEST(connect.will->qos == 2);
    BOOST_TEST(connect.will->retain);
    BOOST_TEST(connect.username.value() == "user");
    BOOST_TEST(connect.password.value() == "secret\0\xFF"s);
}

BOOST_AUTO_TEST_CASE(a_connect_gives_nothing_that_it_does_not_carry) {
    const std::string bytes = connect(0x00, text(""));
    const auto connect = taken<Connect>(bytes);
    BOOST_TEST(connect.client_id.empty());
    BOOST_TEST(!connect.clean_session);
    BOOST_TEST(!connect.will.has_value());
    BOOST_TEST(!connect.username.has_value());
    BOOST_TEST(!connect.password.has_value());
}

// [MQTT-3.1.2-1]
BOOST_AUTO_TEST_CASE(another_protocol_than_mqtt_is_not_supported) {
    for (const auto* name : {"MQIsdp", "mqtt", "HTTP", ""})
        BOOST_TEST(refused(packet(0x10, text(name) + "\x04\x02"s + number(60) + text("c")),
                           Code::mqtt_unsupported));
}

// [MQTT-3.1.2-2]
BOOST_AUTO_TEST_CASE(another_version_is_told_apart_and_not_looked_at_further) {
    for (const int level : {0, 3, 5, 0x84}) {
        const auto other = taken<ConnectOtherVersion>(
            packet(0x10, text("MQTT") + static_cast<char>(level) + "\xFFwhatever"));
        BOOST_TEST(other.protocol_level == level);
    }
}

// [MQTT-3.1.2-3]
BOOST_AUTO_TEST_CASE(the_reserved_connect_flag_is_refused) {
    BOOST_TEST(refused(connect(0x03, text("c"))));
}

// [MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15]
BOOST_AUTO_TEST_CASE(will_qos_and_will_retain_without_a_will_are_refused) {
    BOOST_TEST(refused(connect(0x0A, text("c"))));
    BOOST_TEST(refused(connect(0x12, text("c"))));
    BOOST_TEST(refused(connect(0x22, text("c"))));
}

// [MQTT-3.1.2-14]
BOOST_AUTO_TEST_CASE(will_qos_3_is_refused) {
    const std::string payload = text("c") + text("t") + text("gone");
    BOOST_TEST(taken<Connect>(connect(0x0E, payload)).will->qos == 1);
    BOOST_TEST(refused(connect(0x1E, payload)));
}

// [MQTT-3.1.2-9] [MQTT-3.1.2-19] [MQTT-3.1.2-21]
BOOST_AUTO_TEST_CASE(what_the_connect_flags_announce_must_be_there) {
    BOOST_TEST(refused(connect(0x02, "")));  // [MQTT-3.1.3-3]: the client id always is.
    BOOST_TEST(refused(connect(0x06, text("c"))));
    BOOST_TEST(refused(connect(0x06, text("c") + text("t"))));
    BOOST_TEST(refused(connect(0x82, text("c"))));
    BOOST_TEST(refused(connect(0xC2, text("c") + text("user"))));
}

// [MQTT-3.1.2-11] [MQTT-3.1.2-18] [MQTT-3.1.2-20]
BOOST_AUTO_TEST_CASE(bytes_that_the_connect_flags_do_not_announce_are_refused) {
    BOOST_TEST(refused(connect(0x02, text("c") + text("user"))));
    BOOST_TEST(refused(connect(0x82, text("c") + text("user") + text("secret"))));
    BOOST_TEST(refused(connect(0x06, text("c") + text("t") + text("gone") + "x")));
}

// [MQTT-3.1.2-22]
BOOST_AUTO_TEST_CASE(a_password_without_a_user_name_is_refused) {
    BOOST_TEST(refused(connect(0x42, text("c") + text("secret"))));
}

// [MQTT-4.7.1-1] [MQTT-4.7.3-1]
BOOST_AUTO_TEST_CASE(will_topics_that_are_empty_or_have_wildcards_are_refused) {
    for (const auto* topic : {"", "a/+", "#"})
        BOOST_TEST(refused(connect(0x06, text("c") + text(topic) + text("gone"))));
}

BOOST_AUTO_TEST_CASE(a_connect_cut_short_by_its_length_is_refused_wherever_it_is_cut) {
    const std::string body = full_connect().substr(2);
    for (size_t size = 0; size < body.size(); ++size)
        BOOST_TEST(refused(packet(0x10, body.substr(0, size))), "at " << size);
}

// --- PUBLISH ---

BOOST_AUTO_TEST_CASE(a_publish_gives_all_that_it_carries) {
    const std::string bytes = publish(0x0D, text("checkins/r1") + number(0xABCD) + "{\"a\":1}");
    const auto publish = taken<Publish>(bytes);
    BOOST_TEST(publish.topic == "checkins/r1");
    BOOST_TEST(publish.payload == "{\"a\":1}");
    BOOST_TEST(publish.qos == 2);
    BOOST_TEST(publish.retain);
    BOOST_TEST(publish.dup);
    BOOST_TEST(publish.packet_id == 0xABCD);
}

// [MQTT-2.3.1-5]
BOOST_AUTO_TEST_CASE(a_publish_with_qos_0_has_no_packet_id) {
    const std::string bytes = publish(0x00, text("a") + "\0\0payload"s);
    const auto publish = taken<Publish>(bytes);
    BOOST_TEST(publish.packet_id == 0);
    BOOST_TEST(publish.payload == "\0\0payload"s);
    BOOST_TEST(!publish.retain);
    BOOST_TEST(!publish.dup);
}

BOOST_AUTO_TEST_CASE(a_publish_may_have_no_payload_and_any_bytes_in_it) {
    const std::string without = publish(0x02, text("a") + number(1));
    BOOST_TEST(taken<Publish>(without).payload.empty());
    const std::string with = publish(0x00, text("a") + "\xFF\xFE"s);
    BOOST_TEST(taken<Publish>(with).payload == "\xFF\xFE");
}

// [MQTT-2.3.1-1]
BOOST_AUTO_TEST_CASE(packet_id_0_is_refused) {
    BOOST_TEST(refused(publish(0x02, text("a") + number(0))));
    BOOST_TEST(refused(publish(0x04, text("a") + number(0))));
}

BOOST_AUTO_TEST_CASE(a_publish_that_ends_within_its_topic_or_packet_id_is_refused) {
    for (const std::string& body : {""s, "\0"s, number(2) + "a", text("a") + "\1"s, text("a")})
        BOOST_TEST(refused(publish(0x02, body)));
}

// [MQTT-3.3.1-2]
BOOST_AUTO_TEST_CASE(dup_with_qos_0_is_refused) {
    BOOST_TEST(refused("\x38"));
    BOOST_TEST(incomplete("\x3A"));
}

// [MQTT-3.3.1-4]
BOOST_AUTO_TEST_CASE(qos_3_is_refused) {
    BOOST_TEST(refused("\x36"));
    BOOST_TEST(refused("\x3F"));
}

// [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.3-1]
BOOST_AUTO_TEST_CASE(topics_that_are_empty_or_have_wildcards_are_refused) {
    for (const auto* topic : {"", "+", "#", "a/+/b", "a/#", "a+", "a#b"})
        BOOST_TEST(refused(publish(0x00, text(topic))), topic);
    taken<Publish>(publish(0x00, text("/")));
    taken<Publish>(publish(0x00, text("$a")));
}

// --- the others ---

BOOST_AUTO_TEST_CASE(pingreq_and_disconnect_have_no_body) {
    taken<Pingreq>(packet(0xC0, ""));
    taken<Disconnect>(packet(0xE0, ""));
    BOOST_TEST(refused(packet(0xC0, "x")));
    BOOST_TEST(refused(packet(0xE0, "\0"s)));
}

BOOST_AUTO_TEST_CASE(packets_this_server_does_not_take_are_named_and_measured) {
    for (const int first_byte : {0x40, 0x50, 0x62, 0x70, 0x82, 0xA2})
        BOOST_TEST(taken<Unsupported>(packet(first_byte, number(1))).type == first_byte >> 4);
}

BOOST_AUTO_TEST_CASE(answers_are_the_bytes_of_the_standard) {
    BOOST_TEST(view(connack(false, ConnectReturn::accepted)) == "\x20\x02\x00\x00"s);
    BOOST_TEST(view(connack(true, ConnectReturn::accepted)) == "\x20\x02\x01\x00"s);
    BOOST_TEST(view(connack(false, ConnectReturn::not_authorized)) == "\x20\x02\x00\x05"s);
    BOOST_TEST(view(puback(0xABCD)) == "\x40\x02\xAB\xCD"s);
    BOOST_TEST(view(pingresp()) == "\xD0\x00"s);
}

// [MQTT-3.2.2-4]
BOOST_AUTO_TEST_CASE(a_refusal_never_says_that_a_session_is_present) {
    BOOST_TEST(view(connack(true, ConnectReturn::identifier_rejected)) == "\x20\x02\x00\x02"s);
}

// --- topics ---

BOOST_AUTO_TEST_CASE(a_filter_without_wildcards_matches_its_own_topic_alone) {
    BOOST_TEST(matches("a/b", "a/b"));
    BOOST_TEST(!matches("a/b", "a/B"));  // [MQTT-4.7.3-4]
    BOOST_TEST(!matches("a/b", "a"));
    BOOST_TEST(!matches("a/b", "a/b/"));
    BOOST_TEST(!matches("a/b", "/a/b"));
    BOOST_TEST(!matches("a/b", "a/bc"));
}

// [MQTT-4.7.1-3]
BOOST_AUTO_TEST_CASE(plus_matches_exactly_one_level) {
    BOOST_TEST(matches("+", "a"));
    BOOST_TEST(!matches("+", "/a"));
    BOOST_TEST(matches("/+", "/a"));
    BOOST_TEST(matches("+/+", "/a"));
    BOOST_TEST(matches("a/+", "a/"));
    BOOST_TEST(!matches("a/+", "a"));
    BOOST_TEST(!matches("a/+", "a/b/c"));
    BOOST_TEST(matches("a/+/c", "a/b/c"));
    BOOST_TEST(!matches("a/+/c", "a/b/d"));
}

// [MQTT-4.7.1-2]
BOOST_AUTO_TEST_CASE(hash_matches_the_parent_and_everything_below) {
    BOOST_TEST(matches("#", "a/b"));
    BOOST_TEST(matches("a/#", "a"));
    BOOST_TEST(matches("a/#", "a/"));
    BOOST_TEST(matches("a/#", "a/b/c"));
    BOOST_TEST(!matches("a/#", "ab"));
    BOOST_TEST(!matches("a/b/#", "a"));
    BOOST_TEST(matches("+/b/#", "a/b/c"));
}

BOOST_AUTO_TEST_CASE(a_malformed_filter_matches_nothing) {
    for (const auto* filter : {"", "a+", "a/b+", "#/b", "a/#/b", "a#"})
        for (const auto* topic : {"a", "a/b", "b", "ab", "a/b/b"})
            BOOST_TEST(!matches(filter, topic), filter << " " << topic);
}

// [MQTT-4.7.2-1]
BOOST_AUTO_TEST_CASE(a_leading_wildcard_does_not_match_topics_of_the_server) {
    BOOST_TEST(!matches("#", "$SYS/a"));
    BOOST_TEST(!matches("+/a", "$SYS/a"));
    BOOST_TEST(matches("$SYS/#", "$SYS/a"));
    BOOST_TEST(matches("$SYS/+", "$SYS/a"));
}

BOOST_AUTO_TEST_CASE(the_first_plus_stands_for_a_level_of_the_topic) {
    BOOST_TEST(level_at_plus("checkins/+", "checkins/router-7") == "router-7");
    BOOST_TEST(level_at_plus("+/b/+", "a/b/c") == "a");
    BOOST_TEST(level_at_plus("a/+/#", "a/b/c/d") == "b");
    BOOST_TEST(level_at_plus("a/+", "a/") == "");
    BOOST_TEST(level_at_plus("a/#", "a/b") == "");
    BOOST_TEST(level_at_plus("a/b", "a/b") == "");
}

// --- anything at all ---

// The bytes are copied to a block of exactly their size, so that AddressSanitizer sees each byte
// that is read outside.
BOOST_AUTO_TEST_CASE(random_bytes_never_take_more_than_was_given) {
    Random random("mqtt_codec");
    const std::string wholes[] = {full_connect(), publish(0x02, text("a/b") + number(7) + "{}"),
                                  packet(0xC0, ""), packet(0x82, number(1) + text("a") + "\0"s)};
    size_t packets = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string bytes = wholes[random.below(std::size(wholes))];
        for (uint64_t changes = random.below(4); changes > 0; --changes)
            bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
        bytes.resize(random.below(bytes.size() + 1));
        const auto block = std::make_unique<char[]>(bytes.size());
        bytes.copy(block.get(), bytes.size());

        const auto result = parse_all({block.get(), bytes.size()});
        if (!result || !*result) continue;
        ++packets;
        const size_t taken = (*result)->bytes;
        BOOST_REQUIRE_MESSAGE(taken >= 2 && taken <= bytes.size(), taken << " bytes taken");
    }
    BOOST_TEST(packets > 1000u);  // Enough of them were whole for this to mean something.
}

BOOST_AUTO_TEST_SUITE_END()
