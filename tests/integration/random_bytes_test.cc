// Random and malformed bytes on both ports. The daemon must not crash, hang or grow.
//
// Most inputs are valid requests with a few changed bytes, because pure noise is refused at the
// first byte. The test prints its seed. ROLLCALL_SEED sets the seed.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "tests/support/mqtt_client.h"
#include "tests/support/random.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

constexpr int connections = 3000;

std::string damaged(Random& random, std::string bytes) {
    for (auto changes = random.below(4); changes > 0; --changes) {
        const size_t at = random.below(bytes.size());
        switch (random.below(3)) {
            case 0: bytes[at] = static_cast<char>(random.below(256)); break;
            case 1: bytes.erase(at, random.below(20)); break;
            case 2: bytes.insert(at, bytes.substr(random.below(bytes.size()), 20)); break;
        }
        if (bytes.empty()) bytes = "\r";
    }
    return bytes;
}

std::string noise(Random& random) {
    std::string bytes(1 + random.below(300), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    return bytes;
}

// Sends the bytes, ends the client's side of the connection, and waits until the daemon closes the
// connection.
void send_and_close(uint16_t port, const std::string& bytes) {
    TcpClient client(port);
    try {
        client.send(bytes);
        client.end_sending();
    } catch (const ConnectionEnded&) {
        return;  // The daemon closed the connection before all bytes were sent.
    }
    (void)client.take_rest();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(random_bytes)

BOOST_AUTO_TEST_CASE(daemon_survives_random_bytes_on_both_ports) {
    Random random("daemon_survives_random_bytes_on_both_ports");
    TestDaemon daemon;
    const std::string good_http = post_request(R"({"serial_number":"R","uptime":"1w2d"})") +
                                  "POST /poll HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked"
                                  "\r\n\r\n5\r\nsn=R;\r\n0\r\n\r\n" +
                                  post_request("serial=R;cpu-count=4");
    const std::string good_mqtt = mqtt_connect("R") +
                                  std::string(
                                      "\x32\x10\x00\x0A"
                                      "checkins/R\x00\x01{}",
                                      18) +
                                  std::string(
                                      "\xC0\x00\x32\x10\x00\x0A"
                                      "checkins/R\x00\x02{}",
                                      20);
    for (int sent = 0; sent < connections; ++sent) {
        const bool http = random.below(2) == 0;
        const bool pure_noise = random.below(5) == 0;
        const std::string bytes =
            pure_noise ? noise(random) : damaged(random, http ? good_http : good_mqtt);
        send_and_close(http ? daemon.http_port() : daemon.mqtt_port(), bytes);
    }
    BOOST_TEST(daemon.post(R"({"serial_number":"last"})").status == 200);
    MqttClient client(daemon.mqtt_port(), "last");
    client.publish("checkins/last", "{}", 9);
    BOOST_TEST(client.puback() == 9);
    BOOST_TEST(daemon.query_until("2",
                                  "SELECT COUNT(*) FROM site_checkins"
                                  " WHERE site_id = 'last'") == "2");
    BOOST_TEST((daemon.stop() == 0), daemon.log());
}

BOOST_AUTO_TEST_SUITE_END()
