// Something outside of the daemon blocks: nobody reads standard error, a sink or a file does not
// answer, or a thread does not return from a system call. Meanwhile the daemon must answer
// check-ins and show the operator what hangs, and signals must end it in time.
#include <fmt/core.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <fstream>
#include <optional>
#include <thread>

#include "tests/support/free_port.h"
#include "tests/support/loopback.h"
#include "tests/support/stopped_thread.h"
#include "tests/support/test_daemon.h"
#include "tests/support/unread_pipe.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

using Milliseconds = std::chrono::milliseconds;
using Texts = std::vector<std::string>;

// Maximum time of a start, even if a sink hangs. It is shorter than SQLite's busy timeout of 5 s
// and the timeouts of the other sinks, but long enough for a busy machine.
constexpr Milliseconds start_max = 4s;

template <class Call>
Milliseconds time_of(Call call) {
    const auto begun = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun);
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Returns the exit status, or nothing if the daemon is still running after the limit.
std::optional<int> stop_within(TestDaemon& daemon, Milliseconds limit) {
    daemon.process().send(SIGTERM);
    return daemon.process().wait(limit);
}

// A server that accepts connections and never responds.
class SilentServer {
public:
    SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        port_ = listen_on_loopback(fd_);
    }
    ~SilentServer() { close(fd_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;

    // Returns the settings of a daemon that stores into this server.
    [[nodiscard]] Texts of_singlestore() const {
        return {R"(sinks = ["singlestore"])", fmt::format("singlestore.port = {}", port_)};
    }
    [[nodiscard]] Texts of_kafka() const {
        return {R"(sinks = ["kafka"])", fmt::format(R"(kafka.brokers = ["127.0.0.1:{}"])", port_)};
    }

private:
    int fd_;
    uint16_t port_;
};

// Another process that has locked the daemon's database.
class LockedDatabase {
public:
    explicit LockedDatabase(const TestDaemon& daemon)
        : process_({"sqlite3", daemon.state_dir() / "rollcall.db"}, {},
                   ".timeout 10000\nBEGIN EXCLUSIVE;\n.print locked\n.shell sleep 60\n") {
        BOOST_TEST_REQUIRE(before_long([&] { return contains(process_.output(), "locked"); }));
    }

private:
    Process process_;
};

// Waits for the thread, because a thread gets its name shortly after its start.
pid_t thread_of(TestDaemon& daemon, std::string_view name) {
    pid_t thread = 0;
    BOOST_TEST_REQUIRE(
        before_long([&] { return (thread = thread_named(daemon.process().pid(), name)) != 0; }));
    return thread;
}

// A daemon whose standard error is a pipe that is full and that nobody reads.
struct UnreadLog {
    UnreadLog() {
        std::string text;
        BOOST_TEST_REQUIRE(
            before_long([&] { return contains(text += log.read(), "ready: version="); }));
        log.fill();
    }

    TemporaryDirectory directory;
    UnreadPipe log{directory.path() / "log"};
    uint16_t http_port = free_port();
    uint16_t admin_port = free_port();
    TestDaemon daemon{
        {.arguments = {"--set", fmt::format("http.listen=127.0.0.1:{}", http_port), "--set",
                       fmt::format("admin.listen=127.0.0.1:{}", admin_port), "--set", "workers=2"},
         .wrapper = {"sh", "-c", "exec \"$@\" 2>" + log.path().string(), "sh"}}};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(outside_blocks)

// --- standard error ---

BOOST_FIXTURE_TEST_CASE(log_that_nobody_reads_delays_no_answer_and_no_stop, UnreadLog) {
    for (int connection = 0; connection < 16;
         ++connection) {  // Several connections for each worker.
        HttpClient client(http_port);
        BOOST_TEST(client.post("{").status == 400);
        BOOST_TEST(HttpClient(http_port).exchange(post_request("{}", "/nope")).status == 404);
        BOOST_TEST(client.post("{}").status == 200);
    }
    BOOST_TEST(HttpClient(admin_port).get("/readyz").status == 200);
    BOOST_TEST((stop_within(daemon, 10s) == 0));
}

BOOST_FIXTURE_TEST_CASE(lines_that_wait_are_written_when_the_log_is_read_again, UnreadLog) {
    BOOST_TEST(HttpClient(http_port).post("{").status == 400);
    std::string text;
    BOOST_TEST(before_long([&] { return contains(text += log.read(), "malformed_json"); }));
    log.fill();
    daemon.process().send(SIGTERM);
    BOOST_TEST(before_long([&] { return contains(text += log.read(), "stopped\n"); }));
    BOOST_TEST((daemon.process().wait(patience) == 0));
}

// --- sinks, at start ---

BOOST_AUTO_TEST_CASE(start_does_not_wait_for_a_database_that_is_silent) {
    const SilentServer server;
    std::optional<TestDaemon> daemon;
    BOOST_TEST((time_of([&] {
                    daemon.emplace(TestDaemon::Options{.settings = server.of_singlestore()});
                    BOOST_TEST(daemon->post("{}").status == 200);
                }) < start_max));
}

BOOST_AUTO_TEST_CASE(start_does_not_wait_for_brokers_that_are_silent) {
    const SilentServer server;
    std::optional<TestDaemon> daemon;
    BOOST_TEST((time_of([&] {
                    daemon.emplace(TestDaemon::Options{.settings = server.of_kafka()});
                    BOOST_TEST(daemon->post("{}").status == 200);
                }) < start_max));
}

BOOST_AUTO_TEST_CASE(start_does_not_wait_for_a_locked_sqlite_file) {
    TestDaemon daemon;
    BOOST_TEST((daemon.stop() == 0));
    const LockedDatabase locked(daemon);
    BOOST_TEST((time_of([&] {
                    daemon.start();
                    BOOST_TEST(daemon.post("{}").status == 200);
                }) < start_max));
}

// --- sinks, at stop ---

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_a_database_that_is_silent) {
    const SilentServer server;
    Texts settings = server.of_singlestore();
    settings.emplace_back(R"(delivery.stop_timeout_max = "1s")");
    TestDaemon daemon({.settings = settings});
    BOOST_TEST(daemon.post("{}").status == 200);
    BOOST_TEST((stop_within(daemon, 6s) == 0), daemon.log());
    BOOST_TEST(contains(daemon.log(), R"(busy="sink singlestore")"), daemon.log());
}

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_brokers_that_are_silent) {
    const SilentServer server;
    Texts settings = server.of_kafka();
    settings.emplace_back(R"(delivery.stop_timeout_max = "1s")");
    TestDaemon daemon({.settings = settings});
    BOOST_TEST(daemon.post("{}").status == 200);
    BOOST_TEST((stop_within(daemon, 6s) == 0), daemon.log());
}

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_a_locked_sqlite_file_and_the_next_start_stores_all) {
    TestDaemon daemon({.settings = {R"(delivery.stop_timeout_max = "0s")"}});
    {
        const LockedDatabase locked(daemon);
        for (int report = 0; report < 10; ++report)
            BOOST_TEST(daemon.post(fmt::format(R"({{"sn":"S","seq":{}}})", report)).status == 200);
        // After this pause, the delivery is in a call of SQLite that takes 5 s.
        std::this_thread::sleep_for(100ms);
        BOOST_TEST((stop_within(daemon, 4s) == 0), daemon.log());
    }
    daemon.start();
    BOOST_TEST(daemon.query_until("10|45", "SELECT COUNT(*), SUM(seq) FROM site_checkins") ==
               "10|45");
}

