// Files are removed, moved and replaced while the daemon runs, as by a cleanup, a restored backup
// or a wrong command. The next start of the daemon finds only the files at their usual paths. So
// the daemon must not acknowledge a check-in that it writes to a file without such a path. The log
// must name the path.
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

bool acknowledges(const TestDaemon& daemon) try {
    return daemon.post(small_report).status == 200;
} catch (const std::exception&) {
    return false;
}

// Checks that the daemon ends within two seconds, even if no check-in arrives, and names the
// changed file.
void check_halted(TestDaemon& daemon, const fs::path& changed) {
    BOOST_TEST((daemon.process().wait(2s) == EXIT_FAILURE), daemon.log());
    BOOST_TEST(daemon.says(fmt::format("exiting immediately: {} was", changed.string())),
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

// A daemon that stores into SQLite. Its deduplication window is 0, so the spool drops each segment
// as soon as it is stored.
struct DaemonWithDatabase {
    DaemonWithDatabase() { report_for(100ms); }

    void report_for(std::chrono::milliseconds time) {
        routers.connect(daemon);
        std::this_thread::sleep_for(time);
        routers.disconnect();
    }
    void move(std::string_view suffix) {
        const std::string from = database.string() + std::string(suffix);
        if (fs::exists(from)) fs::rename(from, moved.string() + std::string(suffix));
    }
    // Checks that the daemon logs the change, stores acknowledged check-ins, and is ready.
    void check_noticed(std::string_view suffix) {
        BOOST_TEST(daemon.says(fmt::format(
                       "sink sqlite: down, retrying; check-ins stay in the spool. Cause: "
                       "{}{} was removed, moved or replaced",
                       database.string(), suffix)),
                   daemon.log());
        BOOST_TEST(daemon.says("sink sqlite: up again"), daemon.log());
        BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="sqlite"})") == 1);
        BOOST_TEST(daemon.metric(R"(rollcall_sink_errors_total{sink="sqlite"})") > 0);
    }
    // Returns the check-ins that are missing in both databases.
    [[nodiscard]] std::string losses() const {
        return routers.losses_and_repeats(Routers::in_any_of({database, moved}));
    }

    TestDaemon daemon{{.settings = {R"(spool.segment_size = "4MiB")", R"(spool.size_max = "64MiB")",
                                    R"(delivery.duplicate_window = "0ms")"}}};
    Routers routers;
    fs::path database = daemon.state_dir() / "rollcall.db";
    fs::path moved = daemon.state_dir() / "moved.db";
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(replaced_files, DaemonWithSpool)

BOOST_AUTO_TEST_CASE(spool_that_is_removed_ends_an_idle_daemon) {
    fs::remove_all(spool);
    BOOST_TEST((daemon.process().wait(2s) == EXIT_FAILURE), daemon.log());
    BOOST_TEST(daemon.says(spool.string()), daemon.log());
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
    Process second({rollcalld_path(), "serve", "--set", "state_dir=" + daemon.state_dir().string(),
                    "--set", "http.listen=127.0.0.1:0", "--set", "mqtt.listen=127.0.0.1:0", "--set",
                    "admin.listen=127.0.0.1:0"});
    BOOST_TEST((second.wait(10s) == EXIT_FAILURE), second.errors());
    BOOST_TEST(second.errors().find("another rollcalld uses this spool: ") != std::string::npos,
               second.errors());
    BOOST_TEST(acknowledges(daemon));
}

// --- SQLite's files ---

BOOST_FIXTURE_TEST_CASE(database_that_is_moved_is_made_again_and_both_together_lack_nothing,
                        DaemonWithDatabase) {
    for (const char* suffix : {"", "-wal", "-shm"}) move(suffix);
    report_for(300ms);
    check_noticed("");
    report_for(300ms);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(losses() == "");
    BOOST_TEST(daemon.query("PRAGMA integrity_check") == "ok");
}

BOOST_FIXTURE_TEST_CASE(idle_daemon_notices_that_its_database_was_moved_without_its_wal,
                        DaemonWithDatabase) {
    move("");
    check_noticed("");
    BOOST_TEST(daemon.query("SELECT COUNT(*) >= 0 FROM site_checkins") == "1");
    daemon.kill();
    BOOST_TEST(losses() == "");
}

BOOST_FIXTURE_TEST_CASE(rows_in_a_wal_that_is_removed_are_stored_again, DaemonWithDatabase) {
    routers.connect(daemon);
    std::this_thread::sleep_for(100ms);
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(database.string() + suffix);
    std::this_thread::sleep_for(100ms);
    daemon.kill();  // The kill may come before the daemon notices the change.
    routers.join();
    daemon.start();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
}

BOOST_FIXTURE_TEST_CASE(check_ins_behind_a_restored_backup_are_stored_again, DaemonWithDatabase) {
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    fs::copy_file(database, moved);
    daemon.start();
    report_for(200ms);
    fs::rename(moved, database);
    check_noticed("");
    report_for(100ms);
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST(routers.losses_and_repeats(daemon) == "");
    BOOST_TEST(daemon.query("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_SUITE_END()
