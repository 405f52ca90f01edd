#include "daemon/http/session.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <thread>

#include "daemon/admin/metrics_export.h"
#include "daemon/overload/controller.h"
#include "tests/support/http_client.h"
#include "tests/support/http_statements.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view report = R"({"serial":"S1","cpu_count":4})";

// Returns a list that is larger than the maximum size of one report.
std::string large_list() {
    const std::string item = R"({"serial":"S1","note":")" + std::string(200, 'x') + R"("})";
    std::string list = "[" + item;
    while (list.size() < Settings().http.body_size_max.count) list += "," + item;
    return list + "]";
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(http_session, WorkerFixture)

BOOST_AUTO_TEST_CASE(requests_in_one_packet_are_answered_in_their_order) {
    start();
    HttpClient client(http_port);
    // The responses must have the order of the requests, although only the first and the last one
    // wait for the disk.
    client.send(post_request(report) + post_request("{") +
                "GET /nowhere HTTP/1.1\r\nHost: r\r\n\r\n" + post_request(report));
    for (const int status : {200, 400, 404, 200}) BOOST_TEST(client.receive().status == status);
}

BOOST_AUTO_TEST_CASE(request_in_single_bytes_is_understood) {
    start();
    HttpClient client(http_port);
    for (const char letter : post_request(report)) client.send({&letter, 1});
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(client.post(report).status == 200);
}

BOOST_AUTO_TEST_CASE(chunked_body_is_put_together) {
    start();
    HttpClient client(http_port);
    client.send("POST /v1/checkins HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("8;x=y\r\n{\"cpu_co\r\n");
    client.send("9\r\nunt\": 4 }\r\n0\r\nTrailer: t\r\n\r\n");
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(client.post(report).status == 200);
}

BOOST_AUTO_TEST_CASE(waiting_client_is_told_to_go_on) {
    start();
    HttpClient client(http_port);
    client.send(
        "POST /poll HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    BOOST_TEST(client.connection().take(25) == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("{}");
    BOOST_TEST(client.receive().status == 200);
    // RFC 9110, section 10.1.1: no 100 Continue for a request without a body.
    client.send("GET /poll?cpu=4 HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\n\r\n");
    BOOST_TEST(client.receive().status == 200);
}

BOOST_AUTO_TEST_CASE(connection_ends_after_the_answer_if_the_client_wants_so) {
    start();
    for (const std::string version : {"1.0", "1.1"}) {
        HttpClient client(http_port);
        client.send("POST /poll HTTP/" + version + "\r\n" +
                    (version == "1.1" ? "Host: r\r\nConnection: close\r\n" : "") +
                    "Content-Length: 2\r\n\r\n{}");
        const HttpResponse answer = client.receive();
        BOOST_TEST(answer.status == 200);
        BOOST_TEST(answer.header("Connection") == "close");
        BOOST_TEST(client.connection().ends_within(2s));
    }
}

// RFC 9112, section 9.6: the daemon must not close the connection right after the response. If it
// did, bytes that follow the request would cause a reset, and the reset could discard the response.
BOOST_AUTO_TEST_CASE(answer_to_the_last_request_outlives_what_comes_behind_it) {
    start();
    HttpClient client(http_port);
    client.send("POST /poll HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}" + std::string(200'000, 'x'));
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(!client.connection().is_reset_within(300ms));
}

BOOST_AUTO_TEST_CASE(http_1_0_client_may_ask_to_stay) {
    start();
    HttpClient client(http_port);
    for (int request = 0; request < 2; ++request) {
        client.send("POST /poll HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}");
        BOOST_TEST(client.receive().header("Connection") == "keep-alive");
    }
}

BOOST_AUTO_TEST_CASE(client_that_sends_no_more_still_gets_its_answer) {
    start();
    HttpClient client(http_port);
    client.send(post_request(report));
    client.connection().end_sending();
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(client.connection().ends_within(2s));
}

BOOST_AUTO_TEST_CASE(refused_head_with_a_body_behind_it_ends_the_connection) {
    start();
    HttpClient client(http_port);
    client.send("POST /nowhere HTTP/1.1\r\nHost: r\r\nContent-Length: 5\r\n\r\nabcde");
    const HttpResponse answer = client.receive();
    BOOST_TEST(answer.status == 404);
    BOOST_TEST(answer.header("Connection") == "close");
    BOOST_TEST(client.connection().ends_within(4s));
}

BOOST_AUTO_TEST_CASE(what_is_no_request_is_answered_once_and_nothing_behind_it_is_done) {
    settings.http.paths = {"/a"};
    start();
    for (const HttpStatement& statement : http_statements()) {
        if (statement.refused.empty()) continue;
        const auto code = std::ranges::find(code_names, statement.refused);
        BOOST_TEST_REQUIRE((code != std::end(code_names)), statement.refused);
        const int status = info(static_cast<Code>(code - std::begin(code_names))).http_status;
        HttpClient client(http_port);
        client.send(statement.bytes + post_request(report));
        const std::string answers = client.connection().take_rest();
        BOOST_TEST_CONTEXT(statement.section << ": " << statement.words) {
            BOOST_TEST(answers.starts_with("HTTP/1.1 " + std::to_string(status) + " "), answers);
            BOOST_TEST(answers.find("Date: ") == answers.rfind("Date: "), answers);
            BOOST_TEST(answers.find("\r\nConnection: close\r\n") != std::string::npos, answers);
        }
    }
    BOOST_TEST(counted(Metric::checkins_accepted_total) == 0);
}

BOOST_AUTO_TEST_CASE(unfinished_request_is_cut_in_time_and_told_so) {
    settings.http.request_timeout_max = Millis(500);
    start();
    HttpClient client(http_port);
    client.send("POST /poll HTTP/1.1\r\nContent-Le");
    BOOST_TEST(client.receive().status == 408);
    BOOST_TEST(counted(Metric::checkins_rejected_total, label_of(Transport::http, Code::timeout)) ==
               1);
}

BOOST_AUTO_TEST_CASE(header_has_less_time_than_a_request) {
    settings.http.header_timeout_max = Millis(300);
    settings.http.request_timeout_max = Millis(60'000);
    start();
    HttpClient client(http_port);
    // Single bytes do not extend the time limit.
    for (const char letter : std::string_view("POST /poll HTTP/")) {
        client.send({&letter, 1});
        std::this_thread::sleep_for(100ms);
    }
    BOOST_TEST(client.receive().status == 408);
    BOOST_TEST(counted(Metric::checkins_rejected_total, label_of(Transport::http, Code::timeout)) ==
               1);
}

BOOST_AUTO_TEST_CASE(body_that_trickles_is_cut_and_one_that_comes_at_the_rate_is_taken) {
    settings.http.header_timeout_max = Millis(300);
    settings.http.body_rate_min = Bytes{1000};
    start();
    HttpClient trickling(http_port);
    HttpClient steady(http_port);
    const std::string body = R"({"serial":"S1","note":")" + std::string(4000, 'x') + R"("})";
    const std::string request = post_request(body);
    const size_t header_bytes = request.size() - body.size();
    trickling.send(request.substr(0, header_bytes + 10));
    for (size_t at = 0; at < request.size(); at += 500) {  // 2,500 bytes a second.
        steady.send(request.substr(at, 500));
        std::this_thread::sleep_for(200ms);
    }
    BOOST_TEST(steady.receive().status == 200);
    const HttpResponse answer = trickling.receive();
    BOOST_TEST(answer.status == 408);
    BOOST_TEST(answer.body.find("too_slow") != std::string::npos);
    BOOST_TEST(
        counted(Metric::checkins_rejected_total, label_of(Transport::http, Code::too_slow)) == 1);
}

BOOST_AUTO_TEST_CASE(idle_connection_is_closed_in_silence) {
    settings.http.idle_timeout_max = Millis(300);
    start();
    HttpClient client(http_port);
    BOOST_TEST(client.post(report).status == 200);
    BOOST_TEST(client.connection().ends_within(4s));
}

// RFC 9110, section 9.3.2.
BOOST_AUTO_TEST_CASE(refusal_of_a_request_for_the_head_alone_has_no_body) {
    start();
    HttpClient client(http_port);
    client.send("HEAD /v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n" + post_request(report));
    TcpClient& raw = client.connection();
    size_t head_bytes = 0;
    while ((head_bytes = raw.peek().find("\r\n\r\n")) == std::string::npos && raw.receive())
        continue;
    BOOST_TEST(raw.take(head_bytes + 4).starts_with("HTTP/1.1 405 "));
    BOOST_TEST(client.receive().status == 200);
    TcpClient broken(http_port);
    broken.send("HEAD / HTTP/1.1\r\n\r\n");
    BOOST_TEST(broken.take_rest().ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(list_whose_client_waits_to_be_told_has_more_time_than_a_second) {
    start();
    const std::string list = large_list();
    HttpClient client(http_port);
    client.send(fmt::format(
        "POST /poll HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        list.size()));
    BOOST_TEST(client.connection().take(25) == "HTTP/1.1 100 Continue\r\n\r\n");
    std::this_thread::sleep_for(1700ms);
    client.send(list);
    BOOST_TEST(client.receive().status == 200);
}

BOOST_AUTO_TEST_CASE(large_list_may_begin_with_blanks_that_come_alone) {
    start();
    const std::string list = large_list();
    for (const std::string blanks : {" ", "\r\n \t", "\xEF\xBB\xBF"}) {
        HttpClient client(http_port);
        const std::string request = post_request(blanks + list);
        const size_t body_at = request.size() - list.size();
        client.send(request.substr(0, body_at));
        std::this_thread::sleep_for(50ms);
        client.send(request.substr(body_at));
        BOOST_TEST(client.receive().status == 200);
    }
    HttpClient client(http_port);
    client.send(post_request(std::string(settings.http.body_size_max.count + 1, ' ')));
    BOOST_TEST(client.receive().status == 413);
}

BOOST_AUTO_TEST_CASE(full_spool_stops_reading_and_nothing_is_dropped) {
    settings.spool.size_max = Bytes{64 * 1024};
    start();
    constexpr int reports = 1500;
    HttpClient client(http_port);
    std::thread sender([&] {
        for (int number = 0; number < reports; ++number) client.send(post_request(report));
    });
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (counted(Metric::ring_full_total) == 0 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(counted(Metric::ring_full_total) > 0);
    gate.advance(1);
    int answered = 0;
    for (int number = 0; number < reports; ++number) answered += client.receive().status == 200;
    sender.join();
    BOOST_TEST(answered == reports);
    BOOST_TEST(counted(Metric::checkins_accepted_total) == reports);
}

BOOST_AUTO_TEST_CASE(request_that_has_waited_its_time_for_a_full_spool_is_told_so) {
    settings.spool.size_max = Bytes{64 * 1024};
    settings.http.request_timeout_max = Millis(500);
    start();
    std::string many;
    for (int number = 0; number < 1500; ++number) many += post_request(report);
    const HttpClient flood(http_port);
    flood.send(many);
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    const auto wait_until = [&](auto condition) {
        while (!condition() && std::chrono::steady_clock::now() < give_up)
            std::this_thread::sleep_for(5ms);
        BOOST_TEST_REQUIRE(condition());
    };
    wait_until([&] { return pipeline->load().full; });
    const int64_t before = counted(Metric::ring_full_total);
    const HttpClient late_flood(http_port);
    late_flood.send(many);
    wait_until([&] { return counted(Metric::ring_full_total) > before; });

    HttpClient canonical(http_port);
    HttpResponse refusal = canonical.post(report);
    BOOST_TEST(refusal.status == 503);
    BOOST_TEST(refusal.body.starts_with(R"({"status":"error","code":"ring_full",)"));
    HttpClient rpc(http_port);
    refusal = rpc.post(R"({"id":7,"jsonrpc":"2.0","params":{"report":{"uptime":1}}})");
    BOOST_TEST(refusal.status == 503);
    BOOST_TEST(refusal.body.starts_with(R"({"jsonrpc":"2.0","error":{"code":-32000,)"));
    BOOST_TEST(refusal.body.ends_with(R"(,"id":null})"));
}

BOOST_AUTO_TEST_CASE(pressure_and_site_decide_when_the_next_report_is_asked_for) {
    settings.replies.next_jitter = 0;
    settings.replies.next_factor_max = 4;
    start();
    HttpClient client(http_port);
    BOOST_TEST(client.post(report).body.ends_with(R"("next":30})"));
    OverloadController controller(settings, shared->overload);
    controller.watch({.spool_load =
                          [this] {
                              return SpoolLoad{.backlog_bytes = settings.spool.size_max.count,
                                               .sync_began_us = {}};
                          },
                      .ack_times = {}});
    controller.measure(clock.steady_us());
    BOOST_TEST(client.post(report).body.ends_with(R"("next":120})"));
}

BOOST_AUTO_TEST_CASE(head_that_is_refused_is_not_the_sender_of_the_request_before) {
    start();
    HttpClient client(http_port);
    BOOST_TEST(client.exchange(post_request("{", "/adopt/r1")).status == 400);
    BOOST_TEST(counted(Metric::liveness_rows_total, label_of(Transport::http)) == 1);
    BOOST_TEST(client.exchange(post_request("{", "/adopt/r2")).status == 400);
    BOOST_TEST(counted(Metric::liveness_rows_total, label_of(Transport::http)) == 2);
    BOOST_TEST(client.post("{").status == 400);
    // The body is larger than any body may be, so it is refused before authentication.
    BOOST_TEST(
        client.exchange("POST /adopt/r3 HTTP/1.1\r\nHost: r\r\nContent-Length: 99999999\r\n\r\n")
            .status == 413);
    BOOST_TEST(counted(Metric::liveness_rows_total, label_of(Transport::http)) == 2);
}

BOOST_AUTO_TEST_CASE(script_that_runs_the_response_gets_an_empty_one_unless_it_asks_for_json) {
    start();
    HttpClient client(http_port);
    const auto body_of = [&](std::string_view path, std::string_view headers,
                             std::string_view body) {
        const HttpResponse response = client.exchange(
            fmt::format("POST {} HTTP/1.1\r\nHost: r\r\n{}Content-Length: {}\r\n\r\n{}", path,
                        headers, body.size(), body));
        BOOST_TEST(response.status == 200, path << ' ' << body);
        return response.body;
    };
    const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (const char* path : {"/poll", "/adopt/HX1"}) {
        for (const std::string& headers :
             {std::string(), form, std::string("Content-Type: text/plain\r\n")})
            for (const char* body : {"cpu=7&uptime=1d", "cpu-load=7;uptime=2d", ""})
                BOOST_TEST(body_of(path, headers, body) == "", path << headers << body);
        BOOST_TEST(client.get(fmt::format("{}?cpu=7&uptime=4d", path)).body == "");
        BOOST_TEST(body_of(path, "", R"({"cpu_load":7})").starts_with(R"({"status":"ok")"));
        BOOST_TEST(body_of(path, "Accept: application/json\r\n", "cpu=7&seq=1")
                       .starts_with(R"({"status":"ok")"));
    }
    BOOST_TEST(body_of("/v1/checkins", form, "cpu=7&seq=2").starts_with(R"({"status":"ok")"));
}

BOOST_AUTO_TEST_CASE(client_of_influxdb_gets_204_or_the_reason) {
    start();
    HttpClient client(http_port);
    for (const char* path : {"/write?db=x&u=a&p=b", "/api/v2/write?org=o&bucket=b&precision=s"}) {
        BOOST_TEST(client.exchange(post_request("system,serial=HX1 cpu_load=7i 1", path)).status ==
                   204);
        BOOST_TEST(client.exchange(post_request("weather wind=7", path)).status == 400);
    }
}

BOOST_AUTO_TEST_CASE(client_that_reads_no_answers_is_not_read_from) {
    settings.general.output_size_max = 16_KiB;
    start();
    gate.advance(1);
    HttpClient client(http_port);
    constexpr int reports = 30'000;  // About 5 MB of responses, more than the socket buffers hold.
    std::thread sender([&] {
        std::string many;
        for (int number = 0; number < 100; ++number) many += post_request(report);
        for (int sent = 0; sent < reports; sent += 100) client.send(many);
    });
    std::this_thread::sleep_for(500ms);
    BOOST_TEST(counted(Metric::checkins_accepted_total) < reports);
    int answered = 0;
    for (int number = 0; number < reports; ++number) answered += client.receive().status == 200;
    sender.join();
    BOOST_TEST(answered == reports);
}

BOOST_AUTO_TEST_CASE(client_that_never_reads_its_answers_is_cut) {
    settings.general.output_size_max = 16_KiB;
    settings.general.output_timeout_max = Millis(1000);
    settings.general.pending_acks_max = 1'000'000;
    start();
    gate.advance(1);
    TcpClient client(http_port);
    std::string many;
    for (int number = 0; number < 100; ++number) many += post_request(report);
    const auto send_for_ever = [&] {
        for (;;) client.send(many);
    };
    BOOST_CHECK_THROW(send_for_ever(), ConnectionEnded);
    BOOST_TEST(counted(Metric::checkins_rejected_total,
                       label_of(Transport::http, Code::responses_not_read)) == 1);
    const auto give_up = std::chrono::steady_clock::now() + 5s;
    while (counted(Metric::connections) > 0 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(counted(Metric::connections) == 0);
}

BOOST_AUTO_TEST_CASE(no_more_answers_wait_for_the_disk_than_a_client_may_have) {
    settings.ingest.slot_rows_max = 1024;
    settings.general.pending_acks_max = 3;
    start();
    constexpr int reports = 100;
    std::string many;
    for (int number = 0; number < reports; ++number) many += post_request(report);
    HttpClient client(http_port);
    client.send(many);
    for (int number = 0; number < reports; ++number) BOOST_TEST(client.receive().status == 200);
    // At most three responses wait for each sync, so there must be many syncs.
    BOOST_TEST(sum(pipeline->shards(), Metric::spool_syncs_total) >= reports / 3);
}

BOOST_AUTO_TEST_CASE(connection_of_an_address_beyond_its_limit_is_closed_and_counted) {
    settings.general.connections_per_address_max = 1;
    start();
    {
        HttpClient first(http_port);
        BOOST_TEST(first.post(report).status == 200);
        HttpClient second(http_port);
        BOOST_TEST(second.connection().ends_within(2s));
        BOOST_TEST(counted(Metric::checkins_rejected_total,
                           label_of(Transport::http, Code::too_many_from_address)) == 1);
        BOOST_TEST(first.post(report).status == 200);
    }
    // A closed connection must no longer count, so the daemon accepts the third connection.
    const auto give_up = std::chrono::steady_clock::now() + 5s;
    while (counted(Metric::connections) > 0 && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    HttpClient third(http_port);
    BOOST_TEST(third.post(report).status == 200);
}

BOOST_AUTO_TEST_CASE(connection_beyond_the_limit_is_closed_and_counted) {
    settings.general.connections_max = 2;
    start();
    HttpClient first(http_port);
    HttpClient second(http_port);
    BOOST_TEST(first.post(report).status == 200);
    BOOST_TEST(second.post(report).status == 200);
    HttpClient third(http_port);
    BOOST_TEST(third.connection().ends_within(2s));
    BOOST_TEST(counted(Metric::checkins_rejected_total,
                       label_of(Transport::http, Code::too_many_connections)) == 1);
    BOOST_TEST(first.post(report).status == 200);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
