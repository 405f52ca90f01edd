// The direct sink with a MariaDB server. The tests check which rows are stored or refused, and that
// a failure of the connection or the server loses and repeats nothing.
#include "sinks/singlestore/sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/cutting_proxy.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/random.h"
#include "tests/support/refusals.h"
#include "tests/support/rows.h"
#include "tests/support/test_daemon.h"
#include "tests/support/why.h"

using namespace rollcall;

namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) all.push_back(line);
    return all;
}

// Returns rows with the ids and seqs first, first + 1, ...
Columns rows(int64_t first, int64_t count) {
    Columns columns(static_cast<size_t>(count), test_text_max * static_cast<size_t>(count));
    for (int64_t id = first; id < first + count; ++id) {
        columns.set_integer(Column::id, id);
        columns.set_text(Column::model, "RB5009UG+S+");
        add_row(columns, "S", id);
    }
    return columns;
}

Columns three_rows_one_without_a_line(int64_t bad) {
    Columns columns(8, 8 * test_text_max);
    for (int64_t id = 1; id < 4; ++id) {
        columns.set_integer(Column::id, id);
        columns.set_text(Column::identity,
                         id == bad ? std::string_view("a\0b", 3) : std::string_view("ab"));
        add_row(columns, "S", id);
    }
    return columns;
}

struct Tables {
    Tables() { server.make_tables(); }

    std::string ask(const std::string& sql) const { return server.ask(sql); }

    // Returns the settings of a daemon that stores into this server.
    [[nodiscard]] std::vector<std::string> daemon_settings() const {
        return {R"(sinks = ["singlestore"])", "[singlestore]",
                fmt::format("port = {}", server.port()), R"(user = "root")"};
    }
    // Waits until the table has `count` rows, but not longer than `patience`. Returns the number of
    // rows, the number of different ids and the sum of seq, as "ROWS|IDS|SUM".
    [[nodiscard]] std::string rows_until(int count) const {
        std::string now;
        for (auto left = patience; left > 0s; left -= 1s) {
            now = ask("SELECT COUNT(*), COUNT(DISTINCT id), SUM(seq) FROM site_checkins");
            if (now.starts_with(std::to_string(count) + "|")) break;
            std::this_thread::sleep_for(1s);
        }
        return now;
    }

    MariadbServer& server = mariadb_server();
    SpoolId spool{};
    Settings settings = server.settings();
};

Result<void> write(SinglestoreSink& sink, const Columns& batch, uint64_t end_record) {
    return sink.write({batch, 0, end_record});
}

// A minimal delivery. Record n contains the rows 10 n + 1 to 10 n + 10, and a batch contains
// several records. It continues until all records are stored, even if the sink fails many times.
struct Records {
    static constexpr int64_t rows_each = 10;

    std::function<void()> before_write = [] {};
    std::function<void()> after_failure = [] {};
    uint64_t batch_records = 7;

    // Returns the number of failures of the sink.
    int deliver(SinglestoreSink& sink, const SpoolId& spool, uint64_t records) const {
        int failures = 0;
        const auto deadline = std::chrono::steady_clock::now() + 120s;
        for (;;) {
            const auto delivered = deliver_once(sink, spool, records);
            if (delivered) return failures;
            ++failures;
            BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline), why(delivered));
            after_failure();
        }
    }

private:
    [[nodiscard]] Result<void> deliver_once(SinglestoreSink& sink, const SpoolId& spool,
                                            uint64_t records) const {
        const auto position = sink.open(spool);
        if (!position) return std::unexpected(position.error());
        for (uint64_t at = position->next_record; at < records;) {
            const uint64_t end = std::min(at + batch_records, records);
            const Columns batch = rows(static_cast<int64_t>(at) * rows_each + 1,
                                       static_cast<int64_t>(end - at) * rows_each);
            before_write();
            if (auto written = sink.write({batch, at, end}); !written) return written;
            at = end;
        }
        return {};
    }
};

