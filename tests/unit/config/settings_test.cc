#include "config/settings.h"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using namespace rollcall;

namespace {

std::vector<SettingInfo> all_settings() {
    std::vector<SettingInfo> all;
    const Settings settings;
    for_each_setting(settings, [&](const SettingInfo& setting, const auto&, const auto&) {
        all.push_back(setting);
    });
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(between_holds_its_ends_and_nothing_beyond) {
    BOOST_TEST(between(2, 4).hold(2));
    BOOST_TEST(between(2, 4).hold(4));
    BOOST_TEST(!between(2, 4).hold(1));
    BOOST_TEST(!between(2, 4).hold(5));
    BOOST_TEST(!between(1_KiB, 1_MiB).hold(Bytes{1023}));
    BOOST_TEST(!between(1s, 10min).hold(Millis(999)));
    BOOST_TEST(between(1s, 10min).hold(Millis(10min)));
}

BOOST_AUTO_TEST_CASE(one_of_holds_its_names_and_no_other) {
    constexpr auto bounds = one_of("sqlite", "discard");
    BOOST_TEST(bounds.hold("discard"));
    for (const char* text : {"", "sqlit", "sqlitee", "SQLite", "sqlite, discard"})
        BOOST_TEST(!bounds.hold(text), text);
}

BOOST_AUTO_TEST_CASE(one_of_holds_a_list_only_if_it_holds_every_member) {
    constexpr auto bounds = one_of("sqlite", "discard");
    BOOST_TEST(bounds.hold(List{}));
    BOOST_TEST(bounds.hold(List({"discard", "sqlite"})));
    BOOST_TEST(!bounds.hold(List({"discard", "kafka"})));
}

BOOST_AUTO_TEST_CASE(bounds_describe_themselves_in_words) {
    BOOST_TEST(between(0, 256).in_words() == "between 0 and 256");
    BOOST_TEST(between(64_KiB, 16_MiB).in_words() == "between 64KiB and 16MiB");
    BOOST_TEST(between(1s, 10min).in_words() == "between 1s and 10min");
    BOOST_TEST(one_of("sqlite", "discard").in_words() == "one of sqlite, discard");
    BOOST_TEST(anything.in_words() == "");
}

BOOST_AUTO_TEST_CASE(a_name_is_the_section_and_the_key_but_for_the_keys_at_the_top) {
    for (const auto& setting : all_settings()) {
        const std::string prefix =
            setting.section == "general" ? "" : std::string(setting.section) + ".";
        BOOST_TEST(setting.name == prefix + std::string(setting.key));
    }
}

BOOST_AUTO_TEST_CASE(no_two_settings_or_sections_have_the_same_name) {
    std::set<std::string_view> names;
    for (const auto& section : sections_table)
        BOOST_TEST(names.insert(section.name).second, section.name);
    for (const auto& setting : all_settings())
        BOOST_TEST(names.insert(setting.name).second, setting.name);
}

BOOST_AUTO_TEST_CASE(settings_come_in_the_order_of_their_sections) {
    std::vector<std::string_view> seen, sections;
    for (const auto& setting : all_settings())
        if (seen.empty() || seen.back() != setting.section) seen.push_back(setting.section);
    for (const auto& section : sections_table) sections.push_back(section.name);
    BOOST_TEST(seen == sections, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_description_is_a_sentence) {
    for (const auto& section : sections_table)
        BOOST_TEST(section.help.ends_with('.'), section.name);
    for (const auto& setting : all_settings())
        BOOST_TEST(setting.help.ends_with('.'), setting.name);
}

BOOST_AUTO_TEST_CASE(a_visitor_can_change_the_value_in_the_struct) {
    Settings changed;
    for_each_setting(changed, [](const SettingInfo& setting, auto& value, const auto&) {
        if constexpr (std::is_same_v<decltype(value), Flag&>)
            if (setting.name == "spool.sync") value = false;
    });
    BOOST_TEST(!changed.spool.sync);
    BOOST_TEST(!(changed == Settings{}));
}

BOOST_AUTO_TEST_SUITE_END()
