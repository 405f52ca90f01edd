// Check-ins over HTTP in the forms that routers and people send, and the resulting rows.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <regex>

#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

Finished curl(const TestDaemon& daemon, std::vector<std::string> arguments,
              std::string_view path = "/v1/checkins") {
    std::vector<std::string> command{"curl", "--silent", "--show-error", "--include"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(fmt::format("http://127.0.0.1:{}{}", daemon.http_port(), path));
    return run(command);
}

std::string seq(int number) { return fmt::format(R"({{"serial_number":"S","seq":{}}})", number); }

// Selects the numbers of all check-ins in the order of acceptance.
constexpr std::string_view all_seq =
    "SELECT group_concat(seq) FROM (SELECT seq FROM site_checkins ORDER BY rowid)";

}  // namespace

BOOST_AUTO_TEST_SUITE(http)

BOOST_AUTO_TEST_CASE(posted_json_is_answered_as_routers_need_it_and_becomes_a_row) {
    const TestDaemon daemon({.settings = {"replies.next_jitter = 0"}});
    const auto answer = curl(daemon, {"--json", R"json({"identity":"tower-1","serial_number":"HX1",
        "version":"7.17 (stable)","uptime":"1w2d03:04:05","cpu-count":4,"cpu-load":"7%",
        "total-memory":"1GiB","free-memory":1073741824,"voltage":"24.1V","lat":-33.5})json"});
    const std::regex expected(
        "HTTP/1\\.1 200 OK\r\nDate: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} [0-9:]{8} GMT\r\n"
        "Content-Type: application/json\r\nContent-Length: (\\d+)\r\n\r\n"
        R"((\{"status":"ok","accepted":1,"server_time":\d{10},"next":30\}))");
    std::smatch parts;
    BOOST_REQUIRE_MESSAGE(std::regex_match(answer.output, parts, expected), answer.output);
    BOOST_TEST(std::stol(parts[1]) == parts[2].length());

    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(id) FROM site_checkins") == "1");
    BOOST_TEST(daemon.query("SELECT site_id, online, transport, source_ip, identity, serial_number,"
                            " version, channel, uptime_s, cpu_count, cpu_load, mem_total, mem_free,"
                            " voltage_v, lat FROM site_checkins") ==
               "HX1|1|http|127.0.0.1|tower-1|HX1|7.17|stable|788645|4|7|1073741824|1073741824|24.1"
               "|-33.5");
    BOOST_TEST(daemon.query("SELECT model IS NULL, warnings IS NULL, extra IS NULL,"
                            " abs(julianday('now') - julianday(received_at)) < 0.01"
                            " FROM site_checkins") == "1|1|1|1");
}

BOOST_AUTO_TEST_CASE(post_without_a_length_has_an_empty_body_and_the_connection_stays_open) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const auto empty = client.exchange("POST /v1/checkins HTTP/1.1\r\nHost: r\r\n\r\n");
    BOOST_TEST(empty.status == 200);
    BOOST_TEST(empty.body.find(R"("warnings":["empty_body"])") != std::string::npos, empty.body);
    BOOST_TEST(client.post(seq(1)).status == 200);
}

BOOST_AUTO_TEST_CASE(health_check_and_options_are_answered_between_check_ins) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const auto healthy = client.get("/healthz");
    BOOST_TEST(healthy.status == 200);
    BOOST_TEST(healthy.body == "ok\n");
    const auto wrong = client.exchange("DELETE /healthz HTTP/1.1\r\nHost: r\r\n\r\n");
    BOOST_TEST(wrong.status == 405);
    BOOST_TEST(wrong.header("Allow") == "GET, HEAD, OPTIONS");
    const auto options = client.exchange("OPTIONS * HTTP/1.1\r\nHost: r\r\n\r\n");
    BOOST_TEST(options.status == 200);
    BOOST_TEST(options.header("Allow") == "GET, POST, PUT, OPTIONS");
    BOOST_TEST(client
                   .exchange("POST http://r/v1/checkins HTTP/1.1\r\nHost: r\r\n"
                             "Content-Length: 2\r\n\r\n{}")
                   .status == 200);
    // The daemon does not read a body that the request does not need. So it must close the
    // connection after the response.
    const auto closing =
        client.exchange("GET /healthz HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}");
    BOOST_TEST(closing.status == 200);
    BOOST_TEST(closing.header("Connection") == "close");
}