void check_each_row_once(const MariadbServer& server, uint64_t records) {
    const auto count = records * Records::rows_each;
    BOOST_TEST(server.ask("SELECT COUNT(*), COUNT(DISTINCT id), MIN(id), MAX(id), SUM(seq)"
                          " FROM site_checkins") ==
               fmt::format("{}|{}|1|{}|{}", count, count, count, count * (count + 1) / 2));
    BOOST_TEST(server.ask("SELECT next_record FROM rollcall_position") == std::to_string(records));
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(singlestore_sink, Tables)

// --- storing ---

BOOST_AUTO_TEST_CASE(rows_and_position_are_there_after_reopening) {
    {
        SinglestoreSink sink(settings);
        BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
        BOOST_TEST(why(write(sink, rows(1, 100), 7)) == "");
        BOOST_TEST(why(write(sink, rows(101, 100), 9)) == "");
    }
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 9);
    BOOST_TEST(ask("SELECT COUNT(id), SUM(seq), MAX(received_at) FROM site_checkins") ==
               "200|20100|2026-09-21 14:13:20.000000");
}

BOOST_AUTO_TEST_CASE(batch_without_rows_moves_the_position) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    const Columns none(1, test_text_max);
    BOOST_TEST(why(write(sink, none, 3)) == "");
    BOOST_TEST(sink.open(spool).value().next_record == 3);
}

BOOST_AUTO_TEST_CASE(row_stored_before_is_not_stored_again) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(why(write(sink, rows(1, 10), 1)) == "");
    BOOST_TEST(sink.duplicates() == 0);
    BOOST_TEST(why(write(sink, rows(6, 10), 2)) == "");
    BOOST_TEST(sink.duplicates() == 5);
    BOOST_TEST(why(write(sink, rows(16, 10), 3)) == "");
    BOOST_TEST(sink.duplicates() == 0);
    BOOST_TEST(ask("SELECT COUNT(*), COUNT(DISTINCT id) FROM site_checkins") == "25|25");
}

BOOST_AUTO_TEST_CASE(batch_with_more_rows_than_a_server_reports_warnings_is_checked_too) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const int64_t count = 70'000;
    Columns many(count, count * 64 + row_text_max);
    for (int64_t id = 1; id <= count; ++id) {
        many.set_integer(Column::id, id);
        add_row(many, "S", id);
    }
    BOOST_TEST(why(write(sink, many, 1)) == "");
    BOOST_TEST(why(write(sink, many, 2)) == "");  // Every row is a duplicate.
    BOOST_TEST(sink.duplicates() == 70'000);
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "70000");
}

BOOST_AUTO_TEST_CASE(positions_of_two_spools_do_not_mix) {
    SpoolId other{};
    other[0] = std::byte{1};
    SinglestoreSink sink(settings);
    SinglestoreSink second(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(second.open(other).has_value());
    BOOST_TEST(write(sink, rows(1, 1), 5).has_value());
    BOOST_TEST(write(second, rows(2, 1), 8).has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 5);
    BOOST_TEST(second.open(other).value().next_record == 8);
}

// --- refusing ---

BOOST_AUTO_TEST_CASE(differing_schema_is_reported_with_its_remedy) {
    ask("ALTER TABLE site_checkins DROP COLUMN lte_sinr");
    SinglestoreSink sink(settings);
    const auto failed = sink.open(spool);
    BOOST_TEST((failed.error().action() == Action::retry));
    BOOST_TEST(contains(why(failed), "column lte_sinr of site_checkins is missing"));
    BOOST_TEST(contains(why(failed), "rollcalld schema diff --dialect mariadb"), why(failed));
    for (const auto& statement : create_tables(SqlDialect::mariadb)) ask(statement);
    ask(add_column(SqlDialect::mariadb, info(Column::lte_sinr)));
    BOOST_TEST(why(sink.open(spool)) == "");
}

BOOST_AUTO_TEST_CASE(missing_right_is_reported) {
    ask("CREATE OR REPLACE USER 'poor'@'%'");
    ask("GRANT SELECT ON rollcall.site_checkins TO 'poor'@'%'");
    ask("GRANT SELECT, INSERT, UPDATE ON rollcall.rollcall_position TO 'poor'@'%'");
    settings.singlestore.user = "poor";
    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
    const auto failed = write(sink, rows(1, 1), 1);
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(contains(why(failed), "INSERT command denied"), why(failed));
    BOOST_TEST(contains(why(failed), "prints the rights that the user needs"));
}

BOOST_AUTO_TEST_CASE(server_that_accepts_no_rows_is_reported_with_its_remedy) {
    ask("SET GLOBAL local_infile = OFF");
    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
    const auto failed = write(sink, rows(1, 1), 1);
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(contains(why(failed), "SET GLOBAL local_infile = ON"), why(failed));
    ask("SET GLOBAL local_infile = ON");
    BOOST_TEST(why(sink.open(spool)) == "");
    BOOST_TEST(why(write(sink, rows(1, 1), 1)) == "");
}

BOOST_AUTO_TEST_CASE(value_that_the_database_would_alter_rolls_the_batch_back_and_names_the_row) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const std::string model =
        "ALTER TABLE site_checkins MODIFY model VARCHAR({}) CHARACTER SET utf8mb4"
        " COLLATE utf8mb4_bin";
    ask(fmt::format(fmt::runtime(model), 4));
    const auto failed = write(sink, rows(40, 5), 1);
    BOOST_TEST((failed.error().action() == Action::retry));
    BOOST_TEST(contains(why(failed), "the row with id 40"), why(failed));
    BOOST_TEST(contains(why(failed), "column 'model'"), why(failed));
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
    BOOST_TEST(ask("SELECT next_record FROM rollcall_position") == "0");

    const auto failed_again = sink.open(spool);
    BOOST_TEST(!failed_again.has_value());
    BOOST_TEST(contains(why(failed_again), "column model of site_checkins is varchar(4)"));
    ask(fmt::format(fmt::runtime(model), 64));
    BOOST_TEST(why(sink.open(spool)) == "");
    BOOST_TEST(why(write(sink, rows(40, 5), 1)) == "");
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "5");
}

