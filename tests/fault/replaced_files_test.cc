// Files are removed, moved and replaced under a running daemon, as an operator's cleanup, a
// restored backup or a wrong command does. Nothing is acknowledged into a file that the next start
// does not find, and the log names the path.
#include <fmt/core.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <thread>

#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view small_report = R"({"serial_number":"S","cpu_load":7})";

bool log_has(const TestDaemon& daemon, std::string_view sentence) {
    return daemon.log().find(sentence) != std::string::npos;
}

// Returns whether a report is acknowledged.
bool acknowledges(const TestDaemon& daemon) try {
    return daemon.post(small_report).status == 200;
} catch (const std::exception&) {
    return false;
}

// The daemon ends within two seconds, also if no check-in arrives, and names what was changed.
void check_halted(TestDaemon& daemon, const fs::path& changed) {
    BOOST_TEST((daemon.process().wait(2s) == EXIT_FAILURE), daemon.log());
    BOOST_TEST(log_has(daemon, fmt::format("stopping at once: {} was", changed.string())),
               daemon.log());
}

struct DaemonWithSpool {
    DaemonWithSpool() {
        for (int i = 0; i < 3; ++i) BOOST_TEST_REQUIRE(acknowledges(daemon), daemon.log());
    }

    TestDaemon daemon{{.settings = {R"(sinks = ["discard"])"}}};
    fs::path spool = daemon.state_dir() / "spool";
    fs::path segment = spool / "00000000000000000000.segment";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(replaced_files, DaemonWithSpool)

BOOST_AUTO_TEST_CASE(spool_that_is_removed_ends_an_idle_daemon) {
    fs::remove_all(spool);
    BOOST_TEST((daemon.process().wait(2s) == EXIT_FAILURE), daemon.log());
    BOOST_TEST(log_has(daemon, spool.string()), daemon.log());
}

BOOST_AUTO_TEST_CASE(nothing_is_acknowledged_into_a_segment_without_a_name) {
    fs::remove(segment);
    BOOST_TEST(!acknowledges(daemon));
    check_halted(daemon, segment);
}

BOOST_AUTO_TEST_CASE(spool_that_is_moved_ends_the_daemon_and_can_be_put_back) {
    fs::rename(spool, daemon.state_dir() / "elsewhere");
    check_halted(daemon, spool);
    fs::rename(daemon.state_dir() / "elsewhere", spool);
    daemon.start();
    BOOST_TEST(acknowledges(daemon));
}

BOOST_AUTO_TEST_CASE(spool_that_is_replaced_by_a_copy_ends_the_daemon) {
    fs::copy(spool, daemon.state_dir() / "copy", fs::copy_options::recursive);
    fs::rename(spool, daemon.state_dir() / "elsewhere");
    fs::rename(daemon.state_dir() / "copy", spool);
    check_halted(daemon, spool);
}

BOOST_AUTO_TEST_CASE(checkpoint_that_is_removed_ends_the_daemon) {
    fs::remove(spool / "checkpoint");
    check_halted(daemon, spool / "checkpoint");
    daemon.start();
    BOOST_TEST(acknowledges(daemon));
}

BOOST_AUTO_TEST_CASE(second_daemon_is_refused_although_files_of_the_spool_were_removed) {
    fs::remove(spool / "lock");
    Process second({ROLLCALLD_PATH, "serve", "--set", "state_dir=" + daemon.state_dir().string(),
                    "--set", "http.listen=127.0.0.1:0", "--set", "mqtt.listen=127.0.0.1:0", "--set",
                    "admin.listen=127.0.0.1:0"});
    BOOST_TEST((second.wait(10s) == EXIT_FAILURE), second.errors());
    BOOST_TEST(second.errors().find("Another rollcalld uses this spool.") != std::string::npos,
               second.errors());
    BOOST_TEST(acknowledges(daemon));
}

BOOST_AUTO_TEST_SUITE_END()
