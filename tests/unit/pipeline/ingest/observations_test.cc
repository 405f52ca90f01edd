#include "pipeline/ingest/observations.h"

#include <boost/test/unit_test.hpp>

#include "pipeline/decode/fields.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(ingest_observations)

BOOST_AUTO_TEST_CASE(unknown_keys_of_all_workers_are_added_up_with_the_column_that_they_resemble) {
    Fields fields;
    fields.unknown_keys().count({}, {}, "cpu_laod", {UnknownValue::Type::number, "1"});
    fields.unknown_keys().count({}, {}, "vendor", {UnknownValue::Type::text, "ab"});
    const std::vector sketches(3, fields.unknown_keys().names());
    const auto keys = unknown_keys_in(sketches, 10);
    BOOST_TEST_REQUIRE(keys.size() == 2);
    BOOST_TEST(keys[0].name == "cpu_laod");
    BOOST_TEST(keys[0].count == 3);
    BOOST_TEST(keys[0].error == 0);
    BOOST_TEST(keys[0].shape == "number");
    BOOST_TEST((keys[0].resembles == Column::cpu_load));
    BOOST_TEST(keys[1].shape == "text of 2 bytes");
    BOOST_TEST(!keys[1].resembles);
}

BOOST_AUTO_TEST_CASE(warnings_are_counted_by_version_the_most_frequent_first) {
    FrequentNames sketch(16);
    count_warned_version(sketch, Warning::unit_guessed, "6.49.17");
    for (int time = 0; time < 2; ++time) count_warned_version(sketch, Warning::bad_value, "7.1 x");
    count_warned_version(sketch, Warning::no_metrics, {});
    const auto versions = warned_versions_in(std::span(&sketch, 1), 2);
    BOOST_TEST_REQUIRE(versions.size() == 2);
    BOOST_TEST(versions[0].warning == "bad_value");
    BOOST_TEST(versions[0].version == "7.1 x");
    BOOST_TEST(versions[0].count == 2);
}

BOOST_AUTO_TEST_CASE(every_warning_leaves_room_for_a_version) {
    for (size_t warning = 0; warning < std::size(warning_names); ++warning) {
        FrequentNames sketch(1);
        count_warned_version(sketch, static_cast<Warning>(warning),
                             "7.20.10rc12" + std::string(99, '0'));
        const auto versions = warned_versions_in(std::span(&sketch, 1), 1);
        BOOST_TEST(versions[0].warning == warning_names[warning]);
        BOOST_TEST(versions[0].version.starts_with("7.20.10rc12"));
    }
}

BOOST_AUTO_TEST_SUITE_END()
