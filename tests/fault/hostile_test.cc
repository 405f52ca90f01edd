// 1,000 hostile connections of all kinds and 1,000 honest ones at the same time. The honest clients
// must lose nothing and wait at most a second. The daemon must stay within memory_max. Sanitizer
// builds omit this test, because their memory use differs from that of the daemon.
//
// The test takes half a minute; ROLLCALL_HOSTILE_SECONDS sets another time (./dev soak hostile).
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/open_files.h"
#include "tests/support/certificates.h"
#include "tests/support/mqtt_packets.h"
#include "tests/support/process.h"
#include "tests/support/random.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr size_t hostile_connections = 1000;
constexpr size_t honest_connections = 500;  // With each protocol.
constexpr int honest_rate = 250;            // Check-ins a second with each protocol.
constexpr int64_t memory_max_kib = 256 * 1024;
constexpr uint32_t hostile_address = 0x7f000002;  // 127.0.0.2

std::chrono::seconds duration() {
    const char* const given = std::getenv("ROLLCALL_HOSTILE_SECONDS");
    return std::chrono::seconds(given != nullptr ? std::atoi(given) : 30);
}

// The behaviour of the connections of one kind. Each connection sends `opening` as fast as the
// daemon reads, and then `drip` once a second.
struct Attack {
    std::string_view name;
    uint16_t port;
    std::string opening = {};
    std::string drip = {};
    bool reads = true;
    std::chrono::milliseconds lifetime_max = 15s;
};

std::string noise(Random& random, size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    return bytes;
}

std::string repeated(size_t times, const std::string& text) {
    std::string all;
    for (size_t number = 0; number < times; ++number) all += text;
    return all;
}

std::string hello(const std::string& id) {
    using namespace packets;
    return connect(id, {.level = 5,
                        .flags = will_flag,
                        .keep_alive_s = 600,
                        .properties = property(17, four(3600)),
                        .behind_id = will(5, "checkins/hostile", "offline",
                                          property(24, four(id.size() % 2 * 5)))});
}

std::string messages(int qos, size_t count) {
    std::string all;
    for (size_t id = 1; id <= count; ++id)
        all += packets::publish(5, qos, id, {.topic = "checkins/hostile"});
    return all;
}