BOOST_AUTO_TEST_CASE(row_that_the_table_refuses_rolls_the_batch_back) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    ask("ALTER TABLE site_checkins ADD CONSTRAINT small CHECK (seq < 3)");
    const auto failed = write(sink, rows(1, 5), 1);
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(contains(why(failed), "would alter or drop"), why(failed));
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
}

BOOST_AUTO_TEST_CASE(value_that_tsv_cannot_express_rolls_the_batch_back_and_names_row_and_column) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const Columns batch = three_rows_one_without_a_line(3);
    const auto failed = write(sink, batch, 1);
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(why(failed) == "the row with id 3: identity holds a NUL");
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
    BOOST_TEST(sink.open(spool).value().next_record == 0);
}

// --- permanent refusals ---

BOOST_AUTO_TEST_CASE(permanently_refused_rows_are_passed_on_and_the_others_are_stored) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    ask("ALTER TABLE site_checkins ADD CONSTRAINT no_bad CHECK (seq <> 3 AND seq <> 4 AND seq <> "
        "77)");
    Refusals refusals;
    BOOST_TEST_REQUIRE(why(refusals.write(sink, rows(1, 100), 1)) == "");
    BOOST_TEST(refusals.calls == 1);
    BOOST_TEST(refusals.rows() == std::vector<size_t>({2, 3, 76}),
               boost::test_tools::per_element());
    for (const auto& refusal : refusals.all) {
        BOOST_TEST((refusal.reason == DeadReason::constraint));
        BOOST_TEST(contains(refusal.detail, "no_bad"), refusal.detail);
    }
    BOOST_TEST(ask("SELECT COUNT(*), SUM(seq) FROM site_checkins") == "97|4966");
    BOOST_TEST(sink.open(spool).value().next_record == 1);
    BOOST_TEST(why(refusals.write(sink, rows(101, 10), 2)) == "");
    BOOST_TEST(refusals.calls == 1);
    BOOST_TEST(ask("SELECT next_record FROM rollcall_position") == "2");
}

BOOST_AUTO_TEST_CASE(any_of_many_rows_may_be_refused_among_duplicates) {
    Random random("any_of_many_rows_may_be_refused_among_duplicates");
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 500), 1).has_value());
    ask("CREATE TABLE bad (seq BIGINT PRIMARY KEY)");
    std::set<size_t> bad;
    while (bad.size() < 30) bad.insert(500 + random.below(1500));
    for (const size_t row : bad) ask(fmt::format("INSERT INTO bad VALUES ({})", row + 1));
    ask("CREATE TRIGGER no_bad BEFORE INSERT ON site_checkins FOR EACH ROW"
        " IF EXISTS (SELECT * FROM bad WHERE bad.seq = NEW.seq)"
        " THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END IF");
    Refusals refusals;
    BOOST_TEST_REQUIRE(why(refusals.write(sink, rows(1, 2000), 2)) == "");
    const auto found = refusals.rows();
    BOOST_TEST(std::vector<size_t>(bad.begin(), bad.end()) == found,
               boost::test_tools::per_element());
    BOOST_TEST(ask("SELECT COUNT(*), COUNT(DISTINCT id) FROM site_checkins") == "1970|1970");
}

