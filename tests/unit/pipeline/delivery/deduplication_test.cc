#include "pipeline/delivery/deduplication.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>

#include "tests/support/allocations.h"
#include "tests/support/random.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

constexpr auto window = 2min;
constexpr int64_t window_us = 120'000'000;
constexpr int64_t some_time_us = 1'790'000'000'000'000;
constexpr int64_t second_us = 1'000'000;

// A simple model: a list that is searched linearly.
class Model {
public:
    explicit Model(size_t count_max) : count_max_(count_max) {}

    bool seen_before(uint64_t fingerprint, int64_t received_us) {
        const auto is_in = [&](const Seen& seen) {
            return std::abs(seen.received_us - received_us) <= window_us;
        };
        while (!seen_.empty() && !is_in(seen_.front())) seen_.pop_front();
        const auto latest = std::ranges::find(seen_.rbegin(), seen_.rend(), fingerprint,
                                              [](const Seen& seen) { return seen.fingerprint; });
        if (latest != seen_.rend() && is_in(*latest)) return true;
        if (seen_.size() == count_max_) seen_.pop_front();
        seen_.push_back({fingerprint, received_us});
        return false;
    }

private:
    struct Seen {
        uint64_t fingerprint;
        int64_t received_us;
    };
    size_t count_max_;
    std::deque<Seen> seen_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(delivery_deduplication)

BOOST_AUTO_TEST_CASE(report_is_a_duplicate_until_the_window_has_passed) {
    DeduplicationWindow seen(window, 100);
    BOOST_TEST(!seen.seen_before(7, some_time_us));
    BOOST_TEST(seen.seen_before(7, some_time_us));
    BOOST_TEST(!seen.seen_before(8, some_time_us));
    BOOST_TEST(seen.seen_before(7, some_time_us + window_us));
    BOOST_TEST(!seen.seen_before(7, some_time_us + window_us + 1));
}

BOOST_AUTO_TEST_CASE(report_that_is_sent_for_ever_is_heard_once_in_a_window) {
    DeduplicationWindow seen(window, 100);
    int heard = 0;
    for (int64_t s = 0; s < 1300; s += 10)
        heard += !seen.seen_before(7, some_time_us + s * second_us);
    BOOST_TEST(heard == 10);
}

BOOST_AUTO_TEST_CASE(report_of_another_worker_that_is_a_little_older_is_a_duplicate) {
    DeduplicationWindow seen(window, 100);
    BOOST_TEST(!seen.seen_before(7, some_time_us));
    BOOST_TEST(seen.seen_before(7, some_time_us - second_us));
}

BOOST_AUTO_TEST_CASE(clock_that_jumps_takes_no_report_for_a_duplicate) {
    DeduplicationWindow seen(window, 100);
    for (const int64_t us : {some_time_us, int64_t{0}, some_time_us, INT64_MAX, INT64_MIN}) {
        BOOST_TEST(!seen.seen_before(7, us));
        BOOST_TEST(seen.seen_before(7, us));
    }
}

BOOST_AUTO_TEST_CASE(oldest_is_forgotten_first_when_there_are_too_many) {
    DeduplicationWindow seen(window, 100);
    for (uint64_t fingerprint = 1; fingerprint <= 101; ++fingerprint)
        BOOST_TEST_REQUIRE(!seen.seen_before(fingerprint, some_time_us));
    for (uint64_t fingerprint = 2; fingerprint <= 101; ++fingerprint)
        BOOST_TEST_REQUIRE(seen.seen_before(fingerprint, some_time_us));
    BOOST_TEST(!seen.seen_before(1, some_time_us));
}

BOOST_AUTO_TEST_CASE(cleared_is_as_new) {
    DeduplicationWindow seen(window, 100);
    BOOST_TEST(!seen.seen_before(7, some_time_us));
    seen.clear();
    BOOST_TEST(!seen.seen_before(7, some_time_us));
    BOOST_TEST(seen.seen_before(7, some_time_us));
}

BOOST_AUTO_TEST_CASE(any_sequence_is_told_apart_as_by_a_plain_list) {
    Random random("duplicates.any_sequence");
    for (const size_t count_max : {1, 50, 1500, 6000}) {
        DeduplicationWindow seen(window, count_max);
        Model model(count_max);
        int64_t now_us = some_time_us;
        // In some phases fewer than count_max rows arrive within a window. In other phases more
        // rows arrive, so that the oldest rows must be forgotten early.
        const uint64_t step_us = static_cast<uint64_t>(window_us) / (count_max * 2);
        for (int round = 0; round < 20'000; ++round) {
            now_us += static_cast<int64_t>(random.below(step_us * (round % 5000 < 2500 ? 1 : 8)));
            if (random.below(5000) == 0) now_us += (random.below(2) ? 1 : -1) * 2 * window_us;
            const int64_t received_us = now_us - static_cast<int64_t>(random.below(3)) * second_us;
            const uint64_t fingerprint = 1 + random.below(count_max * 2);
            BOOST_TEST_REQUIRE(seen.seen_before(fingerprint, received_us) ==
                               model.seen_before(fingerprint, received_us));
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_once_a_window_has_passed) {
    Random random("duplicates.allocations");
    DeduplicationWindow seen(window, 1'000'000);
    int64_t now_us = some_time_us;
    const auto pass = [&](int rows) {
        for (int row = 0; row < rows; ++row, now_us += window_us / 10'000)
            (void)seen.seen_before(random.below(UINT64_MAX) | 1, now_us);
    };
    pass(20'000);
    const size_t before = allocations();
    pass(100'000);
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(memory_is_bounded_by_the_limit) {
    Random random("duplicates.bounded");
    DeduplicationWindow seen(window, 3000);
    const auto fill = [&] {
        for (int row = 0; row < 10'000; ++row)
            (void)seen.seen_before(random.below(UINT64_MAX) | 1, some_time_us);
    };
    fill();
    const size_t before = allocations();
    for (int round = 0; round < 20; ++round) fill();  // All reports are in one window.
    BOOST_TEST(allocations() == before);
}

BOOST_AUTO_TEST_CASE(window_that_is_never_empty_for_a_million_reports_keeps_its_capacity) {
    DeduplicationWindow seen(window, 4'000'000);
    const int64_t apart_us = window_us / 3000;  // 3,000 reports are in a window.
    int64_t now_us = some_time_us;
    uint64_t fingerprint = 0;
    const auto pass = [&](int reports) {
        for (int report = 0; report < reports; ++report)
            BOOST_TEST_REQUIRE(!seen.seen_before(++fingerprint, now_us += apart_us));
    };
    pass(10'000);
    const size_t capacity = seen.capacity();
    pass(1'000'000);
    BOOST_TEST(seen.capacity() == capacity);
}

BOOST_AUTO_TEST_CASE(memory_of_a_burst_is_given_back_when_the_window_has_passed) {
    DeduplicationWindow seen(window, 4'000'000);
    uint64_t fingerprint = 0;
    while (fingerprint < 100'000)
        BOOST_TEST_REQUIRE(!seen.seen_before(++fingerprint, some_time_us));
    BOOST_TEST(seen.capacity() >= 100'000);
    int64_t now_us = some_time_us;
    const uint64_t burst = fingerprint;
    while (now_us < some_time_us + 2 * window_us)
        BOOST_TEST_REQUIRE(!seen.seen_before(++fingerprint, now_us += second_us));
    BOOST_TEST(seen.capacity() < 4096);
    // The reports of the last window must still be known, but not those of the burst.
    for (uint64_t recent = fingerprint - 100; recent <= fingerprint; ++recent)
        BOOST_TEST_REQUIRE(seen.seen_before(recent, now_us));
    BOOST_TEST(!seen.seen_before(burst, now_us));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
