#include "daemon/admin/metrics_snapshot.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(admin_metrics_snapshot)

BOOST_AUTO_TEST_CASE(values_of_all_threads_are_summed_label_by_label) {
    MetricShard first;
    MetricShard second;
    first.add(Metric::checkins_accepted_total, 3, label_of(Transport::mqtt));
    second.add(Metric::checkins_accepted_total, 4, label_of(Transport::mqtt));
    const MetricShards shards{&first, &second};
    BOOST_TEST(sum(shards, Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 7);
    BOOST_TEST(sum(shards, Metric::checkins_accepted_total, label_of(Transport::http)) == 0);
}

BOOST_AUTO_TEST_CASE(buckets_of_a_histogram_count_values_up_to_their_bound) {
    MetricShard first;
    MetricShard second;
    for (const int64_t us : {50, 400}) first.observe(Metric::ack_seconds, us);
    for (const int64_t us : {400, 99'000'000}) second.observe(Metric::ack_seconds, us);
    const Observed all = observed({&first, &second}, Metric::ack_seconds);
    BOOST_TEST(all.count == 4);
    BOOST_TEST(all.micros == 99'000'850);
    BOOST_TEST(all.below.front() == 1);
    BOOST_TEST(all.below[histogram_bounds_us.size() - 1] == 3);
    BOOST_TEST(all.below.back() == 4);
}

BOOST_AUTO_TEST_CASE(a_value_among_two_sets_of_labels_has_one_of_each) {
    MetricShard shard;
    shard.add(Metric::checkins_rejected_total, 7, label_of(Transport::mqtt, Code::body_too_large));
    const auto all = values_of({&shard}, Metric::checkins_rejected_total);
    const auto found =
        std::ranges::find_if(all, [](const MetricValue& reading) { return reading.value == 7; });
    BOOST_REQUIRE((found != all.end() && found->labels.size() == 2));
    BOOST_TEST(found->labels[0].name == "transport");
    BOOST_TEST(found->labels[0].value == "mqtt");
    BOOST_TEST(found->labels[1].name == "code");
    BOOST_TEST(found->labels[1].value == "body_too_large");
    BOOST_TEST(values_of({&shard}, Metric::spool_syncs_total)[0].labels.empty());
}

BOOST_AUTO_TEST_CASE(only_a_sink_that_has_been_up_or_has_failed_has_values) {
    MetricShard shard;
    shard.set(Metric::sink_up, 1, label_of(SinkName::kafka));
    shard.add(Metric::sink_errors_total, 1, label_of(SinkName::sqlite));
    for (const Metric metric : {Metric::sink_rows_total, Metric::dead_letters_total}) {
        std::set<std::string_view> sinks;
        for (const MetricValue& reading : values_of({&shard}, metric))
            sinks.insert(reading.labels.at(0).value);
        BOOST_TEST((sinks == std::set<std::string_view>{"kafka", "sqlite"}));
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
