// Bad requests over HTTP. Each request must get its response, leave no row, and not affect other
// clients.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

struct Refusal {
    std::string request;
    int status;
    std::string_view code;
};

std::string with_header(std::string_view line) {
    return fmt::format("POST /v1/checkins HTTP/1.1\r\nHost: r\r\n{}\r\n\r\n", line);
}

// Sends a bad request and checks that the response is JSON in the documented format.
void check_refusal(const TestDaemon& daemon, const Refusal& refusal) {
    BOOST_TEST_CONTEXT(refusal.code << ": " << refusal.request.substr(0, 200)) {
        HttpClient client(daemon.http_port());
        const auto answer = client.exchange(refusal.request);
        BOOST_TEST(answer.status == refusal.status);
        BOOST_TEST(answer.header("Content-Type") == "application/json");
        BOOST_TEST(answer.body.starts_with(
                       fmt::format(R"({{"status":"error","code":"{}","message":")", refusal.code)),
                   answer.body);
        BOOST_TEST(daemon.post(R"({"sn":"good"})").status == 200);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_refusals)

BOOST_AUTO_TEST_CASE(each_bad_request_gets_its_code_and_leaves_no_row) {
    const std::string padding(70'000, 'x');
    const std::vector<Refusal> refusals = {
        {post_request(R"({"sn":"bad",})"), 400, "malformed_json"},
        {post_request(R"({"sn":"bad"} {"sn":"bad"})"), 400, "trailing_data"},
        {with_header("Content-Type: application/json\r\nContent-Length: 6") + "\"text\"", 400,
         "unsupported_shape"},
        {post_request(R"({"sn":"bad","a":)" + std::string(1000, '[') + std::string(1000, ']') +
                      "}"),
         400, "too_deep"},
        {post_request("neither the one nor the other"), 400, "malformed_pairs"},
        {post_request(R"({"sn":"bad"})", "/nowhere"), 404, "not_found"},
        {"DELETE /v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n", 405, "method_not_allowed"},
        {"BREW /v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n", 501, "unknown_method"},
        {with_header("Transfer-Encoding: gzip, chunked"), 501, "unsupported_transfer_coding"},
        {"POST http://other/v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n", 400, "bad_target"},
        {with_header("Content-Length: 70000"), 413, "body_too_large"},
        {with_header("Content-Length: 99999999999999999999999"), 400, "bad_header"},
        {with_header("Content-Length: 5\r\nContent-Length: 6"), 400, "bad_header"},
        {with_header("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400, "bad_header"},
        {with_header("Transfer-Encoding: chunked") + "zz\r\n", 400, "bad_body"},
        {with_header("Content-Encoding: br\r\nContent-Length: 2") + "{}", 415,
         "unsupported_encoding"},
        {with_header("Expect: a-miracle\r\nContent-Length: 2"), 417, "expectation_failed"},
        {with_header("a header line without a colon"), 400, "bad_header"},
        {with_header("Folded: one\r\n two"), 400, "bad_header"},
        {with_header("X-Pad: " + padding), 431, "headers_too_large"},
        {"hello\r\n\r\n", 400, "bad_request_line"},
        {"POST /v1/checkins?a b HTTP/1.1\r\nHost: r\r\n\r\n", 400, "bad_request_line"},
        {"POST /v1/checkins HTTP/2.0\r\nHost: r\r\n\r\n", 505, "version_not_supported"},
    };
    TestDaemon daemon;
    for (const auto& refusal : refusals) check_refusal(daemon, refusal);

    for (const auto& refusal : refusals)
        BOOST_TEST(daemon.metric(fmt::format(
                       R"(rollcall_checkins_rejected_total{{transport="http",code="{}"}})",
                       refusal.code)) >= 1,
                   refusal.code);
    const std::string good = std::to_string(refusals.size());
    BOOST_TEST(daemon.query_until(good, "SELECT COUNT(*) FROM site_checkins") == good);
    BOOST_TEST(daemon.query("SELECT COUNT(*) FROM site_checkins WHERE site_id <> 'good'") == "0");
}

BOOST_AUTO_TEST_CASE(response_to_malformed_json_names_the_byte_at_fault) {
    const TestDaemon daemon;
    const auto answer = daemon.post(R"({"a":1,"uptime":1w2d})");
    BOOST_TEST(answer.status == 400);
    BOOST_TEST(answer.body.starts_with(R"({"status":"error","code":"malformed_json",)"));
    const size_t at = answer.body.find(R"("offset":)");
    BOOST_REQUIRE_MESSAGE(at != std::string::npos, answer.body);
    const int offset = std::stoi(answer.body.substr(at + 9));
    BOOST_TEST(offset >= 16);  // The bad value lies between these offsets.
    BOOST_TEST(offset <= 20);
}

BOOST_AUTO_TEST_CASE(response_to_a_wrong_method_lists_the_right_ones) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const auto answer = client.exchange("DELETE /v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n");
    BOOST_TEST(answer.status == 405);
    BOOST_TEST(answer.header("Allow").find("POST") != std::string::npos, answer.head);
}

BOOST_AUTO_TEST_CASE(connection_stays_open_after_a_bad_body) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    BOOST_TEST(client.post("{]").status == 400);
    BOOST_TEST(client.post("{}").status == 200);
}

BOOST_AUTO_TEST_CASE(too_large_body_is_refused_before_it_is_sent) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    client.send("POST /v1/checkins HTTP/1.1\r\nHost: r\r\nContent-Length: 1000000000\r\n\r\n");
    BOOST_TEST(client.receive().status == 413);

    HttpClient polite(daemon.http_port());
    polite.send(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\n"
        "Content-Length: 1000000000\r\n\r\n");
    BOOST_TEST(polite.receive().status == 413);
}

BOOST_AUTO_TEST_CASE(too_large_chunked_body_is_refused_when_the_limit_is_passed) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    client.send(with_header("Transfer-Encoding: chunked"));
    const std::string chunk = fmt::format("8000\r\n{}\r\n", std::string(0x8000, ' '));
    for (int sent = 0; sent < 3; ++sent) client.send(chunk);
    BOOST_TEST(client.receive().status == 413);
}

BOOST_AUTO_TEST_CASE(request_that_does_not_arrive_in_time_is_ended_with_408) {
    const TestDaemon daemon({.settings = {R"(http.request_timeout_max = "1s")"}});
    HttpClient client(daemon.http_port());
    client.send("POST /v1/checkins HTTP/1.1\r\nContent-Le");
    BOOST_TEST(client.receive().status == 408);
    BOOST_TEST(client.connection().ends_within(patience));
}

BOOST_AUTO_TEST_CASE(at_log_level_debug_each_refusal_names_the_path_or_topic_and_the_sender) {
    const TestDaemon daemon({.arguments = {"--set", "log_level=debug"}});
    for (const char* path : {"/nowhere?token=secret", "/adopt/HX%201"})
        BOOST_TEST(HttpClient(daemon.http_port()).exchange(post_request(R"({"a":)", path)).status >=
                   400);
    const auto published =
        run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(daemon.mqtt_port()), "-q",
             "1", "-i", "router-7", "-t", "elsewhere/7", "-m", "{}"});
    BOOST_TEST(published.status == 0, published.errors);
    BOOST_TEST(daemon.says("refused over http: code=not_found address=127.0.0.1 target=/nowhere\n"),
               daemon.log());
    BOOST_TEST(
        daemon.says("refused over http: code=malformed_json address=127.0.0.1 target=/adopt/ "
                    "client=\"HX 1\"\n"),
        daemon.log());
    BOOST_TEST(
        daemon.says("refused over mqtt: code=unknown_topic address=127.0.0.1 target=elsewhere/7 "
                    "client=router-7\n"),
        daemon.log());
    BOOST_TEST(daemon.log().find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
