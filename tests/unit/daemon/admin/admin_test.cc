#include "daemon/admin/admin.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <thread>

#include "daemon/net/listener.h"
#include "daemon/net/loop.h"
#include "pipeline/base/cursor.h"
#include "tests/support/http_client.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

// Runs a loop in its own thread, as main does.
struct AdminFixture {
    AdminFixture() {
        admin.show({.shards = {&shard},
                    .readiness = [this] { return readiness; },
                    .health_messages = [this] { return health_messages; },
                    .pipeline = [] { return std::nullopt; },
                    .observations =
                        [] {
                            return Observations{
                                .unknown_keys = {{"router_os_vers", 3, 0, "number", {}}},
                                .warned_versions = {{"no_metrics", "7.99.1", 2, 0}}};
                        }});
        const ListeningSockets listening = listen_on("127.0.0.1:0", 1).value();
        port = static_cast<uint16_t>(
            std::stoi(listening.address.substr(listening.address.rfind(':') + 1)));
        loop.listen(listening.fds.front(), {Transport::http, [this](Connection& connection) {
                                                return std::make_unique<HttpSession>(
                                                    connection, admin, replies, limits);
                                            }});
    }
    ~AdminFixture() {
        stop.advance(1);
        loop.wake();
        if (thread.joinable()) thread.join();
    }
    HttpClient client() {
        if (!thread.joinable()) thread = std::thread([this] { loop.run(); });
        return HttpClient(port);
    }

