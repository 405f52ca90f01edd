#include "daemon/admin/status.h"

#include <boost/test/unit_test.hpp>
#include <chrono>

#include "pipeline/decode/decode.h"
#include "pipeline/decode/json_cursor.h"

namespace rollcall {

namespace {

struct StatusFixture {
    [[nodiscard]] bool page_says(std::string_view text) const {
        return render_status_page(status).find(text) != std::string::npos;
    }
    [[nodiscard]] bool json_says(std::string_view text) const {
        return render_status_json(status).find(text) != std::string::npos;
    }

    MetricShard shard;
    MetricShards shards{&shard};
    Status status{"9.9", {}, 3 * 86'400 + 4 * 3'600 + 5 * 60 + 6, {}, {}, {}, shards};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(admin_status, StatusFixture)

BOOST_AUTO_TEST_CASE(healthy_daemon_is_ready_and_shows_its_uptime) {
    BOOST_TEST(page_says("<p class=\"ready\">ready</p>"));
    BOOST_TEST(page_says("Up 3 d 04:05:06."));
    BOOST_TEST(!page_says("<li>"));
    BOOST_TEST(json_says("\"ready\": true"));
    BOOST_TEST(json_says("\"up_seconds\": 273906"));
    BOOST_TEST(json_says("\"health_messages\": []"));
    BOOST_TEST(!json_says("\"reason\""));
}

BOOST_AUTO_TEST_CASE(reason_and_health_messages_are_shown) {
    status.not_ready = "the spool is full";
    status.health_messages = {"sink kafka: no broker", "pipeline p: is stopped"};
    BOOST_TEST(page_says("<p class=\"trouble\">not ready: the spool is full</p>"));
    BOOST_TEST(page_says("<li>sink kafka: no broker</li>\n<li>pipeline p: is stopped</li>"));
    BOOST_TEST(json_says("\"ready\": false,\n  \"reason\": \"the spool is full\""));
    BOOST_TEST(json_says("\"sink kafka: no broker\",\n    \"pipeline p: is stopped\""));
}

BOOST_AUTO_TEST_CASE(state_of_each_sink_is_shown_with_its_cause) {
    status.sinks = {{SinkName::sqlite, SinkState::up, std::chrono::seconds(90), "", 0, 12},
                    {SinkName::kafka, SinkState::down, std::chrono::seconds(7), "no \"x\"", 3, 0}};
    BOOST_TEST(
        page_says("<p>Sink sqlite: up for 00:01:30.</p>\n<p>Sink kafka: down for 00:00:07."));
    BOOST_TEST(json_says(R"("state": "down")"));
    BOOST_TEST(json_says(R"("cause": "no \"x\"")"));
    BOOST_TEST(json_says(R"("failed_attempts": 3)"));
    BOOST_TEST(json_says(R"("since_seconds": 90)"));
    BOOST_TEST(json_says(R"("dead_letters": 12)"));
}

BOOST_AUTO_TEST_CASE(foreign_text_is_escaped_in_html_and_json) {
    status.health_messages = {"<script>alert(\"1 & 2\")</script>", "a\tb\xff"};
    BOOST_TEST(page_says("<li>&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;</li>"));
    BOOST_TEST(json_says(R"("a\tb)"
                         "\xef\xbf\xbd\""));
    std::string page = render_status_json(status);
    const size_t bytes = page.size();
    page.append(body_padding, '\0');
    JsonCursor cursor({page.data(), bytes});
    BOOST_TEST((cursor.skip() && cursor.finish()));
}

BOOST_AUTO_TEST_CASE(unknown_keys_and_warned_versions_are_shown_and_escaped) {
    BOOST_TEST(!page_says("Unknown keys"));
    BOOST_TEST(json_says("\"unknown_keys\": []"));
    status.observations = {
        .unknown_keys = {{"cpu_laod", 3000, 0, "number", Column::cpu_load},
                         {"<script>\n\"x\"", 12, 2, "text of 4 bytes", {}}},
        .warned_versions = {{"unit_guessed", "6.49<b>", 7, 0}, {"no_metrics", "", 5, 0}}};
    BOOST_TEST(
        page_says("<td>cpu_laod</td><td class=\"number\">3,000</td><td class=\"help\">"
                  "number; like cpu_load</td>"));
    BOOST_TEST(
        page_says("<td>&lt;script&gt;\n&quot;x&quot;</td><td class=\"number\">10 to 12</td>"));
    BOOST_TEST(
        page_says("<td>unit_guessed</td><td class=\"number\">7</td><td class=\"help\">"
                  "6.49&lt;b&gt;</td>"));
    BOOST_TEST(
        page_says("<td>no_metrics</td><td class=\"number\">5</td><td class=\"help\">"
                  "not known</td>"));
    BOOST_TEST(!page_says("<script>"));
    BOOST_TEST(json_says(R"("resembles": "cpu_load")"));
    BOOST_TEST(json_says(R"("name": "<script>\n\"x\"")"));
    BOOST_TEST(json_says(R"("version": "6.49<b>")"));
}

BOOST_AUTO_TEST_CASE(pipeline_that_is_watched_is_shown_with_its_lag_and_last_error) {
    BOOST_TEST(!page_says("Pipeline"));
    BOOST_TEST(!json_says("\"pipeline\""));
    PipelineStatus& pipeline = status.pipeline.emplace();
    pipeline.pipeline = "p";
    pipeline.state = PipelineState::running;
    pipeline.lag_rows = 1200;
    pipeline.lag = std::chrono::seconds(61);
    pipeline.last_error = "1933 <x>";
    pipeline.last_error_age = std::chrono::seconds(5);
    BOOST_TEST(
        page_says("<p>Pipeline p: running, 1,200 rows and 00:01:01 behind, 0 messages "
                  "skipped; last error 00:00:05 ago: 1933 &lt;x&gt;.</p>"));
    BOOST_TEST(json_says("\"lag_rows\": 1200"));
    pipeline.not_singlestore = true;
    BOOST_TEST(page_says("Pipeline p: not a SingleStore"));
    BOOST_TEST(json_says("\"state\": \"not a SingleStore\""));
}

BOOST_AUTO_TEST_CASE(page_shows_nonzero_metrics_with_their_descriptions) {
    shard.add(Metric::checkins_accepted_total, 1'234'567, label_of(Transport::mqtt));
    shard.set(Metric::pressure_ratio, ratio_one / 8);
    shard.observe(Metric::ack_seconds, 1'500);
    BOOST_TEST(
        page_says("<td>checkins_accepted_total mqtt</td><td class=\"number\">1,234,567</td>"
                  "<td class=\"help\">Total number of check-ins that were acknowledged after being "
                  "synced to disk.</td>"));
    BOOST_TEST(!page_says("checkins_accepted_total http"));
    BOOST_TEST(page_says("<td>pressure_ratio</td><td class=\"number\">0.125</td>"));
    BOOST_TEST(page_says("<td>ack_seconds</td><td class=\"number\">1.500 ms on average</td>"));
    BOOST_TEST(!page_says("spool_sync_seconds"));
}

BOOST_AUTO_TEST_CASE(json_has_every_metric_with_its_labels) {
    shard.add(Metric::checkins_rejected_total, 3, label_of(Transport::http, Code::malformed_json));
    shard.set(Metric::sink_up, 1, label_of(SinkName::kafka));
    shard.set(Metric::pressure_ratio, ratio_one / 8);
    shard.observe(Metric::ack_seconds, 1'500);
    const std::string page = render_status_json(status);
    for (const auto& metric : metrics_table)
        BOOST_TEST(page.find("\"" + std::string(metric.name) + "\": ") != std::string::npos,
                   metric.name);
    BOOST_TEST(json_says("\"malformed_json\": 3"));
    BOOST_TEST(json_says("\"sink_up\": {\n      \"kafka\": 1\n    }"));
    BOOST_TEST(json_says("\"pressure_ratio\": 0.125"));
    BOOST_TEST(json_says("\"ack_seconds\": {\n      \"count\": 1,\n      \"sum\": 0.0015\n    }"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
