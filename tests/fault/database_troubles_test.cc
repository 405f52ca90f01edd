// Faults of the database. The log and /readyz must show the messages of two parts of the daemon:
// the sink that stores into the database, and the watch that observes the pipeline of the database.
// Meanwhile the daemon must accept check-ins.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <fstream>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "daemon/cli/schema_command.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/singlestore_stand_in.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Sends check-ins until /readyz contains the sentence (said = true) or no longer contains it (said
// = false). Each check-in must be acknowledged.
void report_until(const TestDaemon& daemon, std::string_view sentence, bool said, int& reports) {
    for (std::chrono::milliseconds left = patience; left > 0s; left -= 100ms) {
        const auto ready = daemon.admin("/readyz");
        BOOST_TEST(ready.status == 200);
        if (contains(ready.body, sentence) == said) return;
        BOOST_TEST_REQUIRE(
            daemon.post(fmt::format(R"({{"serial_number":"HX1","seq":{}}})", reports++)).status ==
            200);
        std::this_thread::sleep_for(100ms);
    }
    BOOST_ERROR("/readyz " << (said ? "does not say: " : "still says: ") << sentence << "\n"
                           << daemon.admin("/readyz").body << daemon.log());
}

// --- the sink ---

struct Tables {
    Tables() {
        server.ask("DROP USER IF EXISTS rollcall", "");
        server.ask("DROP DATABASE IF EXISTS rollcall", "");
        std::ofstream(password) << "right\n";
        Settings settings = server.settings();
        settings.singlestore.user = "rollcall";
        settings.singlestore.password_file = password;
        const auto made = apply_schema(settings, SqlDialect::mariadb, "", {"root", ""});
        BOOST_TEST_REQUIRE((made && made->same));
    }
    ~Tables() { server.ask("DROP USER rollcall", ""); }

    [[nodiscard]] Texts daemon_settings() const {
        return {R"(sinks = ["singlestore"])", "[singlestore]",
                fmt::format("port = {}", server.port()), R"(user = "rollcall")",
                fmt::format("password_file = \"{}\"", password)};
    }
    void run(const Texts& statements) const {
        for (const auto& statement : statements) server.ask(statement);
    }
    [[nodiscard]] int rows() const {
        return std::stoi(server.ask("SELECT COUNT(*) FROM site_checkins"));
    }
    void check_all_come(int reports) const {
        for (std::chrono::milliseconds left = patience; left > 0s && rows() < reports;
             left -= 100ms)
            std::this_thread::sleep_for(100ms);
        BOOST_TEST(rows() == reports);
    }

    TemporaryDirectory directory;
    std::string password = directory.path() / "password";
    MariadbServer& server = mariadb_server();
};

// A session of another program that has locked the table of positions, as mysqldump does.
class LockedPosition {
public:
    LockedPosition() {
        BOOST_TEST_REQUIRE(session_.has_value());
        BOOST_TEST_REQUIRE(session_->query("LOCK TABLES rollcall_position WRITE").has_value());
    }

private:
    Result<Database> session_ = Database::connect(mariadb_server().options("rollcall"));
};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begun) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun);
}

// --- the watch ---

// A stand-in for a SingleStore whose pipeline is running and has loaded all messages. Tests replace
// the answers to single statements.
class Singlestore {
public:
    using Answer = SinglestoreStandIn::Answer;

    // Sets the function that answers all statements.
    void answer(Answer answer) {
        const std::lock_guard lock(mutex_);
        answer_ = std::move(answer);
    }
    [[nodiscard]] uint16_t port() const {
        return static_cast<uint16_t>(server_.settings().singlestore.port);
    }

    static std::expected<Rows, SinglestoreStandIn::Refusal> as_it_should_be(
        const std::string& sql) {
        if (contains(sql, "SELECT STATE")) return Rows{{"Running", "0"}};
        if (contains(sql, "PIPELINES_CURSORS")) return Rows{{"0", "0", "1", "0", "0"}};
        if (contains(sql, "SELECT COUNT(*)")) return Rows{{"0"}};
        return Rows();
    }

private:
    std::mutex mutex_;
    Answer answer_ = as_it_should_be;
    SinglestoreStandIn server_{[this](const std::string& sql) {
        const std::lock_guard lock(mutex_);
        return answer_(sql);
    }};
};

Singlestore::Answer refuses(std::string part, SinglestoreStandIn::Refusal refusal) {
    return [part = std::move(part), refusal = std::move(refusal)](
               const std::string& sql) -> std::expected<Rows, SinglestoreStandIn::Refusal> {
        if (contains(sql, part)) return std::unexpected(refusal);
        return Singlestore::as_it_should_be(sql);
    };
}

