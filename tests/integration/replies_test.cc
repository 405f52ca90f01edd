// Responses to routers: their dialect, and the reporting interval. Some cases test the rows that
// refused reports leave.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/mqtt_client.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

constexpr std::string_view login = "?login=4c:5e:0c:11:22:38&key=k";

std::string corpus(std::string_view file) {
    const auto path = fmt::format("{}/tests/corpus/{}", ROLLCALL_SOURCE_DIR, file);
    BOOST_TEST_REQUIRE(std::filesystem::exists(path));
    std::ostringstream bytes;
    bytes << std::ifstream(path).rdbuf();
    return bytes.str();
}

HttpResponse post(const TestDaemon& daemon, std::string_view path, std::string_view body) {
    return HttpClient(daemon.http_port()).exchange(post_request(body, path));
}

int next_in(const HttpResponse& answer) {
    std::smatch found;
    const bool there = std::regex_search(answer.body, found, std::regex("\"next\":(\\d+)\\}$"));
    BOOST_TEST_REQUIRE(there, answer.body);
    return std::stoi(found[1]);
}

constexpr std::string_view liveness_rows =
    "SELECT group_concat(row, ' ') FROM (SELECT DISTINCT site_id || '|' || warnings || '|' ||"
    " online || '|' || transport || '|' || coalesce(uptime_s, seq, cpu_count, extra, 'NULL') AS row"
    " FROM site_checkins ORDER BY site_id)";

}  // namespace

BOOST_AUTO_TEST_SUITE(replies)

BOOST_AUTO_TEST_CASE(each_site_has_its_own_next_always_the_same) {
    const TestDaemon daemon;
    std::set<int> all;
    for (int router = 0; router < 50; ++router) {
        const std::string report = fmt::format("serial=S{};seq=", router);
        const int next = next_in(daemon.post(report + "1"));
        BOOST_TEST(next_in(daemon.post(report + "2")) == next);
        BOOST_TEST(next >= 27);
        BOOST_TEST(next <= 33);
        all.insert(next);
    }
    BOOST_TEST(all.size() > 3);
    BOOST_TEST(daemon.metric("rollcall_pressure_ratio") == 0);
}

BOOST_AUTO_TEST_CASE(response_to_ispapp_update_sets_the_pace_of_its_agent) {
    const TestDaemon daemon({.settings = {"replies.next_jitter = 0"}});
    const std::string update = fmt::format("/update{}", login);
    const auto answer = [](int age) {
        return fmt::format(R"({{"updateFast":false,"lastUpdateOffsetSec":0,)"
                           R"("lastColUpdateOffsetSec":{},"cmds":[]}})",
                           age);
    };
    const std::string alive = corpus("08-ispapp-update-outage-only.json");
    BOOST_TEST(post(daemon, update, alive).body == answer(0));  // The router is not known yet.
    const auto first = post(daemon, update, corpus("07-ispapp-update-full.json"));
    BOOST_TEST(first.status == 200);
    BOOST_TEST(first.header("Content-Type") == "application/json");
    BOOST_TEST(first.body == answer(0));
    std::this_thread::sleep_for(std::chrono::milliseconds(2100));
    const std::string later = post(daemon, update, alive).body;
    BOOST_TEST((later == answer(2) || later == answer(3)), later);
    // No report of this other router has been received yet.
    BOOST_TEST(post(daemon, "/update?login=00:00:5e:00:53:01", alive).body == answer(0));
    // The first router has sent `alive` twice. These two reports are equal, so they give one row.
    BOOST_TEST(daemon.query_until("3", "SELECT COUNT(*) FROM site_checkins") == "3");
}

BOOST_AUTO_TEST_CASE(ispapp_config_is_answered_with_its_intervals) {
    const TestDaemon daemon({.settings = {R"(replies.next = "40s")", "replies.next_jitter = 0"}});
    BOOST_TEST(
        post(daemon, fmt::format("/config{}", login), corpus("06-ispapp-config.json")).body ==
        R"({"host":{"outageIntervalSeconds":40,"updateIntervalSeconds":40}})");
}

BOOST_AUTO_TEST_CASE(several_reports_to_ispapp_s_paths_have_a_result_each) {
    const TestDaemon daemon;
    BOOST_TEST(post(daemon, "/update", R"([{"sn":"A"},7])")
                   .body.starts_with(R"({"status":"ok","accepted":1,"rejected":[{"index":1,)"));
}

BOOST_AUTO_TEST_CASE(empty_list_is_an_empty_batch) {
    const TestDaemon daemon;
    for (const std::string_view path : {"/v1/checkins", "/update", "/adopt/HX1"}) {
        const auto answer = post(daemon, path, "[]");
        BOOST_TEST(answer.status == 200);
        BOOST_TEST(answer.body.starts_with(R"({"status":"ok","accepted":0,"server_time":)"),
                   answer.body);
        BOOST_TEST(next_in(answer) >= 27);
    }
    BOOST_TEST(daemon.post(R"({"sn":"good"})").status == 200);
    BOOST_TEST(daemon.query_until("good", "SELECT group_concat(site_id) FROM site_checkins") ==
               "good");
}

