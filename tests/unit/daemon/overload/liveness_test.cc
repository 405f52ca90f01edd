#include "daemon/overload/liveness.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

namespace rollcall {

namespace {

constexpr int64_t minute_us = 60'000'000;

struct LivenessFixture {
    [[nodiscard]] Sender sender(std::string_view device, std::string_view query = {}) const {
        return {Transport::mqtt, "192.0.2.1", device, now_us, query};
    }
    Columns& rows() { return intake.ring().at(0); }
    [[nodiscard]] int64_t counted(Metric metric) const {
        return shard.read(metric, label_of(Transport::mqtt));
    }

    int64_t now_us = 1'790'000'040'000'000;  // The start of a minute.
    Wakeup wakeup;
    MetricShard shard;
    Intake intake{{2, 3, 4 * row_text_max, 65536, 10}, {}, wakeup, shard};
    LastSeen last_seen{1024};
    Liveness liveness{intake, last_seen, shard};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(overload_liveness, LivenessFixture)

BOOST_AUTO_TEST_CASE(row_says_who_when_and_why_and_nothing_else) {
    liveness.refused(Code::too_deep, sender("r1"));
    BOOST_TEST(rows().rows() == 1);
    BOOST_TEST(rows().text(0, Column::site_id) == "r1");
    BOOST_TEST(rows().text(0, Column::warnings) == "too_deep");
    BOOST_TEST(rows().text(0, Column::transport) == "mqtt");
    BOOST_TEST(rows().text(0, Column::source_ip) == "192.0.2.1");
    BOOST_TEST(rows().integer(0, Column::received_at) == now_us);
    BOOST_TEST(rows().integer(0, Column::online) == 1);
    BOOST_TEST(rows().mask(0) ==
               (bit(Column::site_id) | bit(Column::warnings) | bit(Column::transport) |
                bit(Column::source_ip) | bit(Column::received_at) | bit(Column::online)));
    BOOST_TEST(counted(Metric::liveness_rows_total) == 1);
}

BOOST_AUTO_TEST_CASE(site_may_stand_in_the_query_of_which_nothing_else_is_kept) {
    liveness.refused(Code::malformed_json,
                     sender("", "login=4c:5e:0c:11:22:38&key=secret&cpu-load=5&bogus=1"));
    liveness.refused(Code::malformed_json, sender("adopted", "id=HX1&uptime=1d"));
    BOOST_TEST(rows().rows() == 2);
    BOOST_TEST(rows().text(0, Column::site_id) == "4C:5E:0C:11:22:38");
    BOOST_TEST(rows().text(1, Column::site_id) ==
               "HX1");  // An accepted report with this query would have the same site.
    BOOST_TEST(rows().mask(0) == rows().mask(1));
    BOOST_TEST(!rows().has(1, Column::serial_number));
    BOOST_TEST(!rows().has(0, Column::extra));
}

BOOST_AUTO_TEST_CASE(sender_that_is_known_by_its_address_alone_is_nobody) {
    liveness.refused(Code::malformed_json, sender(""));
    liveness.refused(Code::malformed_json, sender("", "cpu-load=5"));
    BOOST_TEST(rows().rows() == 0);
    BOOST_TEST(counted(Metric::liveness_rows_total) == 0);
    BOOST_TEST(counted(Metric::liveness_dropped_total) == 0);
}

BOOST_AUTO_TEST_CASE(site_has_one_row_in_a_minute_of_the_clock) {
    for (int time = 0; time < 20; ++time, now_us += minute_us / 10)
        liveness.refused(Code::malformed_json, sender("r1"));
    BOOST_TEST(rows().rows() == 2);
    liveness.refused(Code::malformed_json, sender("r2"));
    BOOST_TEST(rows().rows() == 3);
    BOOST_TEST(counted(Metric::liveness_rows_total) == 3);
}

BOOST_AUTO_TEST_CASE(only_what_is_wrong_with_a_body_tells_that_its_sender_is_there) {
    std::set<std::string_view> seen;
    for (size_t number = 0; number < std::size(code_names); ++number) {
        intake.publish();
        intake.ring().advance_durable(intake.ring().published());
        const int64_t before = counted(Metric::liveness_rows_total);
        liveness.refused(static_cast<Code>(number), sender("r1"));
        if (counted(Metric::liveness_rows_total) > before) seen.insert(code_names[number]);
        now_us += minute_us;
    }
    const std::set<std::string_view> expected = {
        "malformed_json",       "trailing_data",         "too_deep",
        "unsupported_shape",    "too_many_items",        "bad_body",
        "malformed_pairs",      "bad_encoding",          "body_too_large",
        "unsupported_encoding", "unsupported_media_type"};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(list_of_which_nothing_was_good_counts_as_refused) {
    Receipt receipt;
    liveness.taken(receipt, sender("r1"));  // The body was an empty list.
    BOOST_TEST(rows().rows() == 0);
    receipt.refused = {{0, Code::malformed_json}, {1, Code::unsupported_shape}};
    liveness.taken(receipt, sender("r1"));
    BOOST_TEST(rows().rows() == 1);
    BOOST_TEST(rows().text(0, Column::warnings) == "unsupported_shape");
    receipt.accepted = 1;
    liveness.taken(receipt, sender("r2"));
    BOOST_TEST(rows().rows() == 1);
}

BOOST_AUTO_TEST_CASE(full_ring_loses_the_row_counts_it_and_takes_the_next) {
    for (int number = 0; number < 6; ++number)
        liveness.refused(Code::malformed_json, sender("r" + std::to_string(number)));
    liveness.refused(Code::malformed_json, sender("late"));
    BOOST_TEST(counted(Metric::liveness_dropped_total) == 1);
    BOOST_TEST(counted(Metric::liveness_rows_total) == 6);
    intake.ring().advance_durable(1);
    liveness.refused(Code::malformed_json, sender("late"));  // Still in the same minute.
    BOOST_TEST(counted(Metric::liveness_rows_total) == 7);
    BOOST_TEST(intake.ring().at(2).text(0, Column::site_id) == "late");
}

BOOST_AUTO_TEST_CASE(row_is_handed_over_with_the_turn) {
    BOOST_TEST(intake.handed_over());
    liveness.refused(Code::malformed_json, sender("r1"));
    BOOST_TEST(!intake.handed_over());
    intake.publish();
    BOOST_TEST(intake.handed_over());
    BOOST_TEST(intake.ring().published() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