BOOST_AUTO_TEST_CASE(posted_key_value_list_becomes_a_row) {
    const TestDaemon daemon;
    const auto answer =
        curl(daemon, {"--data", "identity=CPT;serial-number=HF1;cpu-count=4;uptime=2d00:05:10"});
    BOOST_TEST(answer.output.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(daemon.query_until("HF1|CPT|4|173110",
                                  "SELECT site_id, identity, cpu_count, uptime_s"
                                  " FROM site_checkins") == "HF1|CPT|4|173110");
}

BOOST_AUTO_TEST_CASE(warnings_are_in_the_answer_and_in_the_row) {
    const TestDaemon daemon;
    const auto answer = daemon.post(R"({"serial_number":"S","cpu_load":250,"cpu_count":4})");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.body.find(R"("warnings":["out_of_range:)") != std::string::npos, answer.body);
    BOOST_TEST(daemon.query_until("1|4",
                                  "SELECT cpu_load IS NULL, cpu_count FROM site_checkins"
                                  " WHERE warnings LIKE 'out_of_range:%'") == "1|4");
}

BOOST_AUTO_TEST_CASE(dashboard_queries_count_and_sum_what_was_posted) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    for (int cores = 1; cores <= 100; ++cores)
        BOOST_TEST(client.post(fmt::format("serial=S{};cpu-count={}", cores, cores)).status == 200);
    BOOST_TEST(
        daemon.query_until("100|5050", "SELECT COUNT(id), SUM(cpu_count) FROM site_checkins") ==
        "100|5050");
}

BOOST_AUTO_TEST_CASE(every_documented_path_accepts_a_check_in) {
    const TestDaemon daemon({.settings = {R"(http.paths = ["/my/own"])"}});
    HttpClient client(daemon.http_port());
    for (const auto* path : {"/v1/checkins", "/poll", "/adopt/HX1", "/update", "/config", "/my/own",
                             "/update?login=4c:5e:0c:11:22:38"})
        BOOST_TEST(client.exchange(post_request(seq(1), path)).status == 200, path);
}

BOOST_AUTO_TEST_CASE(connection_stays_open_for_the_next_post) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    BOOST_TEST(client.post(seq(1)).status == 200);
    BOOST_TEST(client.post(seq(2)).status == 200);
    BOOST_TEST(daemon.query_until("1,2", all_seq) == "1,2");
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_their_order) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    // A response that needs no sync must still wait for the responses before it.
    client.send(post_request(seq(1)) + "GET /nowhere HTTP/1.1\r\nHost: r\r\n\r\n" +
                post_request(seq(2)) + post_request("{]") + post_request(seq(3)));
    for (const int status : {200, 404, 200, 400, 200})
        BOOST_TEST(client.receive().status == status);
    BOOST_TEST(daemon.query_until("1,2,3", all_seq) == "1,2,3");
}

BOOST_AUTO_TEST_CASE(request_may_arrive_byte_by_byte) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    for (const char byte : post_request(seq(1))) client.send({&byte, 1});
    BOOST_TEST(client.receive().status == 200);
}

BOOST_AUTO_TEST_CASE(chunked_body_is_put_together) {
    const TestDaemon daemon;
    const auto answer = curl(
        daemon, {"--header", "Transfer-Encoding: chunked", "--json", R"({"sn":"CH","seq":5})"});
    BOOST_TEST(answer.output.starts_with("HTTP/1.1 200 OK\r\n"), answer.output);

    HttpClient client(daemon.http_port());
    client.send(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\n\r\n"
        "7;extension=1\r\n{\"sn\":\"\r\n1\r\nC\r\n");
    client.send("A\r\nH\",\"seq\":6\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n");
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(daemon.query_until("CH5,CH6",
                                  "SELECT group_concat(site_id || seq) FROM (SELECT *"
                                  " FROM site_checkins ORDER BY seq)") == "CH5,CH6");
}

BOOST_AUTO_TEST_CASE(client_that_expects_100_continue_receives_it_before_it_sends_the_body) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const std::string body = seq(1);
    client.send(
        fmt::format("POST /v1/checkins HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\n"
                    "Content-Length: {}\r\n\r\n",
                    body.size()));
    BOOST_TEST(client.receive().status == 100);
    client.send(body);
    BOOST_TEST(client.receive().status == 200);

    const auto answer = curl(daemon, {"--header", "Expect: 100-continue", "--json", seq(2)});
    BOOST_TEST(answer.output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
               answer.output);
}

