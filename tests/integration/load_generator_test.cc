// A short run of rollcall-load against a real daemon. It shows that the generator works and that
// its count of acknowledged check-ins is correct.

#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/support/test_daemon.h"

namespace rollcall {

namespace {

// Returns the number after a word in the output of rollcall-load, or -1.
int64_t reported(const std::string& report, const std::string& word) {
    const size_t at = report.find("\n" + word + " ");
    return at == std::string::npos ? -1 : std::stoll(report.substr(at + 1 + word.size()));
}

void every_acknowledged_check_in_is_a_row(const std::string& protocol) {
    TestDaemon daemon;
    const uint16_t port = protocol == "http" ? daemon.http_port() : daemon.mqtt_port();
    const Finished load =
        run({ROLLCALL_LOAD_PATH, "--protocol", protocol, "--target",
             "127.0.0.1:" + std::to_string(port), "--seconds", "1", "--connections", "16"});
    BOOST_TEST(load.status == 0, load.output);
    const int64_t acknowledged = reported("\n" + load.output, "acknowledged");
    BOOST_TEST(acknowledged > 0, load.output);
    const std::string rows = std::to_string(acknowledged);
    BOOST_TEST(daemon.query_until(rows, "SELECT COUNT(*) FROM site_checkins") == rows);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(load_generator)

BOOST_AUTO_TEST_CASE(every_check_in_acknowledged_over_http_is_a_row) {
    every_acknowledged_check_in_is_a_row("http");
}

BOOST_AUTO_TEST_CASE(every_check_in_acknowledged_over_mqtt_is_a_row) {
    every_acknowledged_check_in_is_a_row("mqtt");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