BOOST_AUTO_TEST_CASE(json_rpc_errors_have_its_format_and_keep_their_status) {
    const TestDaemon daemon;
    const auto broken =
        daemon.post(R"({"id":"a1","jsonrpc":"2.0","method":"agent.report","params":{"report":}})");
    BOOST_TEST(broken.status == 400);
    BOOST_TEST(broken.body == R"({"jsonrpc":"2.0","error":{"code":-32700,"message":)"
                              R"("The body is not valid JSON (RFC 8259).",)"
                              R"("data":{"code":"malformed_json","offset":70}},"id":"a1"})");
    // The body is truncated before its id.
    const auto cut = daemon.post(R"({"jsonrpc":"2.0","method":"agent.report","params":{)");
    BOOST_TEST(cut.body.starts_with(R"({"jsonrpc":"2.0","error":{"code":-32700,)"), cut.body);
    BOOST_TEST(cut.body.ends_with(R"("id":null})"), cut.body);
    const auto listed = daemon.post(R"([{"jsonrpc":"2.0","id":1},])");
    BOOST_TEST(listed.status == 400);
    BOOST_TEST(listed.body.ends_with(R"("id":null})"), listed.body);
    std::string many = R"([{"jsonrpc":"2.0","id":1})";
    for (int item = 0; item < 1000; ++item) many += ",{}";
    const auto crowd = daemon.post(many + "]");
    BOOST_TEST(crowd.status == 413);
    BOOST_TEST(crowd.body.starts_with(R"({"jsonrpc":"2.0","error":{"code":-32600,)"), crowd.body);
    // A request that is not JSON-RPC gets an error in the usual format, even on a connection that
    // has sent JSON-RPC.
    HttpClient client(daemon.http_port());
    BOOST_TEST(client.post(R"({"jsonrpc":"2.0","id":1,})").body.ends_with(R"("id":1})"));
    BOOST_TEST(client.post("{").body.starts_with(R"({"status":"error",)"));
    BOOST_TEST(client.exchange("BAD\r\n\r\n").body.starts_with(R"({"status":"error",)"));
}

BOOST_AUTO_TEST_CASE(malformed_report_of_a_known_router_is_refused_and_leaves_a_liveness_row) {
    const TestDaemon daemon;
    const struct {
        std::string path;
        std::string body;
        int status;
    } reports[] = {
        {"/adopt/a1", corpus("50-trailing-comma-interfaces.json"), 400},
        {"/adopt/a2", corpus("70-two-objects-concatenated.json"), 400},
        {"/adopt/a3", corpus("90-deep-nesting.json"), 400},
        {"/adopt/a4", corpus("66-oversize-70000.json"), 413},
        {"/v1/checkins?id=a5", corpus("54-unescaped-quote-identity.json"), 400},
        {"/update?login=a6&key=secret", corpus("51-missing-number-sequence.json"), 400},
        {"/adopt/a7", "[" + corpus("51-missing-number-sequence.json"), 400},
    };
    for (const auto& [path, body, status] : reports)
        BOOST_TEST(post(daemon, path, body).status == status, path);
    MqttClient mqtt(daemon.mqtt_port(), "client");
    mqtt.publish("checkins/a8", corpus("60-bare-none-gps.json"), 1);
    BOOST_TEST(mqtt.puback() == 1);
    // These requests do not identify a router.
    BOOST_TEST(daemon.post(corpus("85-unquoted-version.json")).status == 400);
    BOOST_TEST(post(daemon, "/nowhere?id=b1", "{").status == 404);

    const std::string expected =
        "a1|malformed_json|1|http|NULL a2|trailing_data|1|http|NULL a3|too_deep|1|http|NULL"
        " a4|body_too_large|1|http|NULL a5|malformed_json|1|http|NULL"
        " a6|malformed_json|1|http|NULL a7|malformed_json|1|http|NULL"
        " a8|malformed_json|1|mqtt|NULL";
    BOOST_TEST(daemon.query_until(expected, liveness_rows) == expected);
    BOOST_TEST(daemon.metric(R"(rollcall_liveness_rows_total{transport="http"})") == 7);
    BOOST_TEST(daemon.metric(R"(rollcall_liveness_rows_total{transport="mqtt"})") == 1);
    BOOST_TEST(daemon.metric(R"(rollcall_checkins_accepted_total{transport="http"})") == 0);
}

BOOST_AUTO_TEST_CASE(malformed_reports_leave_one_row_a_minute_and_valid_ones_are_all_stored) {
    TestDaemon daemon({.arguments = {"--set", "workers=2"}});
    for (int time = 0; time < 20; ++time) {
        BOOST_TEST(post(daemon, "/adopt/r1", "{").status == 400);
        BOOST_TEST(post(daemon, "/adopt/r1", fmt::format("seq={}", time)).status == 200);
    }
    // No response waits for liveness rows, but a clean stop stores them.
    BOOST_TEST(daemon.stop().value() == 0);
    daemon.start();
    BOOST_TEST(daemon.query_until("20", "SELECT COUNT(seq) FROM site_checkins") == "20");
    BOOST_TEST(daemon.query("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM site_checkins"
                            " WHERE warnings = 'malformed_json'"
                            " GROUP BY strftime('%Y-%m-%d %H:%M', received_at))") == "1");
}

BOOST_AUTO_TEST_SUITE_END()
