#include "daemon/admin/metrics_export.h"

#include <boost/test/unit_test.hpp>
#include <set>

namespace rollcall {

namespace {

bool has_line(const std::string& page, const std::string& line) {
    return page.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(admin_metrics_export)

BOOST_AUTO_TEST_CASE(counters_of_all_threads_are_summed) {
    MetricShard first;
    MetricShard second;
    first.add(Metric::checkins_accepted_total, 3, label_of(Transport::mqtt));
    second.add(Metric::checkins_accepted_total, 4, label_of(Transport::mqtt));
    second.add(Metric::checkins_rejected_total, 1, label_of(Transport::http, Code::body_too_large));
    const std::string page = render_metrics({&first, &second}, "1.2.3");
    BOOST_TEST(has_line(page, "rollcall_checkins_accepted_total{transport=\"mqtt\"} 7"));
    BOOST_TEST(has_line(page, "rollcall_checkins_accepted_total{transport=\"http\"} 0"));
    BOOST_TEST(has_line(
        page, "rollcall_checkins_rejected_total{transport=\"http\",code=\"body_too_large\"} 1"));
    BOOST_TEST(has_line(page, "rollcall_build_info{version=\"1.2.3\"} 1"));
}

BOOST_AUTO_TEST_CASE(histogram_is_in_seconds_and_cumulative) {
    MetricShard shard;
    for (const int64_t us : {50, 400, 400, 99'000'000}) shard.observe(Metric::ack_seconds, us);
    const std::string page = render_metrics({&shard}, "");
    BOOST_TEST(has_line(page, "rollcall_ack_seconds_bucket{le=\"0.0001\"} 1"));
    BOOST_TEST(has_line(page, "rollcall_ack_seconds_bucket{le=\"0.0005\"} 3"));
    BOOST_TEST(has_line(page, "rollcall_ack_seconds_bucket{le=\"5\"} 3"));
    BOOST_TEST(has_line(page, "rollcall_ack_seconds_bucket{le=\"+Inf\"} 4"));
    BOOST_TEST(has_line(page, "rollcall_ack_seconds_count 4"));
    BOOST_TEST(page.find("rollcall_ack_seconds_sum 99.00085") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(ratio_is_a_gauge_in_ones) {
    MetricShard shard;
    shard.set(Metric::pressure_ratio, 125'000);
    const std::string page = render_metrics({&shard}, "");
    BOOST_TEST(has_line(page, "# TYPE rollcall_pressure_ratio gauge"));
    BOOST_TEST(has_line(page, "rollcall_pressure_ratio 0.125"));
}

BOOST_AUTO_TEST_CASE(observations_of_all_threads_are_counted_and_summed) {
    MetricShard first;
    MetricShard second;
    for (const int64_t us : {50, 400}) first.observe(Metric::ack_seconds, us);
    second.observe(Metric::ack_seconds, 99'000'000);
    second.observe(Metric::spool_sync_seconds, 7);
    const Observed all = observed({&first, &second}, Metric::ack_seconds);
    BOOST_TEST(all.count == 3);
    BOOST_TEST(all.micros == 99'000'450);
}

BOOST_AUTO_TEST_CASE(only_sinks_in_use_are_shown) {
    MetricShard shard;
    shard.set(Metric::sink_up, 1, label_of(SinkName::sqlite));
    const std::string page = render_metrics({&shard}, "");
    BOOST_TEST(has_line(page, "rollcall_sink_rows_total{sink=\"sqlite\"} 0"));
    BOOST_TEST(
        has_line(page, "rollcall_dead_letters_total{sink=\"sqlite\",reason=\"constraint\"} 0"));
    BOOST_TEST(page.find("discard") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(sink_that_has_never_been_up_is_shown_as_down) {
    MetricShard shard;
    shard.add(Metric::sink_errors_total, 1, label_of(SinkName::sqlite));
    BOOST_TEST(has_line(render_metrics({&shard}, ""), "rollcall_sink_up{sink=\"sqlite\"} 0"));
}

BOOST_AUTO_TEST_CASE(every_metric_has_its_description) {
    const std::string page = render_metrics({}, "");
    for (const auto& metric : metrics_table) {
        const std::string line =
            "# HELP rollcall_" + std::string(metric.name) + " " + std::string(metric.help) + "\n";
        BOOST_TEST_CONTEXT(metric.name) BOOST_TEST(page.find(line) != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(openmetrics_describes_a_counter_without_its_total) {
    MetricShard shard;
    shard.add(Metric::spool_syncs_total, 3);
    const std::string page = render_metrics({&shard}, "1", MetricsFormat::openmetrics);
    BOOST_TEST(has_line(page, "# HELP rollcall_spool_syncs Total number of syncs of the spool."));
    BOOST_TEST(has_line(page, "# TYPE rollcall_spool_syncs counter"));
    BOOST_TEST(has_line(page, "rollcall_spool_syncs_total 3"));
    BOOST_TEST(has_line(page, "# TYPE rollcall_spool_full gauge"));
    BOOST_TEST(has_line(page, "# TYPE rollcall_ack_seconds histogram"));
    BOOST_TEST(page.ends_with("rollcall_build_info{version=\"1\"} 1\n# EOF\n"));
}

BOOST_AUTO_TEST_CASE(no_two_metrics_have_one_name_in_openmetrics) {
    std::set<std::string_view> names;
    for (const auto& metric : metrics_table) {
        std::string_view name = metric.name;
        if (name.ends_with("_total")) name.remove_suffix(6);
        BOOST_TEST(names.insert(name).second, name);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
