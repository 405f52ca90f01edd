// The pages of the admin server.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "config/metrics.h"
#include "tests/support/free_port.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

// Prometheus types in the order of MetricKind; a ratio is a gauge.
constexpr std::string_view kind_names[] = {"counter", "gauge", "gauge", "histogram"};

}  // namespace

BOOST_AUTO_TEST_SUITE(admin)

BOOST_AUTO_TEST_CASE(promtool_finds_nothing_wrong_with_the_metrics) {
    const TestDaemon daemon;
    BOOST_TEST(daemon.post("{}").status == 200);
    const auto answer = daemon.admin("/metrics");
    BOOST_TEST(answer.status == 200);
    BOOST_TEST(answer.header("Content-Type").starts_with("text/plain; version=0.0.4"));
    const auto checked = run({"promtool", "check", "metrics"}, {}, answer.body);
    BOOST_TEST(checked.status == 0);
    BOOST_TEST(checked.output + checked.errors == "");
}

// In OpenMetrics, the metadata of a counter has the counter's name without `_total`. If Prometheus
// read the page in its older text format, it would have no metadata for rollcall_spool_syncs.
BOOST_AUTO_TEST_CASE(prometheus_reads_the_metrics_as_openmetrics) {
    const TestDaemon daemon;
    const TemporaryDirectory directory;
    const std::string config = directory.path() / "prometheus.yml";
    std::ofstream(config) << fmt::format(
        "scrape_configs: [{{job_name: rollcall, scrape_interval: 1s, static_configs: "
        "[{{targets: ['127.0.0.1:{}']}}]}}]\n",
        daemon.admin_port());
    const uint16_t port = free_port();
    const Process prometheus({"prometheus", "--config.file=" + config,
                              "--storage.tsdb.path=" + (directory.path() / "data").string(),
                              fmt::format("--web.listen-address=127.0.0.1:{}", port)});
    const auto ask = [&](std::string_view what) {
        return run({"curl", "--silent", "--retry", "30", "--retry-connrefused", "--retry-delay",
                    "1", fmt::format("http://127.0.0.1:{}/api/v1/{}", port, what)})
            .output;
    };
    std::string metadata;
    for (auto deadline = std::chrono::steady_clock::now() + patience;
         metadata.find("Total number of syncs of the spool.") == metadata.npos;
         metadata = ask("targets/metadata?metric=rollcall_spool_syncs"))
        BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline),
                           metadata + prometheus.errors());
    BOOST_TEST(ask("targets").find(R"("health":"up")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_metric_of_the_table_is_on_the_page_with_its_kind) {
    const TestDaemon daemon;
    const std::string page = daemon.admin("/metrics").body;
    for (const auto& metric : metrics_table)
        BOOST_TEST(page.find(fmt::format("# TYPE rollcall_{} {}\n", metric.name,
                                         kind_names[static_cast<size_t>(metric.kind)])) !=
                       std::string::npos,
                   metric.name);
    BOOST_TEST(page.find("rollcall_build_info{version=\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(metrics_count_accepted_and_stored_check_ins) {
    const TestDaemon daemon;
    HttpClient http(daemon.http_port());
    for (int seq = 0; seq < 3; ++seq) BOOST_TEST(http.post(R"({"sn":"S","cpu":7})").status == 200);
    BOOST_TEST(http.post("{]").status == 400);
    MqttClient mqtt(daemon.mqtt_port(), "client");
    mqtt.publish("checkins/S", "cpu=7;uptime=broken", 1);
    BOOST_TEST(mqtt.puback() == 1);
    BOOST_TEST(daemon.query_until("4", "SELECT COUNT(*) FROM site_checkins") == "4");

    struct Line {
        std::string_view name;
        double value;
    };
    for (const auto& [name, value] : {
             Line{R"(rollcall_checkins_accepted_total{transport="http"})", 3},
             Line{R"(rollcall_checkins_accepted_total{transport="mqtt"})", 1},
             Line{R"(rollcall_checkins_rejected_total{transport="http",code="malformed_json"})", 1},
             Line{R"(rollcall_checkins_warned_total{code="bad_value"})", 1},
             Line{R"(rollcall_connections{transport="http"})", 1},
             Line{R"(rollcall_connections{transport="mqtt"})", 1},
             Line{"rollcall_ack_seconds_count", 4},
             Line{"rollcall_spool_lost_records_total", 0},
         })
        BOOST_TEST(daemon.metric(name) == value, name << " is " << daemon.metric(name));
    BOOST_TEST(daemon.metric("rollcall_spool_syncs_total") >= 1);
    // The sink updates the count after its transaction, so sqlite3 may see rows that are not
    // counted yet.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (daemon.metric(R"(rollcall_sink_rows_total{sink="sqlite"})") < 4 &&
           std::chrono::steady_clock::now() < deadline)
        continue;
    BOOST_TEST(daemon.metric(R"(rollcall_sink_rows_total{sink="sqlite"})") == 4);
    BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="sqlite"})") == 1);
}

BOOST_AUTO_TEST_CASE(health_and_readiness_are_answered) {
    const TestDaemon daemon;
    BOOST_TEST(daemon.admin("/healthz").status == 200);
    BOOST_TEST(daemon.admin("/readyz").status == 200);
    BOOST_TEST(daemon.admin("/nowhere").status == 404);
}

BOOST_AUTO_TEST_CASE(check_in_port_does_not_show_the_operators_pages) {
    const TestDaemon daemon;
    HttpClient client(daemon.http_port());
    BOOST_TEST(client.get("/metrics").status == 404);
}

BOOST_AUTO_TEST_SUITE_END()
