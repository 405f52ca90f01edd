#include "pipeline/base/log.h"

#include <boost/test/unit_test.hpp>

namespace rollcall::testing {

BOOST_AUTO_TEST_SUITE(base_log)

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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall::testing
