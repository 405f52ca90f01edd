#include "daemon/mqtt/topics.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;
using namespace rollcall::mqtt;

BOOST_AUTO_TEST_SUITE(mqtt_topics)

BOOST_AUTO_TEST_CASE(a_filter_without_wildcards_matches_its_own_topic_alone) {
    BOOST_TEST(matches("a/b", "a/b"));
    BOOST_TEST(!matches("a/b", "a/B"));  // [MQTT-4.7.3-4]
    BOOST_TEST(!matches("a/b", "a"));
    BOOST_TEST(!matches("a/b", "a/b/"));
    BOOST_TEST(!matches("a/b", "/a/b"));
    BOOST_TEST(!matches("a/b", "a/bc"));
}

// [MQTT-4.7.1-3]
BOOST_AUTO_TEST_CASE(plus_matches_exactly_one_level) {
    BOOST_TEST(matches("+", "a"));
    BOOST_TEST(!matches("+", "/a"));
    BOOST_TEST(matches("/+", "/a"));
    BOOST_TEST(matches("+/+", "/a"));
    BOOST_TEST(matches("a/+", "a/"));
    BOOST_TEST(!matches("a/+", "a"));
    BOOST_TEST(!matches("a/+", "a/b/c"));
    BOOST_TEST(matches("a/+/c", "a/b/c"));
    BOOST_TEST(!matches("a/+/c", "a/b/d"));
}

// [MQTT-4.7.1-2]
BOOST_AUTO_TEST_CASE(hash_matches_the_parent_and_everything_below) {
    BOOST_TEST(matches("#", "a/b"));
    BOOST_TEST(matches("a/#", "a"));
    BOOST_TEST(matches("a/#", "a/"));
    BOOST_TEST(matches("a/#", "a/b/c"));
    BOOST_TEST(!matches("a/#", "ab"));
    BOOST_TEST(!matches("a/b/#", "a"));
    BOOST_TEST(matches("+/b/#", "a/b/c"));
}

BOOST_AUTO_TEST_CASE(a_malformed_filter_matches_nothing) {
    for (const auto* filter : {"", "a+", "a/b+", "#/b", "a/#/b", "a#"})
        for (const auto* topic : {"a", "a/b", "b", "ab", "a/b/b"})
            BOOST_TEST(!matches(filter, topic), filter << " " << topic);
}

// [MQTT-4.7.2-1]
BOOST_AUTO_TEST_CASE(a_leading_wildcard_does_not_match_topics_of_the_server) {
    BOOST_TEST(!matches("#", "$SYS/a"));
    BOOST_TEST(!matches("+/a", "$SYS/a"));
    BOOST_TEST(matches("$SYS/#", "$SYS/a"));
    BOOST_TEST(matches("$SYS/+", "$SYS/a"));
}

BOOST_AUTO_TEST_CASE(the_first_plus_stands_for_a_level_of_the_topic) {
    BOOST_TEST(level_at_plus("checkins/+", "checkins/router-7") == "router-7");
    BOOST_TEST(level_at_plus("+/b/+", "a/b/c") == "a");
    BOOST_TEST(level_at_plus("a/+/#", "a/b/c/d") == "b");
    BOOST_TEST(level_at_plus("a/+", "a/") == "");
    BOOST_TEST(level_at_plus("a/#", "a/b") == "");
    BOOST_TEST(level_at_plus("a/b", "a/b") == "");
}

// [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1]
BOOST_AUTO_TEST_CASE(filters_have_wildcards_only_as_whole_levels_and_hash_only_at_the_end) {
    for (const auto* filter : {"a", "/", "+", "#", "a/+/b", "+/#", "a/#", "$share/g/a"})
        BOOST_TEST(is_filter(filter), filter);
    for (const auto* filter : {"", "a+", "+a", "a#", "#/", "#/a", "a/#/b", "a/b+/c"})
        BOOST_TEST(!is_filter(filter), filter);
    BOOST_TEST(has_wildcard("a/+"));
    BOOST_TEST(has_wildcard("a#"));
    BOOST_TEST(!has_wildcard("a/b"));
}

BOOST_AUTO_TEST_SUITE_END()
