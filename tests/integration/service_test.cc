// The daemon under a service manager: readiness, clean stop, log.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(service)

BOOST_AUTO_TEST_CASE(ports_take_check_ins_as_soon_as_readiness_was_notified) {
    TestDaemon daemon;  // The constructor waits for READY=1. After that no port may refuse clients.
    for (const uint16_t port : {daemon.http_port(), daemon.mqtt_port(), daemon.admin_port()})
        (void)TcpClient(port);
    BOOST_TEST(daemon.post("{}").status == 200);
}

BOOST_AUTO_TEST_CASE(one_line_at_the_start_names_version_files_sinks_and_addresses) {
    TestDaemon daemon;
    const std::regex line(fmt::format(
        "ready: version=\\S+ config=/\\S+/rollcall\\.toml state=/\\S+ sinks=sqlite auth=anonymous "
        "http=127\\.0\\.0\\.1:{} mqtt=127\\.0\\.0\\.1:{} admin=127\\.0\\.0\\.1:{}\n",
        daemon.http_port(), daemon.mqtt_port(), daemon.admin_port()));
    // The daemon writes this line after the notification of readiness, for which TestDaemon waits.
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!std::regex_search(daemon.log(), line) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(20ms);
    BOOST_TEST(std::regex_search(daemon.log(), line), daemon.log());
}

BOOST_AUTO_TEST_CASE(sigterm_is_answered_with_stopping_and_exit_status_0) {
    TestDaemon daemon;
    daemon.process().send(SIGTERM);
    BOOST_TEST(daemon.notify_socket().hears("STOPPING=1", patience));
    BOOST_TEST((daemon.process().wait(patience) == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(interrupt_from_a_terminal_is_a_clean_stop_too) {
    TestDaemon daemon;
    daemon.process().send(SIGINT);
    BOOST_TEST((daemon.process().wait(patience) == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(hangup_is_a_reload_and_not_the_end) {
    TestDaemon daemon;
    daemon.process().send(SIGHUP);
    BOOST_TEST(daemon.notify_socket().hears("RELOADING=1", patience));
    BOOST_TEST(daemon.notify_socket().hears("READY=1", patience));
    BOOST_TEST(daemon.post("{}").status == 200);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(clean_stop_under_load_stores_all_acknowledged_check_ins) {
    TestDaemon daemon;
    Routers routers;
    routers.connect(daemon);
    std::this_thread::sleep_for(300ms);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    routers.join();
    BOOST_TEST(routers.acknowledged() > 0);
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_CASE(idle_connections_do_not_delay_the_stop) {
    TestDaemon daemon;
    const TcpClient http(daemon.http_port());
    const TcpClient mqtt(daemon.mqtt_port());
    daemon.process().send(SIGTERM);
    BOOST_TEST((daemon.process().wait(10s) == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(restart_continues_with_the_existing_data) {
    TestDaemon daemon;
    BOOST_TEST(daemon.post(R"({"sn":"S","seq":1})").status == 200);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    daemon.start();
    BOOST_TEST(daemon.post(R"({"sn":"S","seq":2})").status == 200);
    BOOST_TEST(daemon.query_until("2|3", "SELECT COUNT(*), SUM(seq) FROM site_checkins") == "2|3");
}

BOOST_AUTO_TEST_CASE(every_log_line_for_the_journal_begins_with_its_priority) {
    TestDaemon daemon(
        {.wrapper = {"sh", "-c", "JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec \"$@\"",
                     "sh"}});
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    std::istringstream lines(daemon.log());
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        BOOST_TEST(std::regex_match(line, std::regex("<[3-7]>[^<].*")), line);
    BOOST_TEST(count > 0);
}

BOOST_AUTO_TEST_CASE(every_json_line_for_the_journal_is_one_object_after_its_priority) {
    TestDaemon daemon(
        {.arguments = {"--set", "log_format=json"},
         .wrapper = {"sh", "-c", "JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec \"$@\"",
                     "sh"}});
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    std::istringstream lines(daemon.log());
    const std::regex object(R"re(<[3-7]>\{"time":"[^"]*Z","level":"\w+","message":"[^"]*".*\})re");
    for (std::string line; std::getline(lines, line);)
        BOOST_TEST(std::regex_match(line, object), line);
    BOOST_TEST(daemon.says(R"("message":"ready","version":")"), daemon.log());
    BOOST_TEST(daemon.says(R"(,"sinks":"sqlite","auth":"anonymous",)"), daemon.log());
}

BOOST_AUTO_TEST_CASE(log_lines_have_no_priority_if_standard_error_is_not_the_journal) {
    TestDaemon daemon({.environment = {"JOURNAL_STREAM=1:1"}});
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(daemon.log().starts_with("20"), daemon.log());
}

BOOST_AUTO_TEST_SUITE_END()