BOOST_AUTO_TEST_CASE(second_signal_ends_the_daemon_at_once_and_loses_nothing) {
    for (const int second : {SIGTERM, SIGINT}) {
        TestDaemon daemon({.settings = {R"(delivery.stop_timeout_max = "60s")"}});
        {
            const LockedDatabase locked(daemon);
            for (int report = 0; report < 10; ++report)
                BOOST_TEST(daemon.post(fmt::format(R"({{"sn":"S","seq":{}}})", report)).status ==
                           200);
            daemon.process().send(SIGTERM);
            BOOST_TEST(daemon.says("stopping\n"));
            BOOST_TEST(!daemon.process().wait(1s).has_value());
            daemon.process().send(second);
            BOOST_TEST((daemon.process().wait(2s) == 0), daemon.log());
            BOOST_TEST(contains(daemon.log(), "a second signal was received"), daemon.log());
        }
        daemon.start();
        BOOST_TEST(daemon.query_until("10|45", "SELECT COUNT(*), SUM(seq) FROM site_checkins") ==
                   "10|45");
    }
}

// --- files ---

BOOST_AUTO_TEST_CASE(signal_ends_a_recovery_that_takes_long_and_the_next_start_recovers_all) {
    for (const int number : {SIGTERM, SIGINT}) {
        TestDaemon daemon({.settings = {R"(sinks = ["discard"])"}});
        for (int report = 0; report < 10; ++report) BOOST_TEST(daemon.post("{}").status == 200);
        daemon.kill();
        // A file whose first bytes never arrive, as on a file server that hangs.
        const auto segment = daemon.state_dir() / "spool" / "18446744073709551000.segment";
        BOOST_TEST_REQUIRE(mkfifo(segment.c_str(), 0600) == 0);
        daemon.launch();
        BOOST_TEST(!daemon.process().wait(1s).has_value(), daemon.log());
        daemon.process().send(number);
        BOOST_TEST((daemon.process().wait(3s) == 0), daemon.log());
        BOOST_TEST(contains(daemon.log(), "a signal to stop arrived during the start"),
                   daemon.log());
        std::filesystem::remove(segment);
        daemon.start();
        BOOST_TEST(daemon.post("{}").status == 200);
        BOOST_TEST(daemon.metric("rollcall_spool_lost_records_total") == 0);
    }
}

