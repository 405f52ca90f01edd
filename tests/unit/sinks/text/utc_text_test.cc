#include "sinks/text/utc_text.h"

#include <boost/test/unit_test.hpp>
#include <ctime>
#include <string>

#include "tests/support/random.h"

using namespace rollcall;

namespace {

std::string utc(int64_t us) {
    std::string text(utc_text_size, '?');
    BOOST_TEST((write_utc(us, text.data()) == text.data() + text.size()));
    return text;
}

// Returns the text that the C library writes for a time.
std::string by_strftime(int64_t second) {
    const auto time = static_cast<time_t>(second);
    tm parts{};
    gmtime_r(&time, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S.000000", &parts)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_utc_text)

BOOST_AUTO_TEST_CASE(time_is_written_to_the_microsecond) {
    BOOST_TEST(utc(1'790'000'000'000'042) == "2026-09-21 14:13:20.000042");
    BOOST_TEST(utc(1'790'000'000'999'999) == "2026-09-21 14:13:20.999999");
    BOOST_TEST(utc(0) == "1970-01-01 00:00:00.000000");
    BOOST_TEST(utc(-1) == "1969-12-31 23:59:59.999999");
}

BOOST_AUTO_TEST_CASE(first_and_last_time_have_a_text_and_their_neighbours_have_none) {
    const int64_t first = -30'610'224'000'000'000;
    const int64_t last = 253'402'300'799'999'999;
    BOOST_TEST(utc(first) == "1000-01-01 00:00:00.000000");
    BOOST_TEST(utc(last) == "9999-12-31 23:59:59.999999");
    BOOST_TEST(!has_utc_text(first - 1));
    BOOST_TEST(!has_utc_text(last + 1));
    BOOST_TEST(!has_utc_text(INT64_MIN));
    BOOST_TEST(!has_utc_text(INT64_MAX));
}

BOOST_AUTO_TEST_CASE(random_second_is_what_the_c_library_makes_of_it) {
    Random random("utc_text");
    for (int i = 0; i < 100'000; ++i) {
        const int64_t second =
            -30'610'224'000 + static_cast<int64_t>(random.below(283'996'000'000));
        BOOST_TEST_REQUIRE(utc(second * 1'000'000) == by_strftime(second));
    }
}

BOOST_AUTO_TEST_SUITE_END()
