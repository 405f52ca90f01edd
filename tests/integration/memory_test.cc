// Memory of a release build of the daemon. Sanitizer builds skip these tests.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "daemon/open_files.h"
#include "tests/support/certificates.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/test_daemon.h"
#include "tests/support/tls_client.h"

using namespace rollcall;

namespace {

// Returns the resident bytes per client. `others` clients connect before the measurement, then
// `count` clients are measured.
int64_t resident_of_each(TestDaemon& daemon, int64_t others, int64_t count,
                         const std::function<void()>& connect) {
    const auto connect_some = [&](int64_t some) {
        for (int64_t number = 0; number < some; ++number) connect();
        return daemon.process().memory_kib("VmRSS");
    };
    const int64_t before = connect_some(others);
    const int64_t each = (connect_some(count) - before) * 1024 / count;
    BOOST_TEST_MESSAGE("resident: " << each << " bytes each");
    return each;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(idle_daemon_with_default_limits_stays_under_60_mb) {
    TestDaemon daemon;
    BOOST_TEST(daemon.post("{}").status == 200);
    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(*) FROM site_checkins") == "1");
    const int64_t kib = daemon.process().memory_kib("VmRSS");
    BOOST_TEST_MESSAGE("resident: " << kib << " KiB");
    BOOST_TEST(kib > 0);
    BOOST_TEST(kib < 60'000'000 / 1024);
}

// For comparison, a client of mosquitto 2.0.11 takes 734 bytes.
BOOST_AUTO_TEST_CASE(idle_mqtt_client_takes_at_most_700_bytes) {
    TestDaemon daemon({.settings = {"workers = 1"}});
    std::deque<MqttClient> clients;
    const int64_t each = resident_of_each(daemon, 500, 5000, [&] {
        clients.emplace_back(daemon.mqtt_port(), fmt::format("router-{:05}", clients.size()),
                             MqttWish{.keep_alive_s = 3600});
    });
    BOOST_TEST(each > 300);  // Shows that the measurement works.
    BOOST_TEST(each <= 700);
    clients.back().publish("checkins/HX1", "{}", 1);
    BOOST_TEST(clients.back().puback() == 1);
}

BOOST_AUTO_TEST_CASE(ten_thousand_mqtt_routers_fit_the_defaults_of_one_worker) {
    constexpr size_t routers = 10'000;
    BOOST_TEST_REQUIRE(open_files::raise_limit() > routers + 200);
    TestDaemon daemon({.settings = {"workers = 1"}});
    std::deque<MqttClient> clients;
    for (size_t number = 0; number < routers; ++number)
        clients.emplace_back(daemon.mqtt_port(), fmt::format("router-{:05}", number));
    BOOST_TEST(daemon.metric(R"(rollcall_connections{transport="mqtt"})") == routers);
    clients.front().publish("checkins/HX1", "{}", 1);
    BOOST_TEST(clients.front().puback() == 1);
}

// OpenSSL's objects take 12.6 KB with TLS 1.2 and 13.2 KB with 1.3. The limit leaves no room for
// buffers, which take 16 KB each, or anything else.
BOOST_AUTO_TEST_CASE(idle_client_of_tls_holds_no_buffers) {
    const Certificates certificates;
    const auto files = certificates.issue("server");
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TestDaemon daemon({.settings = {"workers = 1", R"(http.tls_listen = "127.0.0.1:0")",
                                        fmt::format(R"(tls.certificate = "{}")", files.certificate),
                                        fmt::format(R"(tls.key = "{}")", files.key)}});
        std::vector<std::unique_ptr<TlsClient>> clients;
        const int64_t each = resident_of_each(daemon, 100, 400, [&] {
            auto& client = clients.emplace_back(std::make_unique<TlsClient>(
                daemon.port_of("https"), TlsEnd::Options{.version = version}));
            client->send(post_request(fmt::format("serial={}", clients.size())));
            BOOST_TEST(client->take(17) == "HTTP/1.1 200 OK\r\n");
        });
        BOOST_TEST(each > 0);
        BOOST_TEST(each < 17'000);
    }
}

// OpenSSL would reserve 17 KB for a record that has begun.
BOOST_AUTO_TEST_CASE(client_of_tls_that_has_sent_half_a_record_takes_little_more_than_an_idle_one) {
    const Certificates certificates;
    const auto files = certificates.issue("server");
    TestDaemon daemon({.settings = {"workers = 1", R"(http.tls_listen = "127.0.0.1:0")",
                                    fmt::format(R"(tls.certificate = "{}")", files.certificate),
                                    fmt::format(R"(tls.key = "{}")", files.key)}});
    std::vector<std::unique_ptr<TlsClient>> clients;
    const int64_t each = resident_of_each(daemon, 100, 400, [&] {
        auto& client = clients.emplace_back(
            std::make_unique<TlsClient>(daemon.port_of("https"), TlsEnd::Options{}));
        client->send(post_request(fmt::format("serial={}", clients.size())));
        BOOST_TEST(client->take(17) == "HTTP/1.1 200 OK\r\n");
        client->end().send(std::string(16'000, 'x'));
        client->connection().send(client->end().take_outgoing().substr(0, 100));
    });
    BOOST_TEST(each > 0);
    BOOST_TEST(each < 18'500);
}

BOOST_AUTO_TEST_SUITE_END()
