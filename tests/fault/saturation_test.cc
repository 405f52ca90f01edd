// The memory of a worker that is never idle must stay bounded. Sanitizer builds omit this test,
// because their memory use differs from that of the daemon.
#include <fmt/core.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/base/error.h"
#include "tests/support/certificates.h"
#include "tests/support/process.h"
#include "tests/support/tcp_client.h"
#include "tests/support/test_daemon.h"
#include "tests/support/tls_client.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

// Returns the resident memory without the pages of files, such as the program itself.
int64_t anonymous_kib(TestDaemon& daemon) { return daemon.process().memory_kib("RssAnon"); }

constexpr int64_t growth_max_kib = 1536;

// Starts 64 MQTT connections with 16 unacknowledged messages each. rate: check-ins per second; 0
// sends as many as the daemon acknowledges.
Process load(TestDaemon& daemon, int seconds, int rate) {
    return Process({ROLLCALL_LOAD_PATH, "--protocol", "mqtt", "--target",
                    fmt::format("127.0.0.1:{}", daemon.mqtt_port()), "--connections", "64",
                    "--in-flight", "16", "--seconds", std::to_string(seconds), "--rate",
                    std::to_string(rate)});
}

// A client that sends a body of 1 MiB, except its last byte, as fast as the daemon reads.
class UnfinishedBody {
public:
    explicit UnfinishedBody(uint16_t port)
        : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          left_("POST /v1/checkins HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n[" +
                std::string((1 << 20) - 2, ' ')) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ensure(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~UnfinishedBody() { close(fd_); }
    UnfinishedBody(const UnfinishedBody&) = delete;
    UnfinishedBody& operator=(const UnfinishedBody&) = delete;

    void send_some() {
        const ssize_t sent = send(fd_, left_.data(), left_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) left_.erase(0, static_cast<size_t>(sent));
    }

private:
    int fd_;
    std::string left_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(saturation)

// With a slow disk, some acknowledgements always wait, as they do under full load on a fast disk.
// If a queue freed memory only when it is empty, it would grow here by 200 KB a second. The test
// uses no deduplication window and no database cache, because both grow until they are full. When
// the machine stalls, the daemon uses further slots (buffers for check-ins), and each slot keeps
// the memory of its largest row. The slots are small, so that their memory stays below
// growth_max_kib. bench/soak.sh --saturated runs for five minutes with a deduplication window, and
// with a tighter limit.
BOOST_AUTO_TEST_CASE(resident_memory_is_flat_while_acknowledgements_always_wait) {
    TestDaemon daemon(
        {.settings = {"workers = 1", R"(sinks = ["discard"])",
                      R"(delivery.duplicate_window = "0s")", "ingest.slots_max = 4",
                      "ingest.slot_rows_max = 128", R"(ingest.slot_text_max = "64KiB")"},
         .environment = {"LD_PRELOAD=" SLOW_DISK_PATH}});
    // A burst makes buffers and slots grow to their final size.
    BOOST_TEST((load(daemon, 2, 0).wait(60s) == 0));
    Process steady = load(daemon, 28, 5000);
    std::this_thread::sleep_for(5s);
    const int64_t before = anonymous_kib(daemon);
    int64_t most = before;
    for (int second = 0; second < 21; ++second) {
        std::this_thread::sleep_for(1s);
        most = std::max(most, anonymous_kib(daemon));
    }
    BOOST_TEST((steady.wait(60s) == 0), steady.errors());
    BOOST_TEST_MESSAGE(
        fmt::format("anonymous memory: {} KiB at first, at most {} KiB from then on\n{}", before,
                    most, steady.output()));
    BOOST_TEST(before > 0);
    BOOST_TEST(most < before + growth_max_kib);
}

// Without a limit, the unfinished bodies would take 400 MiB, and twice as much while their buffers
// grow.
BOOST_AUTO_TEST_CASE(unfinished_bodies_stay_within_their_share_and_others_are_served) {
    constexpr size_t senders = 400;
    constexpr int64_t kib_max = 256 * 1024;
    constexpr std::string_view buffers = R"(rollcall_memory_bytes{use="buffers"})";
    TestDaemon daemon({.settings = {"workers = 1", R"(sinks = ["discard"])",
                                    R"(http.request_timeout_max = "10s")",
                                    fmt::format(R"(memory_max = "{}KiB")", kib_max)}});
    std::vector<std::unique_ptr<UnfinishedBody>> bodies;
    for (size_t number = 0; number < senders; ++number)
        bodies.push_back(std::make_unique<UnfinishedBody>(daemon.http_port()));
    int64_t most_kib = 0;
    std::chrono::steady_clock::duration longest{};
    for (const auto end = std::chrono::steady_clock::now() + 6s;
         std::chrono::steady_clock::now() < end;) {
        for (auto& body : bodies) body->send_some();
        const auto asked = std::chrono::steady_clock::now();
        BOOST_TEST(daemon.post(R"({"serial_number":"S"})").status == 200);
        longest = std::max(longest, std::chrono::steady_clock::now() - asked);
        most_kib = std::max(most_kib, anonymous_kib(daemon));
    }
    BOOST_TEST_MESSAGE("resident: " << most_kib << " KiB");
    BOOST_TEST(most_kib > 0);
    BOOST_TEST(most_kib < kib_max);
    BOOST_TEST((longest < 1s));
    BOOST_TEST(daemon.metric(buffers) > 1 << 20);
    BOOST_TEST(daemon.metric(buffers) <= kib_max * 1024 / 4 + (4 << 20));
    BOOST_TEST(daemon.metric(R"(rollcall_memory_waits_total{transport="http"})") > 0);
    bodies.clear();
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (daemon.metric(buffers) > 1 << 20 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(100ms);
    BOOST_TEST(daemon.metric(buffers) <= 1 << 20);
}

// OpenSSL reserves memory for the ClientHello that a client announces. Without a limit, the
// handshakes of this test would take 105 MiB.
BOOST_AUTO_TEST_CASE(handshakes_that_announce_a_large_hello_stay_within_their_share) {
    constexpr size_t senders = 600;
    constexpr int64_t kib_max = 96 * 1024;
    // A record of 16,384 bytes, with the beginning of a ClientHello of 131,000 bytes.
    const std::string hello("\x16\x03\x01\x40\x00\x01\x01\xff\xb8\x03\x03", 11);
    const std::string record = hello + std::string(16'384 + 5 - hello.size(), 'a');
    const Certificates certificates;
    const auto files = certificates.issue("server");
    TestDaemon daemon(
        {.settings = {"workers = 1", R"(sinks = ["discard"])", R"(http.tls_listen = "127.0.0.1:0")",
                      fmt::format(R"(tls.certificate = "{}")", files.certificate),
                      fmt::format(R"(tls.key = "{}")", files.key),
                      fmt::format(R"(memory_max = "{}KiB")", kib_max)}});
    std::vector<std::unique_ptr<TcpClient>> clients;
    int64_t most_kib = 0;
    for (size_t number = 0; number < senders; ++number) {
        clients.push_back(std::make_unique<TcpClient>(daemon.port_of("https")));
        clients.back()->send(record);
        most_kib = std::max(most_kib, anonymous_kib(daemon));
    }
    constexpr std::string_view held = R"(rollcall_memory_bytes{use="tls_handshakes"})";
    // The metric is set once a second.
    for (auto left = patience / 100ms; left > 0 && daemon.metric(held) == 0; --left) {
        most_kib = std::max(most_kib, anonymous_kib(daemon));
        std::this_thread::sleep_for(100ms);
    }
    BOOST_TEST(daemon.metric(held) > 0);
    BOOST_TEST(daemon.metric(held) <= kib_max * 1024 / 4);
    BOOST_TEST(daemon.post(R"({"serial_number":"S"})").status == 200);
    most_kib = std::max(most_kib, anonymous_kib(daemon));
    BOOST_TEST_MESSAGE("resident: " << most_kib << " KiB");
    BOOST_TEST(most_kib > 0);
    BOOST_TEST(most_kib < kib_max);
    clients.clear();
    TlsClient later(daemon.port_of("https"), {});
    later.send(post_request("serial=T"));
    BOOST_TEST(later.take(17) == "HTTP/1.1 200 OK\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
