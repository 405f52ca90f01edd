#include "pipeline/columns/row_id.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "config/settings.h"

namespace rollcall {

namespace {

constexpr int64_t some_time_us = 1'790'000'000'000'000;
constexpr int64_t minute_us = 60'000'000;
constexpr int64_t bucket_us = some_time_us / (2 * minute_us) * (2 * minute_us);  // Bucket start.

RowIds ids(const SpoolId& spool = {}, std::chrono::milliseconds window = std::chrono::minutes(2)) {
    return RowIds(spool, window);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(columns_row_id)

BOOST_AUTO_TEST_CASE(same_place_has_the_same_id) {
    BOOST_TEST(ids().by_place(5, 3, some_time_us) == ids().by_place(5, 3, some_time_us));
}

BOOST_AUTO_TEST_CASE(places_of_one_minute_have_different_ids) {
    SpoolId other{};
    other[0] = std::byte{1};
    std::set<int64_t> seen;
    for (uint64_t record = 0; record < 100; ++record)
        for (uint32_t row = 0; row < 100; ++row) {
            seen.insert(ids().by_place(record, row, some_time_us));
            seen.insert(ids(other).by_place(record, row, some_time_us));
        }
    BOOST_TEST(seen.size() == 20'000);
    BOOST_TEST(ids().by_place(7, record_rows_max - 1, some_time_us) !=
               ids().by_place(8, 0, some_time_us));
}

BOOST_AUTO_TEST_CASE(id_of_a_later_minute_is_larger) {
    int64_t before = 0;
    for (int64_t minute = 0; minute < 1000; ++minute) {
        const int64_t id = ids().by_place(9, 0, some_time_us + minute * minute_us);
        BOOST_TEST_REQUIRE(id > before);
        before = id;
    }
}

BOOST_AUTO_TEST_CASE(id_is_positive_even_if_the_clock_is_far_off) {
    for (const int64_t us : {INT64_MIN, int64_t{0}, some_time_us, INT64_MAX}) {
        BOOST_TEST(ids().by_place(1, 1, us) >= 0);
        BOOST_TEST(ids().by_fingerprint(INT64_MAX, us) >= 0);
    }
}

BOOST_AUTO_TEST_CASE(report_has_one_id_in_a_bucket_whatever_spool_it_went_through) {
    SpoolId other{};
    other[0] = std::byte{1};
    const int64_t id = ids().by_fingerprint(77, bucket_us);
    BOOST_TEST(ids(other).by_fingerprint(77, bucket_us + 2 * minute_us - 1) == id);
    BOOST_TEST(ids().by_fingerprint(77, bucket_us + 2 * minute_us) > id);
    BOOST_TEST(ids().by_fingerprint(77, bucket_us - 1) < id);
    BOOST_TEST(ids().by_fingerprint(78, bucket_us) != id);
}

BOOST_AUTO_TEST_CASE(bucket_is_the_window_in_whole_minutes_and_at_least_one) {
    using namespace std::chrono_literals;
    const auto minutes_of = [](std::chrono::milliseconds window) {
        std::set<int64_t> seen;
        for (int64_t minute = 0; minute < 60; ++minute)
            seen.insert(ids({}, window).by_fingerprint(77, bucket_us + minute * minute_us));
        return 60.0 / static_cast<double>(seen.size());
    };
    BOOST_TEST(minutes_of(0ms) == 1);
    BOOST_TEST(minutes_of(60s) == 1);
    BOOST_TEST(minutes_of(61s) < 2.1);
    BOOST_TEST(minutes_of(61s) > 1.9);
}

BOOST_AUTO_TEST_CASE(no_setting_makes_a_record_with_more_rows_than_an_id_can_tell_apart) {
    Settings settings;
    for_each_setting(settings, [](const SettingInfo& info, const auto& value, const auto& bounds) {
        if (info.name != "ingest.slot_rows_max") return;
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Count>) {
            BOOST_TEST(bounds.hold(Count{record_rows_max}));
            BOOST_TEST(!bounds.hold(Count{record_rows_max + 1}));
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
