#include "config/metrics.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <set>
#include <vector>

using namespace rollcall;

namespace {

size_t first_cell(Metric metric) { return metric_offsets[static_cast<size_t>(metric)]; }

// Returns the bucket of the histogram that counts an observation of `micros`.
size_t bucket_of(int64_t micros) {
    MetricShard shard;
    shard.observe(Metric::ack_seconds, micros);
    size_t bucket = 0;
    while (shard.read(Metric::ack_seconds, bucket) == 0) ++bucket;
    return bucket;
}

// Returns the cells of a new shard that `change` modifies.
std::vector<size_t> cells_touched(const auto& change) {
    MetricShard shard;
    change(shard);
    std::vector<size_t> cells;
    for (size_t cell = 0; cell < metric_cells; ++cell)
        if (shard.read(cell) != 0) cells.push_back(cell);
    return cells;
}

template <class Names>
bool all_different(const Names& names) {
    return std::set<std::string_view>(std::begin(names), std::end(names)).size() ==
           std::size(names);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(counters_and_only_counters_end_in_total) {
    for (const auto& metric : metrics_table)
        BOOST_TEST(metric.name.ends_with("_total") == (metric.kind == MetricKind::counter),
                   metric.name);
}

BOOST_AUTO_TEST_CASE(ratios_and_only_ratios_end_in_ratio) {
    for (const auto& metric : metrics_table)
        BOOST_TEST(metric.name.ends_with("_ratio") == (metric.kind == MetricKind::ratio),
                   metric.name);
}

BOOST_AUTO_TEST_CASE(histograms_are_in_seconds_and_have_no_labels) {
    for (const auto& metric : metrics_table) {
        if (metric.kind != MetricKind::histogram) continue;
        BOOST_TEST(metric.name.ends_with("_seconds"), metric.name);
        BOOST_TEST((metric.labels == Labels::none), metric.name);  // observe() takes no label.
    }
}

BOOST_AUTO_TEST_CASE(names_in_each_table_are_all_different) {
    std::vector<std::string_view> names;
    for (const auto& metric : metrics_table) names.push_back(metric.name);
    BOOST_TEST(all_different(names));
    BOOST_TEST(all_different(code_names));
    BOOST_TEST(all_different(warning_names));
    BOOST_TEST(all_different(dead_reason_names));
}

BOOST_AUTO_TEST_CASE(every_description_is_a_sentence) {
    for (const auto& metric : metrics_table) BOOST_TEST(metric.help.ends_with('.'), metric.name);
}

BOOST_AUTO_TEST_CASE(the_text_of_a_code_is_its_name) {
    BOOST_TEST(to_text(Code::malformed_json) == "malformed_json");
    BOOST_TEST(to_text(Code::spool_locked) == "spool_locked");
    BOOST_TEST(to_text(Warning::empty_body) == "empty_body");
    BOOST_TEST(to_text(Warning::kv_fragment_ignored) == "kv_fragment_ignored");
    BOOST_TEST(to_text(Transport::mqtt) == "mqtt");
    BOOST_TEST(to_text(SinkName::discard) == "discard");
}

BOOST_AUTO_TEST_CASE(no_two_metrics_and_labels_share_a_cell) {
    std::vector<int> users(metric_cells);
    for (size_t i = 0; i < metrics_count; ++i) {
        const auto metric = static_cast<Metric>(i);
        if (metrics_table[i].kind == MetricKind::histogram) {
            for (const int64_t bound : histogram_bounds_us) {
                const auto cells =
                    cells_touched([&](MetricShard& shard) { shard.observe(metric, bound); });
                BOOST_TEST(cells.size() == 2);  // The cells of the bucket and of the sum.
                ++users[cells[0]];
            }
            const auto cells =
                cells_touched([&](MetricShard& shard) { shard.observe(metric, INT64_MAX); });
            ++users[cells.at(0)];
            ++users[cells.at(1)];
        } else {
            for (size_t label = 0; label < label_values(metrics_table[i].labels); ++label)
                for (const size_t cell :
                     cells_touched([&](MetricShard& shard) { shard.add(metric, 1, label); }))
                    ++users[cell];
        }
    }
    BOOST_TEST(std::ranges::all_of(users, [](int count) { return count == 1; }));
}

BOOST_AUTO_TEST_CASE(every_transport_and_code_has_its_own_label) {
    std::set<size_t> labels;
    for (const Transport transport : {Transport::http, Transport::mqtt})
        for (size_t code = 0; code < std::size(code_names); ++code)
            labels.insert(label_of(transport, static_cast<Code>(code)));
    BOOST_TEST(labels.size() == label_values(Labels::transport_code));
    BOOST_TEST(*labels.rbegin() == labels.size() - 1);
}

BOOST_AUTO_TEST_CASE(add_sums_and_set_replaces) {
    MetricShard shard;
    shard.add(Metric::sink_rows_total, 5, label_of(SinkName::discard));
    shard.add(Metric::sink_rows_total, 7, label_of(SinkName::discard));
    BOOST_TEST(shard.read(Metric::sink_rows_total, label_of(SinkName::discard)) == 12);
    BOOST_TEST(shard.read(Metric::sink_rows_total, label_of(SinkName::sqlite)) == 0);

    shard.add(Metric::connections, 3, label_of(Transport::http));
    shard.add(Metric::connections, -1, label_of(Transport::http));
    BOOST_TEST(shard.read(Metric::connections, label_of(Transport::http)) == 2);
    shard.set(Metric::connections, 9, label_of(Transport::http));
    BOOST_TEST(shard.read(Metric::connections, label_of(Transport::http)) == 9);
}

BOOST_AUTO_TEST_CASE(the_bounds_of_a_histogram_rise) {
    const auto& bounds = histogram_bounds_us;
    BOOST_TEST((std::ranges::adjacent_find(bounds, std::ranges::greater_equal{}) == bounds.end()));
}

BOOST_AUTO_TEST_CASE(a_bucket_counts_values_up_to_its_bound) {
    for (size_t i = 0; i < histogram_bounds_us.size(); ++i) {
        BOOST_TEST(bucket_of(histogram_bounds_us[i]) == i);
        BOOST_TEST(bucket_of(histogram_bounds_us[i] + 1) == i + 1);
    }
    BOOST_TEST(bucket_of(0) == 0);
}

BOOST_AUTO_TEST_CASE(the_last_cell_of_a_histogram_is_the_sum) {
    MetricShard shard;
    for (const int64_t micros : {50, 300, 99'000'000}) shard.observe(Metric::ack_seconds, micros);
    const size_t sum = first_cell(Metric::ack_seconds) + histogram_bounds_us.size() + 1;
    BOOST_TEST(shard.read(sum) == 99'000'350);
    BOOST_TEST(sum + 1 == metric_offsets[static_cast<size_t>(Metric::ack_seconds) + 1]);
}

BOOST_AUTO_TEST_SUITE_END()