BOOST_AUTO_TEST_CASE(http_1_0_client_gets_its_answer_and_the_end_of_the_connection) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const std::string body = seq(1);
    client.send(fmt::format("POST /v1/checkins HTTP/1.0\r\nContent-Length: {}\r\n\r\n{}",
                            body.size(), body));
    const auto answer = client.receive();
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.body.starts_with(R"({"status":"ok","accepted":1,)"), answer.body);
    BOOST_TEST(client.connection().ends_within(patience));
    BOOST_TEST(curl(daemon, {"--http1.0", "--json", seq(2)}).output.find(" 200 OK\r\n") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(raw_spaces_in_a_url_are_accepted_if_the_setting_allows_them) {
    const TestDaemon daemon({.settings = {"http.raw_spaces_in_target = true"}});
    HttpClient client(daemon.http_port());
    const auto answer = client.exchange(
        "GET /v1/checkins?serial=S1&uptime=1d02:03:04&version=7.15.3 (stable)&model=RB5009UG+S+"
        "&boardName=hAP ac lite&note=a HTTP/1.1 b HTTP/1.1\r\nHost: r\r\n\r\n");
    BOOST_TEST(answer.status == 200, answer.body);
    // In a URL with raw spaces nothing is encoded, so a plus is a plus.
    const std::string expected = "S1|93784|7.15.3|stable|RB5009UG+S+|hAP ac lite|a HTTP/1.1 b";
    BOOST_TEST(daemon.query_until(expected,
                                  "SELECT site_id, uptime_s, version, channel, model, board_name,"
                                  " json_extract(extra, '$.note') FROM site_checkins") == expected);
    BOOST_TEST(client.post(seq(2)).status == 200);
    BOOST_TEST(client.exchange(post_request("seq=1", "/v1/check ins")).status == 404);
}

BOOST_AUTO_TEST_CASE(connection_close_is_honoured) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    const auto answer = client.exchange(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nConnection: close\r\nContent-Length: "
        "2\r\n\r\n{}");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(client.connection().ends_within(patience));
}

BOOST_AUTO_TEST_CASE(largest_body_a_router_can_send_is_accepted) {
    const TestDaemon daemon;
    const std::string body =
        fmt::format(R"({{"serial_number":"BIG","pad":"{}"}})", std::string(65'430 - 32, 'x'));
    BOOST_REQUIRE(body.size() == 65'430);
    BOOST_TEST(daemon.post(body).status == 200);
    BOOST_TEST(daemon.query_until("1",
                                  "SELECT COUNT(*) FROM site_checkins"
                                  " WHERE site_id = 'BIG'") == "1");
}

BOOST_AUTO_TEST_CASE(table_can_be_read_while_it_is_written) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    int seen = 0;
    for (int number = 1; number <= 300; ++number) {
        BOOST_TEST(client.post(seq(number)).status == 200);
        if (number % 30 == 0) {
            const int now = std::stoi(daemon.query("SELECT COUNT(*) FROM site_checkins"));
            BOOST_TEST(now >= seen);
            BOOST_TEST(now <= number);
            seen = now;
        }
    }
    BOOST_TEST(seen > 0);
}

BOOST_AUTO_TEST_CASE(nested_report_fills_columns_and_keeps_the_rest_without_secrets) {
    const TestDaemon daemon;
    const auto answer = curl(daemon, {"--json", R"json({"identity":{"name":"core"},
        "resource":{"uptime":"6d23h19m23s","cpu-count":"2","build-time":"2025-01-16 08:19:28"},
        "routerboard":{"serial-number":"8EED"},"wireless":[{"ssid":"A","key":"hunter22"}]})json"});
    BOOST_TEST(answer.output.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(daemon.query_until("8EED|core|602363|2",
                                  "SELECT site_id, identity, uptime_s, cpu_count"
                                  " FROM site_checkins") == "8EED|core|602363|2");
    BOOST_TEST(daemon.query("SELECT json_extract(extra, '$.resource.build-time'),"
                            " json_extract(extra, '$.wireless[0].ssid'),"
                            " instr(extra, 'hunter22') FROM site_checkins") ==
               "2025-01-16 08:19:28|A|0");
}

BOOST_AUTO_TEST_CASE(lists_and_lines_of_json_are_batches_with_a_result_for_each) {
    const TestDaemon daemon;
    const auto list = curl(daemon, {"--json", "[" + seq(1) + ",7," + seq(2) + "]"});
    BOOST_TEST(
        list.output.find(R"("accepted":2,"rejected":[{"index":1,"code":"unsupported_shape")") !=
        std::string::npos);
    const auto lines = curl(daemon, {"--header", "Content-Type: application/x-ndjson",
                                     "--data-binary", seq(3) + "\n{\"seq\":\n\n" + seq(4) + "\n"});
    BOOST_TEST(
        lines.output.find(R"("accepted":2,"rejected":[{"index":1,"code":"malformed_json")") !=
        std::string::npos);
    BOOST_TEST(daemon.query_until("1,2,3,4", all_seq) == "1,2,3,4");
}

BOOST_AUTO_TEST_CASE(list_may_be_larger_than_one_report) {
    const TestDaemon daemon;
    const std::string pad(600, 'x');
    std::string list = "[";
    for (int number = 0; number < 500; ++number)
        list += fmt::format(R"({}{{"sn":"S{}","pad":"{}"}})", number > 0 ? "," : "", number, pad);
    BOOST_TEST(HttpClient(daemon.http_port()).post(list + "]").status == 200);
    BOOST_TEST(daemon.query_until("500", "SELECT COUNT(*) FROM site_checkins") == "500");
    const std::string one = R"({"pad":")" + std::string(70'000, 'x') + "\"}";
    BOOST_TEST(HttpClient(daemon.http_port()).post(one).status == 413);
    std::string many = "[";
    for (int number = 0; number < 1001; ++number) many += number > 0 ? ",{}" : "{}";
    BOOST_TEST(HttpClient(daemon.http_port()).post(many + "]").status == 413);
}

BOOST_AUTO_TEST_CASE(too_large_report_is_refused_before_its_body_arrives) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    BOOST_TEST(
        client.exchange("POST /v1/checkins HTTP/1.1\r\nHost: r\r\nContent-Length: 70000\r\n\r\n")
            .status == 413);
}

BOOST_AUTO_TEST_CASE(query_and_header_fields_are_reports_too) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    BOOST_TEST(
        client.get("/poll?id=D716&cpu=9&mem=190840832,268435456&uptime=5w2d01:02:03").status ==
        200);
    BOOST_TEST(
        client
            .exchange(
                "POST /poll HTTP/1.1\r\nHost: r\r\nX-NSM-Serial: AC7C\r\nX-NSM-CPU-Load: 17\r\n"
                "X-NSM-Uptime: 2d03:04:05\r\nX-NSM-Device-Secret: hunter22\r\n"
                "X-Forwarded-For: 192.0.2.1\r\nContent-Length: 0\r\n\r\n")
            .status == 200);
    const std::string expected = "D716|9|190840832|268435456|3200523|\nAC7C|17|||183845|";
    BOOST_TEST(
        daemon.query_until(expected,
                           "SELECT site_id, cpu_load, mem_free, mem_total, uptime_s, warnings"
                           " FROM site_checkins ORDER BY rowid") == expected);
    BOOST_TEST(daemon.query("SELECT COUNT(extra) FROM site_checkins") == "0");
}