BOOST_AUTO_TEST_CASE(value_that_the_database_would_alter_is_refused_and_never_stored_altered) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    ask("ALTER TABLE site_checkins MODIFY seq TINYINT");
    Refusals refusals;
    BOOST_TEST_REQUIRE(why(refusals.write(sink, rows(125, 6), 1)) == "");
    BOOST_TEST(refusals.rows() == std::vector<size_t>({3, 4, 5}), boost::test_tools::per_element());
    BOOST_TEST((refusals.all[0].reason == DeadReason::invalid_value));
    BOOST_TEST(contains(refusals.all[0].detail, "the row with id 128"), refusals.all[0].detail);
    BOOST_TEST(ask("SELECT GROUP_CONCAT(seq) FROM site_checkins") == "125,126,127");
}

BOOST_AUTO_TEST_CASE(value_that_tsv_cannot_express_is_refused_alone) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    const Columns batch = three_rows_one_without_a_line(2);
    Refusals refusals;
    BOOST_TEST(why(refusals.write(sink, batch, 1)) == "");
    BOOST_TEST(refusals.rows() == std::vector<size_t>({1}), boost::test_tools::per_element());
    BOOST_TEST((refusals.all[0].reason == DeadReason::not_representable));
    BOOST_TEST(ask("SELECT GROUP_CONCAT(id) FROM site_checkins") == "1,3");
}

BOOST_AUTO_TEST_CASE(nothing_is_stored_when_a_refused_row_cannot_be_kept) {
    SinglestoreSink sink(settings);
    BOOST_TEST(sink.open(spool).has_value());
    ask("ALTER TABLE site_checkins ADD CONSTRAINT small CHECK (seq < 3)");
    Refusals refusals;
    refusals.fails = Error{Code::sync_failed};
    BOOST_TEST((refusals.write(sink, rows(1, 5), 1).error().code == Code::sync_failed));
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
    BOOST_TEST(sink.open(spool).value().next_record == 0);
}

BOOST_AUTO_TEST_CASE(temporary_failure_refuses_no_row) {
    Refusals refusals;
    for (const char* const change : {"ALTER TABLE site_checkins DROP COLUMN lte_sinr",
                                     "DROP TABLE site_checkins", "SET GLOBAL local_infile = OFF"}) {
        server.make_tables();
        SinglestoreSink sink(settings);
        BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
        ask(change);
        const auto failed = refusals.write(sink, rows(1, 5), 1);
        BOOST_TEST((failed.error().code == Code::sink_down), change);
        BOOST_TEST(refusals.calls == 0);
        BOOST_TEST((failed.error().explanation != nullptr));
    }
    ask("SET GLOBAL local_infile = ON");
    server.make_tables();
    settings.singlestore.timeout_max = 2s;
    SinglestoreSink sink(settings);
    BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
    ask("ALTER TABLE site_checkins ADD CONSTRAINT small CHECK (seq < 3)");
    auto other = *Database::connect(server.options("rollcall"));
    BOOST_TEST(other.query("LOCK TABLES site_checkins WRITE, rollcall_position WRITE").has_value());
    BOOST_TEST((refusals.write(sink, rows(1, 5), 1).error().code == Code::sink_down));
    BOOST_TEST(refusals.calls == 0);
}

BOOST_AUTO_TEST_CASE(dead_letter_is_sent_again_once_when_the_table_is_fixed_and_the_daemon_runs) {
    const TemporaryDirectory directory;
    const std::string place = "state_dir=" + directory.path().string();
    TestDaemon daemon({.settings = daemon_settings(), .arguments = {"--set", place}});
    const auto post = [&](int seq) {
        return daemon.post(fmt::format(R"({{"serial_number":"HX1","seq":{}}})", seq)).status;
    };
    const auto spool_command = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {rollcalld_path(), "spool"});
        arguments.insert(arguments.end(), {"--set", place, "--set",
                                           fmt::format("singlestore.port={}", server.port()),
                                           "--set", "singlestore.user=root"});
        return run(arguments);
    };
    ask("ALTER TABLE site_checkins ADD CONSTRAINT no_bad CHECK (seq <> 3)");
    for (int seq = 1; seq <= 6; ++seq) BOOST_TEST_REQUIRE(post(seq) == 200);
    BOOST_TEST(rows_until(5) == "5|5|18");
    BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="singlestore"})") == 1);
    BOOST_TEST(daemon.metric(
                   R"(rollcall_dead_letters_total{sink="singlestore",reason="constraint"})") == 1);
    BOOST_TEST(daemon.metric(R"(rollcall_dead_letters_pending{sink="singlestore"})") == 1);
    daemon.kill();
    daemon.start();
    BOOST_TEST(post(7) == 200);
    BOOST_TEST(rows_until(6) == "6|6|25");
    BOOST_TEST(daemon.metric(R"(rollcall_dead_letters_pending{sink="singlestore"})") == 1);
    BOOST_TEST(
        contains(spool_command({"dump", "--dead", "--format", "json"}).output, R"("seq":3)"));

    auto again = spool_command({"replay", "--dead"});  // The constraint still exists.
    BOOST_TEST(again.status == 1);
    BOOST_TEST(contains(again.output, "0 dead letters were stored, 1 were refused again"));
    ask("ALTER TABLE site_checkins DROP CONSTRAINT no_bad");
    again = spool_command({"replay", "--dead"});
    BOOST_TEST(again.status == 0, again.errors);
    BOOST_TEST(contains(again.output, "1 dead letters were stored, 0 were refused again"));
    BOOST_TEST(contains(spool_command({"replay", "--dead"}).output, "0 dead letters were stored"));
    BOOST_TEST(post(8) == 200);
    BOOST_TEST(rows_until(8) == "8|8|36");
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins WHERE seq = 3") == "1");
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

