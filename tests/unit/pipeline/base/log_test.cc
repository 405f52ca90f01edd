#include "pipeline/base/log.h"

#include <boost/test/unit_test.hpp>
#include <regex>

namespace rollcall::testing {

namespace {

struct RestoredFormat {
    ~RestoredFormat() { set_log_format("text"); }
};

constexpr std::string_view any_time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)";

// Formats the event, and replaces the time by "TIME".
std::string line_of(LogLevel level, const LogEvent& event) {
    return std::regex_replace(format_log_line(level, event), std::regex(std::string(any_time)),
                              "TIME");
}

const LogEvent lost{.message = "spool: records lost",
                    .details = {{"records", "5-9"}, {"from_byte", 4096}, {"whole", false}},
                    .note = "restore a backup"};
const LogEvent strange{
    .message = "refused \"x\"",
    .details = {
        {"topic", "a b\nlevel=error"}, {"client", "\xff\"}"}, {"site", ""}, {"path", "/a?b=c"}}};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(base_log, RestoredFormat)

BOOST_AUTO_TEST_CASE(level_includes_itself_and_more_urgent_ones) {
    set_log_level("warning");
    BOOST_TEST(logs(LogLevel::error));
    BOOST_TEST(logs(LogLevel::warning));
    BOOST_TEST(!logs(LogLevel::notice));
    set_log_level("debug");
    BOOST_TEST(logs(LogLevel::debug));
    set_log_level("info");
    BOOST_TEST(logs(LogLevel::info));
    BOOST_TEST(!logs(LogLevel::debug));
}

BOOST_AUTO_TEST_CASE(text_line_has_the_message_the_details_and_the_note) {
    BOOST_TEST(line_of(LogLevel::error, lost) ==
               "TIME error   spool: records lost: records=5-9 from_byte=4096 whole=false; restore "
               "a backup\n");
    BOOST_TEST(line_of(LogLevel::notice, {.message = "stopping"}) == "TIME notice  stopping\n");
}

BOOST_AUTO_TEST_CASE(value_that_could_be_taken_for_more_than_one_is_in_quotes) {
    BOOST_TEST(line_of(LogLevel::debug, strange) ==
               "TIME debug   refused \"x\": topic=\"a b\\u000alevel=error\" "
               "client=\"\u00ff\\\"}\" site=\"\" path=\"/a?b=c\"\n");
}

BOOST_AUTO_TEST_CASE(json_line_is_one_object_with_a_member_for_each_detail) {
    set_log_format("json");
    BOOST_TEST(line_of(LogLevel::error, lost) ==
               R"({"time":"TIME","level":"error","message":"spool: records lost",)"
               R"("records":"5-9","from_byte":4096,"whole":"false","note":"restore a backup"})"
               "\n");
    BOOST_TEST(line_of(LogLevel::notice, {.message = "stopping"}) ==
               "{\"time\":\"TIME\",\"level\":\"notice\",\"message\":\"stopping\"}\n");
}

BOOST_AUTO_TEST_CASE(json_line_is_valid_whatever_the_values_contain) {
    set_log_format("json");
    BOOST_TEST(line_of(LogLevel::debug, strange) ==
               R"({"time":"TIME","level":"debug","message":"refused \"x\"",)"
               R"("topic":"a b\u000alevel=error","client":")"
               "\u00ff"
               R"(\"}","site":"","path":"/a?b=c"})"
               "\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall::testing
