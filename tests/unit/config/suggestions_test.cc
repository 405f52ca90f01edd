#include "config/suggestions.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(suggestions)

BOOST_AUTO_TEST_CASE(nearest_name_is_few_edits_away_or_the_same_key_of_another_section) {
    const std::vector<std::string_view> known = {"workers", "spool.sync", "http.listen",
                                                 "delivery.batch_rows_max"};
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"worker", "workers"},          {"spool.syncc", "spool.sync"},
        {"http.lisen", "http.listen"},  {"sync", "spool.sync"},
        {"general.workers", "workers"}, {"http.batch_rows_max", "delivery.batch_rows_max"},
        {"spool.sync", "spool.sync"},   {"work", "workers"},
    };
    for (const auto& [name, nearest] : cases)
        BOOST_TEST(nearest_name(name, known).value() == nearest);
}

BOOST_AUTO_TEST_CASE(name_unlike_all_others_has_no_suggestion) {
    for (const std::string_view name : {"x", "entirely.different", ""})
        BOOST_TEST(!nearest_name(name, {"workers", "spool.sync"}).has_value());
    BOOST_TEST(!nearest_name("workers", {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
