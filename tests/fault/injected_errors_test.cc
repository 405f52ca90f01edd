// System calls of a real daemon fail: a sync fails, a disk is full, a process has too many files.
// The tests check the responses, the log and the metrics, and that no acknowledged row is missing.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/support/injected_error.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view report = R"({"serial_number":"S","cpu_load":7})";
constexpr auto silence = 600ms;  // Longer than a response would take.

// Returns the CPU time of all threads. A clock tick is a hundredth of a second.
double cpu_seconds(pid_t pid) {
    const auto stat = run({"cat", fmt::format("/proc/{}/stat", pid)}).output;
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / 100;
}

// Returns true if /readyz reports the daemon as ready before long. The daemon needs some time for
// this, because it measures its load only once a second.
bool ready_before_long(const TestDaemon& daemon) {
    return before_long([&] { return daemon.admin("/readyz").status == 200; });
}

// Disables the leak check of sanitizer builds, because this check cannot run under strace.
TestDaemon::Options traceable(std::vector<std::string> arguments = {}) {
    return {.arguments = std::move(arguments), .environment = {"ASAN_OPTIONS=detect_leaks=0"}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(injected_errors)

BOOST_AUTO_TEST_CASE(after_a_sync_that_failed_nothing_is_acknowledged_or_synced_again) {
    TestDaemon daemon(traceable());
    Routers routers;
    routers.connect(daemon);
    std::this_thread::sleep_for(200ms);
    routers.disconnect();
    const uint64_t acknowledged = routers.acknowledged();
    BOOST_TEST(acknowledged > 0);
    {
        InjectedError failing(daemon.process().pid(), "fdatasync", "EIO",
                              daemon.state_dir() / "spool" / "00000000000000000000.segment");
        HttpClient http(daemon.http_port());
        MqttClient mqtt(daemon.mqtt_port(), "M");
        http.send(post_request(report));
        mqtt.publish("checkins/M", report, 1);
        BOOST_CHECK_THROW((void)http.receive(), ConnectionEnded);
        BOOST_CHECK_THROW((void)mqtt.puback(), ConnectionEnded);
        BOOST_TEST((daemon.process().wait(patience) == EXIT_FAILURE), daemon.log());
        failing.end();
        BOOST_TEST(failing.calls().size() == 1);
    }
    BOOST_TEST(
        daemon.says(
            "exiting immediately: A sync of the spool failed, so the data may not be on disk. "
            "(Input/output error)"),
        daemon.log());
    daemon.start();
    BOOST_TEST(daemon.post(report).status == 200);
    routers.connect(daemon);
    std::this_thread::sleep_for(200ms);
    routers.disconnect();
    BOOST_TEST(routers.acknowledged() > acknowledged);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_AUTO_TEST_CASE(while_the_disk_of_the_spool_is_full_check_ins_wait_for_their_answers) {
    TestDaemon daemon(traceable());
    HttpClient http(daemon.http_port());
    MqttClient mqtt(daemon.mqtt_port(), "M");
    InjectedError full(daemon.process().pid(), "pwritev", "ENOSPC");
    http.send(post_request(report));
    mqtt.publish("checkins/M", report, 1);
    BOOST_TEST(!http.connection().readable_within(silence));
    BOOST_TEST(!mqtt.connection().readable_within(silence));
    BOOST_TEST(
        daemon.says("spool: full; check-ins wait until the disk has room or the sink that is"),
        daemon.log());
    BOOST_TEST(daemon.metric("rollcall_spool_full") == 1);
    BOOST_TEST(daemon.metric("rollcall_spool_retries_total") > 0);
    BOOST_TEST(daemon.admin("/readyz").status == 503);
    full.end();
    BOOST_TEST(http.receive().status == 200);
    BOOST_TEST(mqtt.puback() == 1);
    BOOST_TEST(daemon.says("spool: accepting check-ins again"), daemon.log());
    BOOST_TEST(daemon.metric("rollcall_spool_full") == 0);
    BOOST_TEST(ready_before_long(daemon));
    BOOST_TEST(daemon.query_until("2", "SELECT COUNT(*) FROM site_checkins") == "2");
}

// Only the writes of SQLite fail, because SQLite uses pwrite and the spool uses pwritev.
BOOST_AUTO_TEST_CASE(while_the_disk_of_the_database_is_full_check_ins_are_taken_and_stored_later) {
    TestDaemon daemon(traceable());
    BOOST_TEST(daemon.post(report).status == 200);
    BOOST_TEST(daemon.query_until("1", "SELECT COUNT(*) FROM site_checkins") == "1");
    {
        const InjectedError full(daemon.process().pid(), "pwrite64", "ENOSPC");
        BOOST_TEST(daemon.post(R"({"serial_number":"T"})").status == 200);
        BOOST_TEST(daemon.says("check-ins stay in the spool"), daemon.log());
        BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="sqlite"})") == 0);
        BOOST_TEST(daemon.metric(R"(rollcall_sink_errors_total{sink="sqlite"})") > 0);
    }
    BOOST_TEST(daemon.query_until("2", "SELECT COUNT(*) FROM site_checkins") == "2");
    BOOST_TEST(daemon.says("sink sqlite: up again"), daemon.log());
    BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="sqlite"})") == 1);
}

BOOST_AUTO_TEST_CASE(who_connects_while_no_file_can_be_opened_waits_and_is_served_later) {
    TestDaemon daemon(traceable({"--set", "workers=1"}));
    HttpClient before(daemon.http_port());
    BOOST_TEST(before.post(report).status == 200);
    InjectedError crowded(daemon.process().pid(), "accept4", "EMFILE");
    HttpClient http(daemon.http_port());
    http.send(post_request(R"({"serial_number":"T"})"));
    BOOST_TEST(daemon.says("cannot accept connections, clients wait: Too many open files"),
               daemon.log());
    const double cpu_before = cpu_seconds(daemon.process().pid());
    BOOST_TEST(!http.connection().readable_within(3s));
    BOOST_TEST(cpu_seconds(daemon.process().pid()) - cpu_before < 1);
    // The daemon must still serve clients that are connected.
    BOOST_TEST(before.post(R"({"serial_number":"U"})").status == 200);
    crowded.end();
    BOOST_TEST(crowded.calls().size() < 10);  // The daemon retries once a second.
    BOOST_TEST(http.receive().status == 200);
    BOOST_TEST(daemon.says("accepting connections again"), daemon.log());
    BOOST_TEST(daemon.metric("rollcall_accept_pauses_total") >= 2);
    BOOST_TEST(daemon.query_until("3", "SELECT COUNT(*) FROM site_checkins") == "3");
}

BOOST_AUTO_TEST_SUITE_END()
