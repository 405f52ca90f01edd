#include "config/units.h"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

#include "tests/support/random.h"

using namespace rollcall;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(a_size_is_a_number_and_its_unit) {
    BOOST_TEST(parse_bytes("7B")->count == 7);
    BOOST_TEST(parse_bytes("64KiB")->count == 65536);
    BOOST_TEST(parse_bytes("3MiB")->count == 3 * 1024 * 1024);
    BOOST_TEST(parse_bytes("10GiB")->count == 10'737'418'240);
    BOOST_TEST(parse_bytes("2TiB")->count == 2'199'023'255'552);
}

BOOST_AUTO_TEST_CASE(a_duration_is_a_number_and_its_unit) {
    BOOST_TEST((parse_millis("200ms") == 200ms));
    BOOST_TEST((parse_millis("15s") == 15s));
    BOOST_TEST((parse_millis("30min") == 30min));
    BOOST_TEST((parse_millis("24h") == 24h));
    BOOST_TEST((parse_millis("7d") == 168h));
}

BOOST_AUTO_TEST_CASE(a_size_may_be_written_as_people_write_it) {
    for (const char* text : {"10GiB", "10G", "10 GiB", "10 G", "10gib", "10g"})
        BOOST_TEST(parse_bytes(text)->count == 10'737'418'240, text);
    for (const char* text : {"10GB", "10 GB", "10gb"})
        BOOST_TEST(parse_bytes(text)->count == 10'000'000'000, text);
    BOOST_TEST(parse_bytes("64K")->count == 65'536);
    BOOST_TEST(parse_bytes("64kB")->count == 64'000);
    BOOST_TEST(parse_bytes("3M")->count == 3 << 20);
    BOOST_TEST(parse_bytes("3MB")->count == 3'000'000);
    BOOST_TEST(parse_bytes("2T")->count == 2'199'023'255'552);
    BOOST_TEST(parse_bytes("2TB")->count == 2'000'000'000'000);
}

BOOST_AUTO_TEST_CASE(a_duration_may_be_written_as_people_write_it) {
    for (const char* text : {"2min", "2m", "2 min", "2 m"})
        BOOST_TEST((parse_millis(text) == 2min), text);
    for (const char* text : {"30s", "30 s", "30sec"}) BOOST_TEST((parse_millis(text) == 30s), text);
    BOOST_TEST((parse_millis("2w") == 14 * 24h));
}

BOOST_AUTO_TEST_CASE(zero_needs_no_unit_and_may_have_one) {
    for (const char* text : {"0", "0B", "0TiB", "00"}) BOOST_TEST(parse_bytes(text)->count == 0);
    for (const char* text : {"0", "0ms", "0d"}) BOOST_TEST((parse_millis(text) == 0ms));
}

BOOST_AUTO_TEST_CASE(text_that_is_not_a_size_is_refused) {
    for (const char* text : {"", " ", "64", "64 ", "KiB", "64  KiB", " 64KiB", "64KiB ", "64KiBit",
                             "64Ki", "-1KiB", "+1KiB", "1.5MiB", "0x10B", "1KiBB", "15s", "2m2"})
        BOOST_TEST(!parse_bytes(text), '"' << text << '"');
}

BOOST_AUTO_TEST_CASE(text_that_is_not_a_duration_is_refused) {
    for (const char* text : {"", " ", "30", "30 ", "s", "30  s", "30S", "2M", "-1s", "+1s", "1.5s",
                             "1h30min", "1secs", "64KiB"})
        BOOST_TEST(!parse_millis(text), '"' << text << '"');
}

BOOST_AUTO_TEST_CASE(the_largest_value_is_read_and_one_more_is_refused) {
    BOOST_TEST(parse_bytes("18446744073709551615B")->count == std::numeric_limits<uint64_t>::max());
    BOOST_TEST(!parse_bytes("18446744073709551616B"));
    BOOST_TEST(parse_bytes("16777215TiB")->count == uint64_t{16777215} << 40);
    BOOST_TEST(!parse_bytes("16777216TiB"));
    BOOST_TEST((parse_millis("9223372036854775807ms") == Millis::max()));
    BOOST_TEST(!parse_millis("9223372036854775808ms"));
    BOOST_TEST(!parse_millis("106751991168d"));
}

BOOST_AUTO_TEST_CASE(a_value_is_written_in_the_largest_unit_that_is_exact) {
    BOOST_TEST(to_text(Bytes{65536}) == "64KiB");
    BOOST_TEST(to_text(Bytes{65537}) == "65537B");
    BOOST_TEST(to_text(1024_GiB) == "1TiB");
    BOOST_TEST(to_text(Bytes{}) == "0B");
    BOOST_TEST(to_text(Millis(90s)) == "90s");
    BOOST_TEST(to_text(Millis(120s)) == "2min");
    BOOST_TEST(to_text(Millis(1500ms)) == "1500ms");
    BOOST_TEST(to_text(Millis(48h)) == "2d");
    BOOST_TEST(to_text(0ms) == "0ms");
}

BOOST_AUTO_TEST_CASE(any_value_is_read_back_from_its_text) {
    Random random("units");
    for (int i = 0; i < 10'000; ++i) {
        // Numbers of every length, including multiples of large units.
        const uint64_t number = random.below(UINT64_MAX) >> random.below(64) << random.below(64);
        BOOST_REQUIRE(parse_bytes(to_text(Bytes{number}))->count == number);
        const Millis duration(static_cast<Millis::rep>(number >> 1));
        BOOST_REQUIRE((parse_millis(to_text(duration)) == duration));
    }
}

BOOST_AUTO_TEST_SUITE_END()