// --- faults ---

BOOST_AUTO_TEST_CASE(connection_closed_by_the_server_loses_nothing) {
    SinglestoreSink sink(settings);
    int writes = 0;
    const Records records{[&] {
        if (++writes % 3 != 0) return;
        for (const auto& id : lines(ask("SELECT id FROM information_schema.processlist"
                                        " WHERE user = 'root' AND id <> CONNECTION_ID()")))
            ask("KILL " + id);
    }};
    BOOST_TEST(records.deliver(sink, spool, 100) > 0);
    check_each_row_once(server, 100);
}

BOOST_AUTO_TEST_CASE(position_that_another_connection_moved_is_read_again) {
    SinglestoreSink sink(settings);
    SinglestoreSink other(settings);  // Acts as an earlier connection whose response was lost.
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(other.open(spool).value().next_record == 0);
    BOOST_TEST(write(other, rows(1, 10), 1).has_value());
    const auto failed = write(sink, rows(1, 10), 1);
    BOOST_TEST(!failed.has_value());
    BOOST_TEST(contains(why(failed), "changed the position"), why(failed));
    BOOST_TEST(sink.open(spool).value().next_record == 1);
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "10");
}

// When a connection has failed for the daemon, it can still be open on the server. The server can
// still be executing a commit of this connection.
BOOST_AUTO_TEST_CASE(write_waits_until_an_earlier_transaction_is_over) {
    for (const char* const end : {"COMMIT", "ROLLBACK"}) {
        server.make_tables();
        SinglestoreSink sink(settings);
        BOOST_TEST_REQUIRE(why(sink.open(spool)) == "");
        auto earlier = *Database::connect(server.options("rollcall"));
        BOOST_TEST(earlier.query("BEGIN").has_value());
        BOOST_TEST(earlier.query("UPDATE rollcall_position SET next_record = 1").has_value());
        BOOST_TEST(earlier
                       .query("INSERT INTO site_checkins (id, site_id, received_at)"
                              " VALUES (1, 'S', NOW())")
                       .has_value());
        std::atomic<bool> over{false};
        std::thread ending([&] {
            std::this_thread::sleep_for(300ms);
            over = true;
            if (!earlier.query(end)) std::abort();
        });
        const auto written = write(sink, rows(1, 1), 1);
        BOOST_TEST(over);
        ending.join();
        BOOST_TEST(written.has_value() == (std::string_view(end) == "ROLLBACK"), why(written));
        BOOST_TEST(sink.open(spool).value().next_record == 1);
        BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "1");
    }
}

BOOST_AUTO_TEST_CASE(daemon_stops_in_time_though_the_server_hangs) {
    TestDaemon daemon(
        {.settings = daemon_settings(),
         .arguments = {"--set", "singlestore.connect_timeout_max=1s", "--set",
                       "singlestore.timeout_max=2s", "--set", "delivery.stop_timeout_max=1s"}});
    const auto post = [&](int seq) {
        return daemon.post(fmt::format(R"({{"serial_number":"HX1","seq":{}}})", seq)).status;
    };
    BOOST_TEST(post(1) == 200);
    BOOST_TEST(rows_until(1) == "1|1|1");
    server.hang();
    BOOST_TEST(post(2) == 200);
    const auto begin = std::chrono::steady_clock::now();
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 20s));
    server.go_on();
    daemon.start();
    BOOST_TEST(rows_until(2) == "2|2|3");
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

