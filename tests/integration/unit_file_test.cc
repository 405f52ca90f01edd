// systemd/rollcalld.service, checked by systemd's own tools.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "config/settings.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

// Maximum exposure: the score of systemd-analyze times ten; lower is better. It cannot be 0,
// because the daemon needs rights to use the network and to store files.
constexpr int exposure_max = 11;

constexpr const char* unit_file_path = ROLLCALL_SOURCE_DIR "/systemd/rollcalld.service";

std::string unit_file_text() {
    std::ifstream file(unit_file_path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unit_file)

BOOST_AUTO_TEST_CASE(systemd_finds_nothing_wrong_with_it) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "rollcalld.service";
    std::ofstream(path) << std::regex_replace(unit_file_text(), std::regex("/usr/bin/rollcalld"),
                                              rollcalld_path());
    const auto verified = run({"systemd-analyze", "verify", "--man=no", path});
    BOOST_TEST(verified.status == 0);
    // systemd-analyze also reports problems of other units of the machine, which the test ignores.
    BOOST_TEST(verified.errors.find("rollcalld") == std::string::npos, verified.errors);
}

BOOST_AUTO_TEST_CASE(service_is_exposed_to_little) {
    const auto scored =
        run({"systemd-analyze", "security", "--offline=true", "--no-pager",
             "--threshold=" + std::to_string(exposure_max), std::string(unit_file_path)});
    BOOST_TEST(scored.status == 0, scored.output);
}

BOOST_AUTO_TEST_CASE(systemd_starts_the_daemon_again_however_often_that_has_failed) {
    BOOST_TEST(unit_file_text().find("\nStartLimitIntervalSec=0\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(systemd_waits_longer_than_the_longest_default_stop) {
    std::smatch seconds;
    const std::string text = unit_file_text();
    BOOST_REQUIRE(std::regex_search(text, seconds, std::regex("\nTimeoutStopSec=(\\d+)\n")));
    BOOST_TEST(
        (std::chrono::seconds(std::stoi(seconds[1])) > Settings{}.delivery.stop_timeout_max));
}

BOOST_AUTO_TEST_SUITE_END()
