// MqttSessionFixture: a worker with MQTT, and the packets that session tests send and expect.
//
// Sources: MQTT 3.1.1 and MQTT 5.0; `level` is the protocol level in CONNECT, 4 or 5.
#pragma once

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/mqtt/packet_writer.h"
#include "tests/support/mqtt_packets.h"
#include "tests/support/random.h"
#include "tests/support/tcp_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall::mqtt_fixture {

using namespace packets;
using namespace std::chrono_literals;
using namespace std::string_literals;
using mqtt::Reason;
using mqtt::Type;
using mqtt::Version;

inline constexpr int levels[] = {4, 5};
inline const std::string malformed = "{";

// The properties of CONNACK for a client of 5.0 that requests nothing, with the fixture's settings.
inline constexpr mqtt::ServerProperties usual{
    .receive_max = 1000, .topic_alias_max = 8, .packet_bytes_max = 80 * 1024};

inline mqtt::ServerProperties with_receive_max(uint16_t receive_max) {
    mqtt::ServerProperties properties = usual;
    properties.receive_max = receive_max;
    return properties;
}
inline std::string connack(int level, bool session_present = false,
                           const mqtt::ServerProperties& properties = usual) {
    return mqtt::connack(static_cast<Version>(level), session_present, properties);
}
inline std::string refused(int level, Reason reason, std::string_view words = {}) {
    return mqtt::refusing_connack(static_cast<Version>(level), reason, words);
}
// Return acknowledgements of 5.0 that refuse a message.
inline std::string puback_saying(size_t packet_id, Reason reason, std::string_view words) {
    return mqtt::acknowledgement(Version::v5, Type::puback, static_cast<uint16_t>(packet_id),
                                 reason, words);
}
inline std::string pubrec_saying(size_t packet_id, Reason reason, std::string_view words) {
    return mqtt::acknowledgement(Version::v5, Type::pubrec, static_cast<uint16_t>(packet_id),
                                 reason, words);
}
inline std::string pubcomp_unknown(int level, size_t packet_id) {
    return level == 5 ? packet(0x70, two(packet_id) + "\x92") : packets::pubcomp(packet_id);
}
// Returns the DISCONNECT of the server; empty for 3.1.1, where servers send none.
inline std::string dismissal(int level, Reason reason, std::string_view words = {}) {
    return level == 5 ? mqtt::disconnect(reason, words) : std::string();
}

// Returns a CONNECT that asks the daemon to keep the session for a minute after the connection
// ends.
inline std::string connect_to_stay(int level, int flags = 0, const std::string& id = "stays") {
    return connect(
        id + byte(static_cast<size_t>('0' + level)),
        {.level = level, .flags = flags, .properties = level == 5 ? property(17, four(60)) : ""});
}

inline std::string connect_with_will(int level, size_t delay_s = 0, size_t expiry_s = 0,
                                     size_t keep_alive_s = 60) {
    return connect(
        "MT1", {.level = level,
                .flags = 2 | will_flag,
                .keep_alive_s = keep_alive_s,
                .properties = level == 5 ? property(17, four(expiry_s)) : "",
                .behind_id = will(level, "checkins/gone", "offline", property(24, four(delay_s)))});
}

struct MqttSessionFixture : WorkerFixture {
    [[nodiscard]] int64_t rejected(Code code) const {
        return counted(Metric::checkins_rejected_total, label_of(Transport::mqtt, code));
    }
    [[nodiscard]] int64_t accepted() const {
        return counted(Metric::checkins_accepted_total, label_of(Transport::mqtt));
    }
    void limit_network(size_t checkins_a_minute, Millis burst, Millis grace = Millis(0)) {
        settings.quotas.network_checkins_max = checkins_a_minute;
        settings.quotas.burst = burst;
        settings.quotas.grace = grace;
    }
    // Sends a report of r1 on another connection and waits for its acknowledgement. All earlier
    // reports are then stored, too.
    void mark() const {
        TcpClient client(mqtt_port);
        client.send(connect("marker") + publish(4, 1, 1));
        BOOST_TEST(client.take(8) == connack(4) + puback(1));
    }
};

inline void expect(TcpClient& client, const std::string& answers) {
    BOOST_TEST(client.take(answers.size()) == answers);
}

}  // namespace rollcall::mqtt_fixture
