#include "daemon/mqtt/topic_aliases.h"

#include <boost/test/unit_test.hpp>
#include <string>

namespace rollcall {

namespace {

struct AliasesFixture {
    AliasesFixture() {
        settings.mqtt.topic_aliases_max = 2;
        settings.mqtt.topic_size_max = Bytes{4};
    }
    // Returns the topic, or the name of the error.
    std::string resolve(uint16_t alias, std::string_view topic = "") {
        mqtt::Publish publish;
        publish.topic = topic;
        publish.topic_alias = alias;
        const auto resolved = aliases.resolve(publish, settings);
        return std::string(resolved ? *resolved : to_text(resolved.error().code));
    }

    Settings settings;
    MqttTopicAliases aliases;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_topic_aliases, AliasesFixture)

BOOST_AUTO_TEST_CASE(alias_stands_for_the_last_topic_that_it_came_with) {
    BOOST_TEST(resolve(1, "a") == "a");
    BOOST_TEST(resolve(2, "b") == "b");
    BOOST_TEST(resolve(1) == "a");
    BOOST_TEST(resolve(1, "c") == "c");
    BOOST_TEST(resolve(1) == "c");
    BOOST_TEST(resolve(2) == "b");
}

BOOST_AUTO_TEST_CASE(alias_that_was_never_set_is_an_error) {
    BOOST_TEST(resolve(1) == "mqtt_protocol_error");
    BOOST_TEST(resolve(2, "b") == "b");
    BOOST_TEST(resolve(1) == "mqtt_protocol_error");
}

BOOST_AUTO_TEST_CASE(alias_0_and_aliases_beyond_the_limit_are_refused) {
    BOOST_TEST(resolve(0, "a") == "mqtt_topic_alias");
    BOOST_TEST(resolve(3, "a") == "mqtt_topic_alias");
    BOOST_TEST(resolve(UINT16_MAX, "a") == "mqtt_topic_alias");
}

BOOST_AUTO_TEST_CASE(topic_that_is_too_long_is_not_remembered) {
    BOOST_TEST(resolve(1, "abcd") == "abcd");
    BOOST_TEST(resolve(1, "abcde") == "mqtt_too_large");
    BOOST_TEST(resolve(1) == "abcd");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
