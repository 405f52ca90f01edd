#include "daemon/readings.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(readings)

BOOST_AUTO_TEST_CASE(values_of_all_threads_are_summed_label_by_label) {
    Slab first;
    Slab second;
    first.add(Metric::checkins_accepted_total, 3, label_of(Transport::mqtt));
    second.add(Metric::checkins_accepted_total, 4, label_of(Transport::mqtt));
    const Slabs slabs{&first, &second};
    BOOST_TEST(sum(slabs, Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 7);
    BOOST_TEST(sum(slabs, Metric::checkins_accepted_total, label_of(Transport::http)) == 0);
}

BOOST_AUTO_TEST_CASE(buckets_of_a_histogram_count_what_is_no_more_than_their_bound) {
    Slab first;
    Slab second;
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
    const auto labels =
        labels_at(Labels::transport_code, label_of(Transport::mqtt, Code::body_too_large));
    BOOST_REQUIRE(labels.size() == 2);
    BOOST_TEST(labels[0].name == "transport");
    BOOST_TEST(labels[0].value == "mqtt");
    BOOST_TEST(labels[1].name == "code");
    BOOST_TEST(labels[1].value == "body_too_large");
    BOOST_TEST(labels_at(Labels::none, 0).empty());
}

BOOST_AUTO_TEST_CASE(a_sink_is_shown_when_it_has_been_up_or_has_failed) {
    Slab slab;
    slab.set(Metric::sink_up, 1, label_of(SinkName::kafka));
    slab.add(Metric::sink_errors_total, 1, label_of(SinkName::sqlite));
    const Slabs slabs{&slab};
    BOOST_TEST(shown(slabs, Labels::sink, label_of(SinkName::kafka)));
    BOOST_TEST(shown(slabs, Labels::sink, label_of(SinkName::sqlite)));
    BOOST_TEST(!shown(slabs, Labels::sink, label_of(SinkName::discard)));
    const size_t of_kafka = label_of(SinkName::kafka, DeadReason::too_large);
    const size_t of_discard = label_of(SinkName::discard, DeadReason::too_large);
    BOOST_TEST(shown(slabs, Labels::sink_reason, of_kafka));
    BOOST_TEST(!shown(slabs, Labels::sink_reason, of_discard));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
