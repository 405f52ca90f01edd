#include "sinks/make_sinks.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "tests/support/temporary_directory.h"

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(make_sinks)

BOOST_AUTO_TEST_CASE(sinks_are_made_in_the_order_of_the_settings) {
    Settings settings;
    settings.general.sinks = {"discard", "sqlite"};
    const auto sinks = rollcall::make_sinks(settings, "/nowhere");
    BOOST_TEST_REQUIRE(sinks.size() == 2);
    BOOST_TEST((sinks[0].name == SinkName::discard));
    BOOST_TEST((sinks[1].name == SinkName::sqlite));
}

BOOST_AUTO_TEST_CASE(every_sink_that_has_a_name_can_be_made) {
    for (const auto name : sink_names) {
        Settings settings;
        settings.general.sinks = {std::string(name)};
        const auto sinks = rollcall::make_sinks(settings, "/nowhere");
        BOOST_TEST_REQUIRE(sinks.size() == 1);
        BOOST_TEST(to_text(sinks[0].name) == name);
    }
}

BOOST_AUTO_TEST_CASE(only_a_kafka_sink_knows_where_its_topic_ends) {
    Settings settings;
    settings.general.sinks = {"discard"};
    BOOST_TEST(!topic_end_of(rollcall::make_sinks(settings, "/nowhere")));
    settings.general.sinks = {"discard", "kafka"};
    const auto sinks = rollcall::make_sinks(settings, "/nowhere");
    const auto topic_end = topic_end_of(sinks);
    BOOST_TEST_REQUIRE(static_cast<bool>(topic_end));
    BOOST_TEST(!topic_end().has_value());  // The sink has not asked a broker yet.
}

BOOST_AUTO_TEST_CASE(database_lies_in_the_state_directory_unless_a_path_is_set) {
    const TemporaryDirectory directory;
    Settings settings;
    BOOST_TEST(rollcall::make_sinks(settings, directory.path())[0].sink->open({}).has_value());
    BOOST_TEST(std::filesystem::exists(directory.path() / "rollcall.db"));
    settings.sqlite.path = directory.path() / "elsewhere.db";
    BOOST_TEST(rollcall::make_sinks(settings, "/nowhere")[0].sink->open({}).has_value());
    BOOST_TEST(std::filesystem::exists(settings.sqlite.path));
}

BOOST_AUTO_TEST_SUITE_END()