// Cuts the connection in both directions, even between COMMIT and its response.
BOOST_AUTO_TEST_CASE(connection_cut_at_any_byte_loses_nothing) {
    CuttingProxy proxy(server.port());
    settings.singlestore.port = proxy.port();
    SinglestoreSink sink(settings);
    Random random("singlestore_sink");
    const auto once = [&](CuttingProxy::From from, uint64_t bytes) {
        ask("DELETE FROM site_checkins");
        ask("DELETE FROM rollcall_position");
        proxy.cut_after(from, bytes);
        return Records{.batch_records = 2}.deliver(sink, spool, 2);
    };
    // Measure how many bytes pass through a connection that is not cut.
    BOOST_TEST(once(CuttingProxy::From::client, UINT64_MAX) == 0);
    const uint64_t sent = proxy.sent();
    const uint64_t received = proxy.received();
    BOOST_TEST(sent > 1000);
    for (const auto& [from, most] : {std::pair{CuttingProxy::From::client, sent},
                                     std::pair{CuttingProxy::From::server, received}}) {
        // The first cut is near the beginning of the first write, because an earlier cut would only
        // prevent the connection. ROLLCALL_CUTS=1 cuts at every byte, which takes minutes.
        const bool every = std::getenv("ROLLCALL_CUTS") != nullptr;
        uint64_t cuts = 0;
        for (uint64_t bytes = every ? 1 : most * 2 / 3 + random.below(8); bytes < most;
             bytes += every ? 1 : 1 + random.below(24)) {
            cuts += once(from, bytes) > 0 ? 1 : 0;
            BOOST_TEST_REQUIRE(ask("SELECT COUNT(*), COUNT(DISTINCT id) FROM site_checkins") ==
                               "20|20");
        }
        BOOST_TEST(cuts > 0);
    }
}

BOOST_AUTO_TEST_CASE(server_killed_at_any_moment_loses_nothing) {
    constexpr int kills_most = 6;
    Random random("singlestore_sink");
    SinglestoreSink sink(settings);
    std::thread killer;
    int kills = 0;
    const Records records{[&] {
                              if (killer.joinable() || kills == kills_most || random.below(20) > 0)
                                  return;
                              ++kills;
                              killer = std::thread([this, pause = random.below(4000)] {
                                  std::this_thread::sleep_for(std::chrono::microseconds(pause));
                                  server.send(SIGKILL);
                              });
                          },
                          [&] {
                              if (!killer.joinable()) return;
                              killer.join();
                              server.kill();
                              server.start();
                          }};
    constexpr uint64_t count = 3000;
    BOOST_TEST(records.deliver(sink, spool, count) >= kills - 1);
    if (killer.joinable()) {  // The kill came after the last write.
        killer.join();
        server.kill();
        server.start();
    }
    BOOST_TEST(kills > 0);
    check_each_row_once(server, count);
}

BOOST_AUTO_TEST_CASE(daemon_responds_while_the_server_is_down_and_stores_everything_afterwards) {
    TestDaemon daemon({.settings = daemon_settings()});
    const auto post = [&](int first, int count) {
        for (int i = first; i < first + count; ++i)
            BOOST_TEST_REQUIRE(
                daemon.post(fmt::format(R"({{"serial_number":"HX{}","seq":{}}})", i, i)).status ==
                200);
    };
    post(0, 20);
    server.stop();
    post(20, 20);
    const auto says = [&](std::string_view part) {
        for (auto left = patience; left > 0s; left -= 1s) {
            if (contains(daemon.admin("/readyz").body, part)) return true;
            std::this_thread::sleep_for(1s);
        }
        return false;
    };
    BOOST_TEST(says("see singlestore.host and singlestore.port"), daemon.admin("/readyz").body);
    BOOST_TEST(daemon.admin("/readyz").status == 200);
    BOOST_TEST(daemon.metric(R"(rollcall_sink_up{sink="singlestore"})") == 0);
    daemon.kill();
    daemon.launch();  // The daemon must start although the sink is down.
    server.start();
    while (daemon.admin("/readyz").status != 200) std::this_thread::sleep_for(50ms);
    post(40, 20);
    BOOST_TEST(rows_until(60) == "60|60|1770");
    BOOST_TEST(daemon.stop().value_or(-1) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
