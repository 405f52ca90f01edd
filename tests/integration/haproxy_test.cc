// A real HAProxy between routers and the daemon. The routers use other loopback addresses than
// HAProxy. HAProxy has several ways to pass on the address of a router. The daemon must find the
// address in each of these ways.

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "tests/support/free_port.h"
#include "tests/support/tcp_client.h"
#include "tests/support/test_daemon.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

// HAProxy with one frontend on 127.0.0.1 and [::1], and one server.
class HaProxy {
public:
    // mode: http or tcp. server: port of the daemon, and options of HAProxy's `server` line.
    HaProxy(std::string_view mode, std::string_view server, std::string_view more = {})
        : process_({"haproxy", "-db", "-f", configure(mode, server, more)}) {
        const auto give_up = std::chrono::steady_clock::now() + patience;
        while (!is_listening()) {
            if (process_.wait(20ms) || std::chrono::steady_clock::now() > give_up)
                throw std::runtime_error("haproxy does not listen: " + process_.errors());
        }
    }

    [[nodiscard]] uint16_t port() const { return port_; }
    [[nodiscard]] std::string log() const { return process_.output() + process_.errors(); }

private:
    [[nodiscard]] std::string configure(std::string_view mode, std::string_view server,
                                        std::string_view more) const {
        const std::string path = directory_.path() / "haproxy.cfg";
        std::ofstream(path) << fmt::format(
            "defaults\n  mode {0}\n  timeout connect 10s\n  timeout client 60s\n"
            "  timeout server 60s\n"
            "frontend routers\n  bind 127.0.0.1:{1}\n  bind [::1]:{1}\n  default_backend daemons\n"
            "backend daemons\n  {3}\n  server daemon 127.0.0.1:{2}\n",
            mode, port_, server, more);
        return path;
    }
    [[nodiscard]] bool is_listening() const {
        try {
            const TcpClient client(port_);
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }

    TemporaryDirectory directory_;
    uint16_t port_ = free_port();
    Process process_;
};

// Sends a report from this address to this host, and returns the status of the response.
std::string post(std::string_view from, std::string_view to, uint16_t port,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> command = {
        "curl",       "--silent",    "--noproxy",
        "*",          "--interface", std::string(from),
        "--data",     "{}",          "--output",
        "-",          "--write-out", "%{http_code}",
        "--max-time", "30",          fmt::format("http://{}:{}/v1/checkins", to, port)};
    command.insert(command.end(), more.begin(), more.end());
    const auto done = run(command);
    return done.output.substr(done.output.size() - std::min<size_t>(3, done.output.size()));
}

constexpr std::string_view addresses =
    "SELECT group_concat(source_ip, ' ') FROM (SELECT source_ip FROM site_checkins ORDER BY "
    "source_ip)";

}  // namespace

BOOST_AUTO_TEST_SUITE(haproxy)

BOOST_AUTO_TEST_CASE(proxy_protocol_of_both_versions_names_the_client_of_http) {
    const TestDaemon daemon({.settings = {"http.proxy_protocol = true"}});
    for (const std::string_view version : {"send-proxy", "send-proxy-v2"}) {
        // HAProxy makes the connections for health checks itself, so they name no client.
        const HaProxy proxy("http",
                            fmt::format("{} {} check inter 100ms", daemon.http_port(), version),
                            "option httpchk GET /healthz");
        std::this_thread::sleep_for(1s);
        BOOST_TEST(post("127.0.0.2", "127.0.0.1", proxy.port()) == "200", proxy.log());
        BOOST_TEST(post("::1", "[::1]", proxy.port()) == "200", proxy.log());
    }
    const std::string all = "127.0.0.2 127.0.0.2 ::1 ::1";
    BOOST_TEST(daemon.query_until(all, addresses) == all);
    BOOST_TEST(
        daemon.metric(
            R"(rollcall_checkins_rejected_total{transport="http",code="bad_proxy_header"})") <= 0);
}

BOOST_AUTO_TEST_CASE(proxy_protocol_of_both_versions_names_the_client_of_mqtt) {
    const TestDaemon daemon({.settings = {"mqtt.proxy_protocol = true"}});
    for (const std::string_view version : {"send-proxy", "send-proxy-v2"}) {
        const HaProxy proxy("tcp", fmt::format("{} {}", daemon.mqtt_port(), version));
        const auto published =
            run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(proxy.port()), "-A",
                 "127.0.0.3", "-q", "1", "-t", "checkins/" + std::string(version), "-m", "{}"});
        BOOST_TEST(published.status == 0, published.errors);
    }
    const std::string all = "127.0.0.3 127.0.0.3";
    BOOST_TEST(daemon.query_until(all, addresses) == all);
}

BOOST_AUTO_TEST_CASE(header_field_of_a_trusted_proxy_names_the_client) {
    const TestDaemon daemon({.settings = {"http.trusted_proxies = [\"127.0.0.1\"]"}});
    const HaProxy proxy("http", fmt::format("{} check inter 100ms", daemon.http_port()),
                        "option forwardfor\n  http-reuse always\n  option httpchk GET /healthz");
    std::this_thread::sleep_for(1s);
    for (const char* client : {"127.0.0.2", "127.0.0.3"})
        BOOST_TEST(post(client, "127.0.0.1", proxy.port()) == "200", proxy.log());
    BOOST_TEST(post("::1", "[::1]", proxy.port()) == "200", proxy.log());
    // A router must not be able to choose its address.
    BOOST_TEST(post("127.0.0.4", "127.0.0.1", proxy.port(),
                    {"--header", "X-Forwarded-For: 203.0.113.9"}) == "200");
    BOOST_TEST(post("127.0.0.5", "127.0.0.1", daemon.http_port(),
                    {"--header", "X-Forwarded-For: 203.0.113.9"}) == "200");
    const std::string all = "127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 ::1";
    BOOST_TEST(daemon.query_until(all, addresses) == all);
}

BOOST_AUTO_TEST_CASE(quota_of_a_network_counts_each_client_behind_the_proxy) {
    const std::vector<std::string> quota = {"quotas.network_checkins_max = 1",
                                            "quotas.burst = \"1min\"", "quotas.grace = \"0s\""};
    const auto refuses_one_client = [](const HaProxy& proxy) {
        BOOST_TEST(post("127.0.0.2", "127.0.0.1", proxy.port()) == "200", proxy.log());
        BOOST_TEST(post("127.0.0.2", "127.0.0.1", proxy.port()) == "429", proxy.log());
        BOOST_TEST(post("127.0.0.3", "127.0.0.1", proxy.port()) == "200", proxy.log());
    };
    for (const std::string_view version : {"send-proxy", "send-proxy-v2"}) {
        auto settings = quota;
        settings.emplace_back("http.proxy_protocol = true");
        const TestDaemon daemon({.settings = settings});
        refuses_one_client(HaProxy("http", fmt::format("{} {}", daemon.http_port(), version)));
    }
    auto settings = quota;
    settings.emplace_back("http.trusted_proxies = [\"127.0.0.1\"]");
    const TestDaemon daemon({.settings = settings});
    refuses_one_client(HaProxy("http", std::to_string(daemon.http_port()), "option forwardfor"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