Singlestore::Answer gives(std::string part, Rows rows) {
    return [part = std::move(part), rows = std::move(rows)](
               const std::string& sql) -> std::expected<Rows, SinglestoreStandIn::Refusal> {
        return contains(sql, part) ? rows : Singlestore::as_it_should_be(sql);
    };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(database_troubles)

BOOST_FIXTURE_TEST_CASE(locked_table_delays_neither_start_nor_stop_and_costs_no_check_in, Tables) {
    Texts settings{R"(delivery.stop_timeout_max = "1s")"};
    for (auto& line : daemon_settings()) settings.push_back(std::move(line));
    std::optional<LockedPosition> locked(std::in_place);
    auto begun = std::chrono::steady_clock::now();
    TestDaemon daemon({.settings = settings});
    BOOST_TEST(daemon.post(R"({"serial_number":"HX1","seq":1})").status == 200);
    BOOST_TEST((since(begun) < 5s));
    begun = std::chrono::steady_clock::now();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST((since(begun) < 6s));
    BOOST_TEST(contains(daemon.log(), R"(busy="sink singlestore")"), daemon.log());
    locked.reset();

    // Above, the table was locked before the start of the daemon. Now it becomes locked while the
    // daemon runs.
    daemon.start();
    check_all_come(1);
    locked.emplace();
    BOOST_TEST(daemon.post(R"({"serial_number":"HX1","seq":2})").status == 200);
    std::this_thread::sleep_for(200ms);
    begun = std::chrono::steady_clock::now();
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    BOOST_TEST((since(begun) < 6s));
    locked.reset();
    daemon.start();
    check_all_come(2);
}

BOOST_FIXTURE_TEST_CASE(trouble_of_the_direct_sink_is_said_and_costs_no_check_in, Tables) {
    const struct {
        const char* what;
        Texts begin;
        const char* said;
        Texts end;
    } health_messages[] = {
        {"wrong password",
         {"SET PASSWORD FOR rollcall = PASSWORD('other')", "KILL USER rollcall"},
         "see singlestore.user and singlestore.password_file",
         {"SET PASSWORD FOR rollcall = PASSWORD('right')"}},
        {"missing privilege",
         {"REVOKE INSERT ON site_checkins FROM rollcall"},
         "rollcalld schema show prints the rights that the user needs",
         {"GRANT INSERT ON site_checkins TO rollcall"}},
        {"schema differs",
         {"ALTER TABLE site_checkins MODIFY model VARCHAR(8)", "KILL USER rollcall"},
         "column model of site_checkins is varchar(8) ",
         {"ALTER TABLE site_checkins MODIFY model VARCHAR(64) COLLATE utf8mb4_bin"}},
        {"column missing",
         {"ALTER TABLE site_checkins DROP COLUMN lte_sinr"},
         "column lte_sinr of site_checkins is missing in rollcall; `rollcalld schema diff",
         {"ALTER TABLE site_checkins ADD COLUMN lte_sinr DOUBLE"}},
        {"table missing",
         {"RENAME TABLE site_checkins TO away"},
         "table site_checkins is missing in rollcall; `rollcalld schema diff",
         {"RENAME TABLE away TO site_checkins"}},
    };
    TestDaemon daemon(
        {.settings = daemon_settings(), .arguments = {"--set", "delivery.retry_delay_max=200ms"}});
    int reports = 0;
    for (const auto& [what, begin, said, end] : health_messages) {
        BOOST_TEST_CONTEXT(what) {
            run(begin);
            report_until(daemon, said, true, reports);
            BOOST_TEST(contains(daemon.log(), said));
            BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="singlestore"})") == 0);
            run(end);
            report_until(daemon, said, false, reports);
            check_all_come(reports);
        }
    }
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_CASE(trouble_of_the_pipeline_is_said_and_costs_no_check_in) {
    const struct {
        const char* what;
        Singlestore::Answer answer;
        const char* said;
    } health_messages[] = {
        {"wrong password", refuses("", {1045, "Access denied for user 'rollcall'"}),
         ": Access denied for user 'rollcall'; see singlestore.user and singlestore.password_file"},
        {"missing privilege", refuses(".PIPELINES", {1142, "SELECT command denied"}),
         ": SELECT command denied; rollcalld schema show prints the rights that the user needs"},
        {"schema differs", refuses("PIPELINES_CURSORS", {1054, "Unknown column 'CURSOR_OFFSET'"}),
         ": Unknown column 'CURSOR_OFFSET'"},
        {"table missing", refuses("PIPELINES_ERRORS", {1146, "Table 'PIPELINES_ERRORS'"}),
         "Table 'PIPELINES_ERRORS'; SingleStore 8.1 and later has it"},
        {"pipeline missing", gives("SELECT STATE", {}),
         "is missing, or singlestore.user lacks the right to see it; run `rollcalld schema apply`"},
        {"pipeline stopped", gives("SELECT STATE", {{"Stopped", "0"}}),
         "is stopped; START PIPELINE `site_checkins_v2`"},
        {"topic created anew", gives("PIPELINES_CURSORS", {{"0", "0", "7", "100", "100"}}),
         "ALTER PIPELINE `site_checkins_v2` SET OFFSETS EARLIEST"},
    };
    Singlestore server;
    TestDaemon daemon(
        {.settings = {R"(sinks = ["kafka"])", "[kafka]", R"(brokers = ["127.0.0.1:1"])",
                      R"(open_timeout_max = "100ms")", "[singlestore]",
                      fmt::format("port = {}", server.port()), R"(watch_interval = "1s")"}});
    int reports = 0;
    for (const auto& [what, answer, said] : health_messages) {
        BOOST_TEST_CONTEXT(what) {
            server.answer(answer);
            report_until(daemon, said, true, reports);
            BOOST_TEST(contains(daemon.log(), said));
            server.answer(Singlestore::as_it_should_be);
            report_until(daemon, "pipeline site_checkins_v2: ", false, reports);
        }
    }
    BOOST_TEST(reports > 0);
    BOOST_TEST(daemon.metric("rollcall_pipeline_polls_total") > 1);
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

// --- how many connections ---

BOOST_FIXTURE_TEST_CASE(one_connection_serves_however_many_routers, Tables) {
    TestDaemon daemon({.settings = daemon_settings()});
    std::list<HttpClient> routers;
    for (int i = 0; i < 200; ++i) {
        routers.emplace_back(daemon.http_port());
        BOOST_TEST_REQUIRE(
            routers.back().post(fmt::format(R"({{"serial_number":"HX{}","seq":1}})", i)).status ==
            200);
    }
    check_all_come(200);
    BOOST_TEST(server.ask("SELECT COUNT(*) FROM information_schema.processlist WHERE user = "
                          "'rollcall'") == "1");
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
