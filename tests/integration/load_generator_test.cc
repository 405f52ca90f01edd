// Short runs of rollcall-load against a real daemon. They show that the generator works and that
// its count of acknowledged check-ins is correct.

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/test_daemon.h"

namespace rollcall {

namespace {

// Returns the number after a word in the output of rollcall-load, or -1.
int64_t reported(const std::string& report, const std::string& word) {
    const size_t at = report.find("\n" + word + " ");
    return at == std::string::npos ? -1 : std::stoll(report.substr(at + 1 + word.size()));
}

// Runs rollcall-load, which must succeed, and returns its output.
std::string load(uint16_t port, const std::vector<std::string>& arguments) {
    std::vector<std::string> command{ROLLCALL_LOAD_PATH, "--target",
                                     fmt::format("127.0.0.1:{}", port)};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished finished = run(command);
    BOOST_TEST(finished.status == 0, finished.output << finished.errors);
    return "\n" + finished.output;
}

void every_acknowledged_check_in_is_a_row(const std::string& protocol) {
    TestDaemon daemon;
    const uint16_t port = protocol == "http" ? daemon.http_port() : daemon.mqtt_port();
    const std::string output =
        load(port, {"--protocol", protocol, "--seconds", "1", "--connections", "16"});
    const int64_t acknowledged = reported(output, "acknowledged");
    BOOST_TEST(acknowledged > 0, output);
    const std::string rows = std::to_string(acknowledged);
    BOOST_TEST(daemon.query_until(rows, "SELECT COUNT(*) FROM site_checkins") == rows);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load_generator)

BOOST_AUTO_TEST_CASE(every_check_in_acknowledged_over_http_is_a_row) {
    every_acknowledged_check_in_is_a_row("http");
}

BOOST_AUTO_TEST_CASE(every_check_in_acknowledged_over_mqtt_is_a_row) {
    every_acknowledged_check_in_is_a_row("mqtt");
}

BOOST_AUTO_TEST_CASE(every_report_of_an_acknowledged_list_is_a_row) {
    TestDaemon daemon;
    const std::string output =
        load(daemon.http_port(), {"--shape", "nested", "--reports", "10", "--seconds", "0.5"});
    const std::string rows = std::to_string(reported(output, "acknowledged") * 10);
    BOOST_TEST(daemon.query_until(rows, "SELECT COUNT(*) FROM site_checkins") == rows);
}

BOOST_AUTO_TEST_CASE(every_tls_connection_resumes_a_session_if_asked) {
    const Certificates certificates;
    const auto files = certificates.issue("server");
    TestDaemon daemon({.settings = {R"(http.tls_listen = "127.0.0.1:0")",
                                    fmt::format(R"(tls.certificate = "{}")", files.certificate),
                                    fmt::format(R"(tls.key = "{}")", files.key)}});
    const uint16_t port = daemon.port_of("https");
    const std::vector<std::string> herd{
        "--connection-per-checkin", "--connections", "50", "--rate", "100", "--seconds", "0.5"};
    auto full = herd;
    full.insert(full.end(), {"--tls", "1.3"});
    BOOST_TEST(reported(load(port, full), "acknowledged") == 50);
    auto resumed = herd;
    resumed.insert(resumed.end(), {"--tls", "1.2", "--resume"});
    const std::string output = load(port, resumed);
    BOOST_TEST(reported(output, "acknowledged") == 50);
    BOOST_TEST(reported(output, "resumed") == 50);
}

BOOST_AUTO_TEST_CASE(routers_report_again_after_the_interval_of_their_response) {
    constexpr size_t routers = 20;
    const TemporaryDirectory directory;
    const auto sendings = directory.path() / "sendings";
    TestDaemon daemon({.settings = {R"(replies.next = "1s")"}});
    const std::string output =
        load(daemon.http_port(),
             {"--connection-per-checkin", "--connections", std::to_string(routers), "--rate", "200",
              "--rounds", "2", "--seconds", "30", "--sendings", sendings});
    BOOST_TEST(reported(output, "acknowledged") == 2 * routers);
    std::ifstream lines(sendings);
    size_t second_round = 0;
    size_t round = 0;
    for (double at = 0; lines >> round >> at;) {
        second_round += round;
        if (round == 1) BOOST_TEST(at >= 1);
    }
    BOOST_TEST(second_round == routers);
}

BOOST_AUTO_TEST_CASE(floor_acknowledges_check_ins_over_both_protocols) {
    const TemporaryDirectory directory;
    for (const std::string protocol : {"http", "mqtt"}) {
        const Process floor({ROLLCALL_FLOOR_PATH, protocol, "0", directory.path()});
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!floor.output().ends_with('\n') && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const std::string output = load(static_cast<uint16_t>(std::stoul(floor.output())),
                                        {"--protocol", protocol, "--seconds", "0.5"});
        BOOST_TEST(reported(output, "acknowledged") > 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