    Clock clock;
    MetricShard shard;
    Readiness readiness = Readiness::starting;  // Written only between requests.
    std::vector<std::string> health_messages;
    Replies replies{clock};
    Admin admin{replies, clock, "9.9"};
    Settings settings;
    HttpSession::Limits limits{settings};
    Cursor stop;  // Advanced by the test: 1 ends the loop.
    Loop loop{clock, shard, ConnectionTable::Options(settings), [this] {
                  if (stop.read() != 0) loop.stop();
              }};
    uint16_t port = 0;
    std::thread thread;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(admin, AdminFixture)

BOOST_AUTO_TEST_CASE(daemon_is_alive_before_it_is_ready) {
    HttpClient browser = client();
    BOOST_TEST(browser.get("/healthz").status == 200);
    const HttpResponse ready = browser.get("/readyz");
    BOOST_TEST(ready.status == 503);
    BOOST_TEST(ready.body == "starting\n");
}

BOOST_AUTO_TEST_CASE(health_messages_follow_the_state_of_a_ready_daemon) {
    readiness = Readiness::ready;
    health_messages = {"sink kafka: no broker", "pipeline p: stopped"};
    const HttpResponse ready = client().get("/readyz");
    BOOST_TEST(ready.status == 200);
    BOOST_TEST(ready.body == "ready\nsink kafka: no broker\npipeline p: stopped\n");
}

BOOST_AUTO_TEST_CASE(daemon_is_ready_until_its_spool_is_full) {
    readiness = Readiness::ready;
    BOOST_TEST(client().get("/readyz").status == 200);
    readiness = Readiness::spool_full;
    const HttpResponse full = client().get("/readyz");
    BOOST_TEST(full.status == 503);
    BOOST_TEST(full.body == "the spool is full\n");
}

BOOST_AUTO_TEST_CASE(daemon_under_full_pressure_is_not_ready_and_names_the_cause) {
    readiness = Readiness::ready;
    BOOST_TEST(client().get("/readyz").status == 200);
    readiness = Readiness::disk_slow;
    const HttpResponse slow = client().get("/readyz");
    BOOST_TEST(slow.status == 503);
    BOOST_TEST(slow.body == "answers take seconds: the disk is slow\n");
    readiness = Readiness::memory_short;
    BOOST_TEST(client().get("/readyz").body ==
               "memory use is close to memory_max or to the control group's limit\n");
    readiness = Readiness::sink_behind;
    BOOST_TEST(client().get("/readyz").body == "the spool is nearly full: a sink is behind\n");
}

BOOST_AUTO_TEST_CASE(metrics_are_shown_with_their_content_type) {
    const HttpResponse page = client().get("/metrics");
    BOOST_TEST(page.status == 200);
    BOOST_TEST(page.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    BOOST_TEST(page.body.find("rollcall_build_info{version=\"9.9\"} 1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(openmetrics_is_sent_to_clients_that_accept_it_with_a_weight_above_zero) {
    HttpClient browser = client();
    const auto type_for = [&](std::string_view accept) {
        return browser
            .exchange("GET /metrics HTTP/1.1\r\nHost: r\r\nAccept: " + std::string(accept) +
                      "\r\n\r\n")
            .header("Content-Type");
    };
    const std::string openmetrics = "application/openmetrics-text";
    for (const std::string& accept :
         {openmetrics, openmetrics + ";version=1.0.0;q=0.5,text/plain;q=0.1",
          "text/plain;q=0, " + openmetrics + " ; q=0.001"})
        BOOST_TEST(type_for(accept).starts_with(openmetrics), accept);
    for (const std::string& accept :
         {openmetrics + ";q=0", openmetrics + ";version=1.0.0; Q=0.000, text/plain",
          std::string("*/*"), "text/x-" + openmetrics})
        BOOST_TEST(type_for(accept).starts_with("text/plain"), accept);
}

BOOST_AUTO_TEST_CASE(status_page_and_status_json_list_the_health_messages_and_the_observations) {
    readiness = Readiness::spool_full;
    health_messages = {"sink kafka: no broker"};
    const HttpResponse page = client().get("/status");
    BOOST_TEST(page.status == 200);
    BOOST_TEST(page.header("Content-Type") == "text/html; charset=utf-8");
    const HttpResponse json = client().get("/status.json");
    BOOST_TEST(json.status == 200);
    BOOST_TEST(json.header("Content-Type") == "application/json");
    for (const std::string_view said :
         {"9.9", "the spool is full", "sink kafka: no broker", "router_os_vers", "7.99.1"}) {
        BOOST_TEST(page.body.find(said) != std::string::npos, said);
        BOOST_TEST(json.body.find(said) != std::string::npos, said);
    }
}

BOOST_AUTO_TEST_CASE(only_known_pages_are_served_and_only_for_get_and_head) {
    HttpClient browser = client();
    BOOST_TEST(browser.get("/").status == 404);
    const HttpResponse refused = browser.post("{}");
    BOOST_TEST(refused.status == 404);
    HttpClient other = client();
    const HttpResponse answer = other.exchange(post_request("{}", "/metrics"));
    BOOST_TEST(answer.status == 405);
    BOOST_TEST(answer.header("Allow") == "GET, HEAD");
}

BOOST_AUTO_TEST_CASE(pages_need_the_token_if_there_is_one_and_health_does_not) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "token";
    std::ofstream(path) << "# of Prometheus\nabc\n";
    const auto digest = read_admin_token(path);
    BOOST_REQUIRE(digest.has_value());
    admin.require_token(*digest, settings);
    const auto status = [this](std::string_view page, std::string_view field) {
        return client()
            .exchange(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", page, field))
            .status;
    };
    for (const char* page : {"/metrics", "/status", "/status.json", "/readyz"}) {
        BOOST_TEST(status(page, "") == 401);
        BOOST_TEST(status(page, "Authorization: Bearer abd\r\n") == 401);
        BOOST_TEST(status(page, "Authorization: Bearer abc\r\n") != 401);
        BOOST_TEST(status(page, "Authorization: Basic YWRtaW46YWJj\r\n") != 401);  // "admin:abc"
    }
    admin.require_token(sha256("new"), settings);
    BOOST_TEST(status("/readyz", "Authorization: Bearer abc\r\n") == 401);
    BOOST_TEST(status("/readyz", "Authorization: Bearer new\r\n") != 401);
    BOOST_TEST(status("/healthz", "") == 200);
    BOOST_TEST(status("/nowhere", "") == 404);
    std::ofstream(path) << "a\nb\n";
    BOOST_TEST((read_admin_token(path).error().code == Code::bad_file));
    std::ofstream(path) << "\n";
    BOOST_TEST((read_admin_token(path).error().code == Code::bad_file));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