BOOST_AUTO_TEST_CASE(reload_of_a_file_that_hangs_stops_neither_answers_nor_pages_nor_signals) {
    const TemporaryDirectory directory;
    const auto tokens = directory.path() / "tokens";
    std::ofstream(tokens) << "";
    TestDaemon daemon({.settings = {R"(auth.mode = "tokens")",
                                    fmt::format("auth.tokens_file = \"{}\"", tokens.string()),
                                    R"(delivery.stop_timeout_max = "1s")"}});
    std::filesystem::remove(tokens);
    BOOST_TEST_REQUIRE(mkfifo(tokens.c_str(), 0600) == 0);
    daemon.process().send(SIGHUP);
    BOOST_TEST(daemon.notify_socket().hears("RELOADING=1", patience));
    BOOST_TEST(daemon.admin("/readyz").status == 200);
    BOOST_TEST(daemon.post("{}").status == 401);
    BOOST_TEST(!daemon.notify_socket().hears("READY=1", 100ms));
    BOOST_TEST((stop_within(daemon, 6s) == 0), daemon.log());
}

// --- threads ---

BOOST_AUTO_TEST_CASE(worker_that_is_stuck_is_named_and_withholds_readiness_and_the_watchdog) {
    TestDaemon daemon(
        {.arguments = {"--set", "workers=2"}, .environment = {"WATCHDOG_USEC=60000000"}});
    BOOST_TEST(daemon.notify_socket().hears("WATCHDOG=1", patience));
    const auto ready = [&] { return daemon.admin("/readyz"); };
    {
        const StoppedThread stopped(thread_of(daemon, "worker"));
        BOOST_TEST(before_long([&] { return ready().status == 503; }));
        BOOST_TEST(contains(ready().body, "a thread makes no progress\nworker "), ready().body);
        BOOST_TEST(daemon.metric("rollcall_stuck_threads") == 1);
        daemon.notify_socket().forget();
        BOOST_TEST(!daemon.notify_socket().hears("WATCHDOG=1", 2500ms));
    }
    BOOST_TEST(before_long([&] { return ready().status == 200; }));
    BOOST_TEST(daemon.notify_socket().hears("WATCHDOG=1", patience));
}

BOOST_AUTO_TEST_CASE(committer_that_is_stuck_is_named_and_withholds_readiness) {
    TestDaemon daemon;
    const StoppedThread stopped(thread_of(daemon, "committer"));
    const auto ready = [&] { return daemon.admin("/readyz"); };
    BOOST_TEST(before_long([&] { return ready().status == 503; }));
    BOOST_TEST(contains(ready().body, "committer: no progress for "), ready().body);
}

BOOST_AUTO_TEST_CASE(sink_that_does_not_answer_is_named_while_check_ins_are_accepted) {
    const SilentServer server;
    TestDaemon daemon({.settings = server.of_singlestore()});
    const auto ready = [&] { return daemon.admin("/readyz"); };
    BOOST_TEST(
        before_long([&] { return contains(ready().body, "sink singlestore: no response for "); }));
    BOOST_TEST(ready().status == 200);
    BOOST_TEST(daemon.post("{}").status == 200);
}

BOOST_AUTO_TEST_CASE(stuck_worker_does_not_delay_the_stop_beyond_its_limit) {
    TestDaemon daemon({.settings = {R"(drain_timeout_max = "1s")"}});
    const StoppedThread stopped(thread_of(daemon, "worker"));
    daemon.process().send(SIGTERM);
    std::optional<int> status;
    for (auto left = 8s / 50ms; left > 0 && !status; --left) {
        status = daemon.process().wait(50ms);
        stopped.reap();
    }
    BOOST_TEST((status == 0), daemon.log());
    BOOST_TEST(contains(daemon.log(), R"(busy="worker )"), daemon.log());
}

BOOST_AUTO_TEST_SUITE_END()