std::vector<Attack> attacks_on(const TestDaemon& daemon, Random& random) {
    const uint16_t http = daemon.http_port();
    const uint16_t mqtt = daemon.mqtt_port();
    const std::string head = "POST /v1/checkins HTTP/1.1\r\nHost: r\r\n";
    const std::string client_hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    return {
        {.name = "half a head", .port = http, .opening = head + "X-Router: ", .drip = "x"},
        {.name = "half a body",
         .port = http,
         .opening = head + "Content-Length: 1048576\r\n\r\n[" + std::string(600'000, ' '),
         .drip = " "},
        {.name = "half a chunk",
         .port = http,
         .opening = head + "Transfer-Encoding: chunked\r\n\r\nffff\r\n" + std::string(30'000, ' '),
         .drip = " "},
        {.name = "unread HTTP responses",
         .port = http,
         .opening = repeated(500, "GET /nowhere HTTP/1.1\r\nHost: r\r\n\r\n"),
         .reads = false},
        {.name = "flood of connections", .port = http, .lifetime_max = 50ms},
        {.name = "noise to HTTP", .port = http, .opening = noise(random, 500)},
        {.name = "noise to MQTT", .port = mqtt, .opening = noise(random, 500)},
        {.name = "half a packet",
         .port = mqtt,
         .opening =
             hello("half") + std::string("\x30\xff\xff\x03\x00\x10", 6) + std::string(30'000, 'x'),
         .drip = "x"},
        {.name = "QoS 2 left open", .port = mqtt, .opening = hello("open") + messages(2, 50)},
        {.name = "will left behind", .port = mqtt, .opening = hello("wills"), .lifetime_max = 2s},
        {.name = "unread MQTT responses",
         .port = mqtt,
         .opening = hello("unread") + repeated(2000, packets::pingreq()),
         .reads = false},
        {.name = "half a handshake over HTTPS",
         .port = daemon.port_of("https"),
         .opening = client_hello,
         .drip = "a"},
        {.name = "half a handshake over MQTTS",
         .port = daemon.port_of("mqtts"),
         .opening = client_hello + std::string(200, 'a')},
        {.name = "noise to HTTPS", .port = daemon.port_of("https"), .opening = noise(random, 500)},
    };
}

// An attacker has one connection at a time, and opens a new one when the daemon or the attacker has
// closed the old one. The attacker closes by a reset, which leaves no port in TIME_WAIT.
class Attacker {
public:
    Attacker(const Attack& attack, Random& random) : attack_(attack), random_(random) {}
    ~Attacker() { leave(); }
    Attacker(Attacker&& other) noexcept
        : attack_(other.attack_), random_(other.random_), fd_(std::exchange(other.fd_, -1)) {}
    Attacker& operator=(Attacker&&) = delete;

    void step(SteadyClock::time_point now) {
        if (fd_ < 0) return begin(now);
        if (now > ends_ || was_closed()) return leave();
        if (sent_ < attack_.opening.size()) {
            const ssize_t count = ::send(fd_, attack_.opening.data() + sent_,
                                         attack_.opening.size() - sent_, MSG_NOSIGNAL);
            if (count > 0) sent_ += static_cast<size_t>(count);
        } else if (!attack_.drip.empty() && now > dripped_ + 1s) {
            (void)!::send(fd_, attack_.drip.data(), attack_.drip.size(), MSG_NOSIGNAL);
            dripped_ = now;
        }
    }
    [[nodiscard]] size_t connections() const { return connections_; }

private:
    void begin(SteadyClock::time_point now) {
        fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        // The receive buffer is small. So the responses, which nobody reads, soon fill the buffers
        // of the daemon.
        const int buffer_bytes = 4096;
        setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
        const linger reset{.l_onoff = 1, .l_linger = 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(hostile_address);
        (void)bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        address.sin_port = htons(attack_.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        (void)connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        sent_ = 0;
        dripped_ = now;
        ends_ = now + std::chrono::milliseconds(
                          random_.below(static_cast<uint64_t>(attack_.lifetime_max.count())));
        ++connections_;
    }
    void leave() {
        if (fd_ >= 0) close(std::exchange(fd_, -1));
    }
    [[nodiscard]] bool was_closed() const {
        std::array<char, 16384> bytes;
        if (attack_.reads) return recv(fd_, bytes.data(), bytes.size(), 0) == 0;
        pollfd asked{fd_, POLLRDHUP, 0};
        return poll(&asked, 1, 0) > 0;
    }

    const Attack& attack_;
    Random& random_;
    int fd_ = -1;
    size_t sent_ = 0;
    size_t connections_ = 0;
    SteadyClock::time_point dripped_{};
    SteadyClock::time_point ends_{};
};

// Honest routers, each of which reports every two seconds.
Process honest(std::string_view protocol, uint16_t port) {
    return Process({ROLLCALL_LOAD_PATH, "--protocol", std::string(protocol), "--target",
                    fmt::format("127.0.0.1:{}", port), "--connections",
                    std::to_string(honest_connections), "--seconds",
                    std::to_string(duration().count()), "--rate", std::to_string(honest_rate)});
}

// Returns the number after a name in the output of rollcall-load.
double printed(const std::string& output, std::string_view name) {
    const size_t at = output.find("\n" + std::string(name) + " ");
    return at == output.npos ? -1 : std::atof(output.c_str() + at + 1 + name.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(hostile_clients_delay_no_honest_one_by_more_than_a_second) {
    BOOST_TEST_REQUIRE(open_files::raise_limit() > 2 * hostile_connections);
    const Certificates certificates;
    const auto files = certificates.issue("server");
    TestDaemon daemon(
        {.settings = {R"(http.tls_listen = "127.0.0.1:0")", R"(mqtt.tls_listen = "127.0.0.1:0")",
                      fmt::format(R"(tls.certificate = "{}")", files.certificate),
                      fmt::format(R"(tls.key = "{}")", files.key),
                      fmt::format(R"(memory_max = "{}KiB")", memory_max_kib),
                      R"(delivery.duplicate_window = "0s")"}});
    Random random("hostile_clients_delay_no_honest_one_by_more_than_a_second");
    const std::vector<Attack> attacks = attacks_on(daemon, random);
    std::vector<Attacker> attackers;
    for (size_t number = 0; number < hostile_connections; ++number)
        attackers.emplace_back(attacks[number % attacks.size()], random);

    Process over_http = honest("http", daemon.http_port());
    Process over_mqtt = honest("mqtt", daemon.mqtt_port());
    int64_t most_kib = 0;
    for (const auto end = SteadyClock::now() + duration(); SteadyClock::now() < end;) {
        for (Attacker& attacker : attackers) attacker.step(SteadyClock::now());
        most_kib = std::max(most_kib, daemon.process().memory_kib("VmRSS"));
        std::this_thread::sleep_for(10ms);
    }
    double acknowledged = 0;
    for (Process* const load : {&over_http, &over_mqtt}) {
        BOOST_TEST((load->wait(patience) == 0), load->errors());
        const std::string output = "\n" + load->output();
        BOOST_TEST_MESSAGE(output);
        BOOST_TEST(printed(output, "acknowledged") == printed(output, "sent"));
        BOOST_TEST(printed(output, "errors") == 0);
        BOOST_TEST(printed(output, "max") > 0);
        BOOST_TEST(printed(output, "max") <= 1000);  // Milliseconds.
        acknowledged += printed(output, "acknowledged");
    }
    const std::string all = fmt::format("{:.0f}", acknowledged);
    BOOST_TEST(daemon.query_until(all,
                                  "SELECT COUNT(*) FROM site_checkins WHERE serial_number "
                                  "LIKE 'HG0%'") == all);
    size_t connections = 0;
    for (const Attacker& attacker : attackers) connections += attacker.connections();
    BOOST_TEST_MESSAGE(
        fmt::format("resident: at most {} KiB; hostile connections: {}", most_kib, connections));
    BOOST_TEST(connections > 2 * hostile_connections);
    BOOST_TEST(most_kib > 0);
    BOOST_TEST(most_kib < memory_max_kib);
    attackers.clear();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
}

BOOST_AUTO_TEST_SUITE_END()