BOOST_AUTO_TEST_CASE(form_that_holds_json_is_read_as_json) {
    const TestDaemon daemon;
    for (const std::string body :
         {R"(data=[{"sn":"S","seq":1}])", "payload=%7B%22sn%22:%22S%22,%22seq%22:2%7D"})
        BOOST_TEST(curl(daemon, {"--data", body}).output.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(daemon.query_until("1,2", all_seq) == "1,2");
}

BOOST_AUTO_TEST_CASE(report_sent_twice_is_answered_twice_and_stored_once) {
    const TestDaemon daemon;
    const std::string report = R"({"sn":"S","uptime":"1d00:00:30","cpu_count":4})";
    for (int time = 0; time < 2; ++time) BOOST_TEST(daemon.post(report).status == 200);
    for (int time = 0; time < 2; ++time)
        BOOST_TEST(curl(daemon, {"--header", "Idempotency-Key: k1", "--json", R"({"sn":"T"})"})
                       .output.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(daemon.post(R"({"sn":"S","uptime":"1d00:01:00","cpu_count":4})").status == 200);
    BOOST_TEST(daemon.query_until("3", "SELECT COUNT(*) FROM site_checkins") == "3");
    BOOST_TEST(daemon.metric("rollcall_checkins_duplicate_total") == 2);
}

BOOST_AUTO_TEST_CASE(agents_of_other_servers_are_answered_in_their_dialect) {
    const TestDaemon daemon;
    const auto poll = curl(
        daemon, {"--header", "Content-Type: text/plain", "--data", "name=a;cpu-load=1"}, "/poll");
    BOOST_TEST(poll.output.ends_with("Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n"));
    const auto rpc =
        curl(daemon, {"--json", R"({"jsonrpc":"2.0","id":7,"params":{"report":{"uptime":1}}})"});
    BOOST_TEST(rpc.output.find(R"({"jsonrpc":"2.0","id":7,"result":{"status":"ok")") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(compressed_body_is_inflated_first) {
    const TestDaemon daemon;
    const auto answer =
        curl(daemon, {"--header", "Content-Encoding: gzip", "--data-binary",
                      "@" ROLLCALL_SOURCE_DIR "/tests/corpus/37-gzip-body.json.gz"});
    BOOST_TEST(answer.output.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(daemon.query_until("gz|4|788645",
                                  "SELECT identity, cpu_count, uptime_s FROM site_checkins") ==
               "gz|4|788645");
    const auto plain = curl(daemon, {"--header", "Content-Encoding: gzip", "--data", "{}"});
    BOOST_TEST(plain.output.find("bad_encoding") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
