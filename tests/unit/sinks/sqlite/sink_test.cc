#include "sinks/sqlite/sink.h"

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>

#include "sinks/sql/ddl.h"
#include "tests/support/refusals.h"
#include "tests/support/rows.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct SqliteFixture {
    // Returns the output of the sqlite3 program for a query.
    std::string ask(const std::string& sql) const {
        const std::string command = "sqlite3 '" + path + "' \"" + sql + "\" 2>&1";
        FILE* const program = popen(command.c_str(), "r");
        std::string answer;
        for (int letter; (letter = std::fgetc(program)) != EOF;)
            answer += static_cast<char>(letter);
        pclose(program);
        while (answer.ends_with('\n')) answer.pop_back();
        return answer;
    }

    // Returns rows with the ids first, first + 1, ..., as if they came from the spool records with
    // these numbers.
    static Columns rows(int64_t first, int64_t count) {
        Columns columns(static_cast<size_t>(count), test_text_max * static_cast<size_t>(count));
        for (int64_t id = first; id < first + count; ++id) {
            columns.set_integer(Column::id, id);
            add_row(columns, "S", id);
        }
        return columns;
    }
    static Result<void> write(SqliteSink& sink, const Columns& rows, uint64_t end_record) {
        return sink.write({rows, 0, end_record});
    }

    TemporaryDirectory directory;
    std::string path = (directory.path() / "checkins.db").string();
    SpoolId spool{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_sink, SqliteFixture)

BOOST_AUTO_TEST_CASE(new_file_has_the_table_and_no_position) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    std::string names;
    for (const auto& column : columns_table) names += std::string(column.name) + "\n";
    names.pop_back();
    BOOST_TEST(ask("SELECT name FROM pragma_table_info('site_checkins')") == names);
}

BOOST_AUTO_TEST_CASE(wal_that_a_reader_holds_is_bounded_and_cut_when_the_reader_has_ended) {
    constexpr uint64_t wal_size_max = 2 << 20;
    SqliteSink sink(path, wal_size_max);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(0, 100), 1).has_value());
    const Query reader = sqlite_query(path, false).value();
    BOOST_TEST(reader("BEGIN").has_value());
    BOOST_TEST(reader("SELECT COUNT(*) FROM site_checkins").value()[0][0].value() == "100");
    uint64_t written = 1;
    Result<void> stored;
    while (written < 200 && stored) {
        stored = write(sink, rows(static_cast<int64_t>(100 * written), 100), written + 1);
        written += stored.has_value();
    }
    BOOST_TEST_REQUIRE(!stored.has_value());
    BOOST_TEST((stored.error().code == Code::sink_down));
    BOOST_TEST(describe(stored.error()).find("a reader keeps a transaction open") !=
               std::string::npos);
    BOOST_TEST(sink.counters()->read(Metric::sqlite_wal_size_bytes, 0) >= wal_size_max);
    // As long as the reader's transaction is open, later attempts to write must also store nothing.
    for (int attempt = 0; attempt < 3; ++attempt) {
        BOOST_TEST(sink.open(spool).value().next_record == written);
        BOOST_TEST(!write(sink, rows(0, 100), written + 1).has_value());
    }
    BOOST_TEST(std::filesystem::file_size(path + "-wal") < wal_size_max + (1 << 20));
    BOOST_TEST(reader("COMMIT").has_value());
    BOOST_TEST(write(sink, rows(1'000'000, 100), written + 1).has_value());
    BOOST_TEST(std::filesystem::file_size(path + "-wal") < wal_size_max / 2);
    BOOST_TEST(sink.counters()->read(Metric::sqlite_wal_size_bytes, 0) < wal_size_max / 2);
}

BOOST_AUTO_TEST_CASE(table_of_version_1_gets_the_column_of_version_2_and_keeps_its_rows) {
    std::vector<ColumnInfo> columns(std::begin(columns_table), std::end(columns_table));
    std::erase_if(columns, [](const ColumnInfo& column) { return column.since > 1; });
    for (const auto& statement : create_tables(SqlDialect::sqlite, columns)) ask(statement);
    ask("INSERT INTO site_checkins (id, site_id) VALUES (1, 'old')");
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    Columns row(1, test_text_max);
    row.set_integer(Column::id, 2);
    row.set_text(Column::tenant, "acme");
    row.set_integer(Column::first_sending, 1);
    add_row(row, "new", 1);
    BOOST_TEST(write(sink, row, 1).has_value());
    BOOST_TEST(ask("SELECT site_id, tenant FROM site_checkins ORDER BY id") == "old|\nnew|acme");
}

BOOST_AUTO_TEST_CASE(every_kind_of_value_is_stored_as_it_is) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    Columns columns(1, test_text_max);
    columns.set_integer(Column::id, 42);
    columns.set_text(Column::site_id, "S1");
    columns.set_integer(Column::received_at, 1'790'000'000'000'042);
    columns.set_integer(Column::online, 1);
    columns.set_text(Column::identity, "Кафе ☕ 'x'");
    columns.set_integer(Column::mem_total, INT64_MAX);
    columns.set_real(Column::voltage_v, 24.1);
    columns.commit_row();
    BOOST_TEST(write(sink, columns, 1).has_value());
    BOOST_TEST(ask("SELECT id, site_id, received_at, online, identity, mem_total, voltage_v,"
                   " cpu_count IS NULL FROM site_checkins") ==
               "42|S1|2026-09-21 14:13:20.000042|1|Кафе ☕ 'x'|9223372036854775807|24.1|1");
}

BOOST_AUTO_TEST_CASE(times_before_1970_are_stored_as_they_are) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    Columns columns(1, test_text_max);
    add_row(columns, "S1", 1, -1);
    BOOST_TEST(write(sink, columns, 1).has_value());
    BOOST_TEST(ask("SELECT received_at FROM site_checkins") == "1969-12-31 23:59:59.999999");
}

BOOST_AUTO_TEST_CASE(rows_and_position_are_there_after_reopening) {
    {
        SqliteSink sink(path);
        BOOST_TEST(sink.open(spool).has_value());
        BOOST_TEST(write(sink, rows(1, 100), 7).has_value());
    }
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).value().next_record == 7);
    BOOST_TEST(ask("SELECT COUNT(id), SUM(seq) FROM site_checkins") == "100|5050");
}

BOOST_AUTO_TEST_CASE(row_stored_before_is_not_stored_again) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 10), 1).has_value());
    BOOST_TEST(sink.duplicates() == 0);
    BOOST_TEST(write(sink, rows(6, 10), 2).has_value());
    BOOST_TEST(sink.duplicates() == 5);
    BOOST_TEST(write(sink, rows(16, 10), 3).has_value());
    BOOST_TEST(sink.duplicates() == 0);
    BOOST_TEST(ask("SELECT COUNT(*), COUNT(DISTINCT id) FROM site_checkins") == "25|25");
}

BOOST_AUTO_TEST_CASE(positions_of_two_spools_do_not_mix) {
    SpoolId other{};
    other[0] = std::byte{1};
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 1), 5).has_value());
    BOOST_TEST(sink.open(other).value().next_record == 0);
    BOOST_TEST(sink.open(spool).value().next_record == 5);
}

BOOST_AUTO_TEST_CASE(table_of_an_older_daemon_gets_the_columns_it_lacks) {
    ask("CREATE TABLE site_checkins (id INTEGER, site_id TEXT, UNIQUE (id, site_id));"
        "INSERT INTO site_checkins VALUES (1, 'old')");
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(2, 1), 1).has_value());
    BOOST_TEST(ask("SELECT id, seq IS NULL FROM site_checkins ORDER BY id") == "1|1\n2|0");
}

BOOST_AUTO_TEST_CASE(failed_batch_leaves_nothing_and_can_be_written_again) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    // The third row of the batch violates this constraint.
    ask("CREATE TRIGGER refuse BEFORE INSERT ON site_checkins WHEN NEW.id = 3"
        " BEGIN SELECT RAISE(ABORT, 'no'); END");
    BOOST_TEST((write(sink, rows(1, 5), 1).error().action() == Action::retry));
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
    ask("DROP TRIGGER refuse");
    BOOST_TEST(write(sink, rows(1, 5), 1).has_value());
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "5");
}

BOOST_AUTO_TEST_CASE(rows_that_are_refused_for_good_are_handed_over_and_the_others_are_stored) {
    for (const char* const way : {"ABORT", "FAIL", "ROLLBACK"}) {
        std::remove(path.c_str());
        SqliteSink sink(path);
        BOOST_TEST(sink.open(spool).has_value());
        ask(std::string("CREATE TRIGGER refuse BEFORE INSERT ON site_checkins"
                        " WHEN NEW.id IN (3, 4, 9) BEGIN SELECT RAISE(") +
            way + ", 'no'); END");
        Refusals refusals;
        BOOST_TEST(refusals.write(sink, rows(1, 10), 1).has_value(), way);
        BOOST_TEST(refusals.calls == 1);
        BOOST_TEST(refusals.rows() == std::vector<size_t>({2, 3, 8}),
                   boost::test_tools::per_element());
        BOOST_TEST((refusals.all[0].reason == DeadReason::constraint));
        BOOST_TEST(refusals.all[0].detail == "no");
        BOOST_TEST(ask("SELECT GROUP_CONCAT(id) FROM site_checkins") == "1,2,5,6,7,8,10");
        BOOST_TEST(sink.open(spool).value().next_record == 1);
        BOOST_TEST(refusals.write(sink, rows(11, 2), 2).has_value());
        BOOST_TEST(refusals.calls == 1);
    }
}

BOOST_AUTO_TEST_CASE(row_against_a_constraint_of_the_table_is_refused_and_a_duplicate_is_not) {
    std::string columns;
    for (const auto& column : columns_table) columns += std::string(column.name) + ", ";
    ask("CREATE TABLE site_checkins (" + columns +
        "UNIQUE (id, site_id), CHECK (seq <> 2), UNIQUE (seq))");
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    Refusals refusals;
    BOOST_TEST(refusals.write(sink, rows(1, 4), 1).has_value());
    BOOST_TEST(refusals.rows() == std::vector<size_t>({1}), boost::test_tools::per_element());
    BOOST_TEST(refusals.write(sink, rows(3, 3), 2).has_value());
    BOOST_TEST(refusals.calls == 1);
    Columns other = rows(9, 1);
    other.assign_integer(0, Column::seq, 5);  // Violates a unique key that the operator has added.
    BOOST_TEST(refusals.write(sink, other, 3).has_value());
    BOOST_TEST(refusals.calls == 2);
    BOOST_TEST(ask("SELECT GROUP_CONCAT(id) FROM site_checkins") == "1,3,4,5");
}

BOOST_AUTO_TEST_CASE(nothing_is_stored_when_a_refused_row_cannot_be_kept) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    ask("CREATE TRIGGER refuse BEFORE INSERT ON site_checkins WHEN NEW.id = 3"
        " BEGIN SELECT RAISE(ABORT, 'no'); END");
    Refusals refusals;
    refusals.fails = Error{Code::sync_failed};
    BOOST_TEST((refusals.write(sink, rows(1, 5), 1).error().code == Code::sync_failed));
    BOOST_TEST(ask("BEGIN IMMEDIATE; COMMIT") == "");  // Another process can write.
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins") == "0");
}

BOOST_AUTO_TEST_CASE(what_may_go_away_refuses_no_row) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    ask("ALTER TABLE site_checkins DROP COLUMN model");
    Refusals refusals;
    BOOST_TEST((refusals.write(sink, rows(1, 5), 1).error().code == Code::sink_down));
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    ask("CREATE TRIGGER gone BEFORE INSERT ON site_checkins BEGIN SELECT * FROM nowhere; END");
    BOOST_TEST((refusals.write(sink, rows(1, 5), 1).error().code == Code::sink_down));
    BOOST_TEST(refusals.calls == 0);
}

BOOST_AUTO_TEST_CASE(file_that_cannot_be_opened_is_a_sink_that_is_down) {
    SqliteSink sink("/nowhere/checkins.db");
    BOOST_TEST((sink.open(spool).error().code == Code::sink_down));
    ask("");  // To SQLite an empty file is a new database.
    FILE* const file = std::fopen(path.c_str(), "w");
    std::fputs("this is not a database, but long enough to be looked at as one", file);
    std::fclose(file);
    SqliteSink other(path);
    BOOST_TEST((other.open(spool).error().code == Code::sink_down));
}

// --- files that another process changes ---

BOOST_AUTO_TEST_CASE(batch_fails_if_the_database_was_removed_and_goes_into_the_next_one) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 10), 1).has_value());
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    const auto failed = write(sink, rows(11, 10), 2);
    BOOST_TEST_REQUIRE(!failed.has_value());
    BOOST_TEST((failed.error().code == Code::sink_down));
    BOOST_TEST(describe(failed.error()).starts_with(path + " was removed, moved or replaced"));
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(11, 10), 2).has_value());
    BOOST_TEST(ask("SELECT MIN(seq), COUNT(*) FROM site_checkins") == "11|10");
}

BOOST_AUTO_TEST_CASE(each_file_that_is_gone_is_noticed_without_a_batch) {
    for (const char* suffix : {"", "-wal", "-shm"}) {
        SqliteSink sink(path);
        BOOST_TEST(sink.open(spool).has_value());
        BOOST_TEST(sink.poll().has_value());
        std::filesystem::remove(path + suffix);
        const auto failed = sink.poll();
        BOOST_TEST_REQUIRE(!failed.has_value());
        BOOST_TEST(describe(failed.error()).starts_with(path + suffix + " was removed"));
        BOOST_TEST(sink.open(spool).has_value());
        BOOST_TEST(sink.poll().has_value());
    }
}

BOOST_AUTO_TEST_CASE(database_whose_wal_was_removed_keeps_its_rows) {
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 10), 1).has_value());
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-shm");
    BOOST_TEST(!write(sink, rows(11, 10), 2).has_value());
    const auto position = sink.open(spool);
    BOOST_TEST_REQUIRE((position.has_value() && position->next_record == 2));
    BOOST_TEST(ask("SELECT COUNT(*), SUM(seq) FROM site_checkins") == "20|210");
}

BOOST_AUTO_TEST_CASE(database_that_was_moved_is_complete_and_its_wal_does_not_reach_the_next_one) {
    const std::string moved = path + ".moved";
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 10), 1).has_value());
    // Replaces the database by another one, like the restore of a backup.
    (void)SqliteSink(moved + ".other").open(spool).value();
    std::filesystem::rename(path, moved);
    std::filesystem::rename(moved + ".other", path);
    BOOST_TEST(!sink.poll().has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(101, 1), 1).has_value());
    BOOST_TEST(ask("SELECT COUNT(*), SUM(seq) FROM site_checkins") == "1|101");
    BOOST_TEST(ask("PRAGMA integrity_check") == "ok");
    path = moved;
    BOOST_TEST(ask("SELECT COUNT(*), SUM(seq) FROM site_checkins") == "10|55");
    BOOST_TEST(ask("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(moved_database_that_somebody_reads_leaves_no_wal_to_the_next_one) {
    const std::string moved = path + ".moved";
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(write(sink, rows(1, 10), 1).has_value());
    const Query reader = sqlite_query(path, false).value();
    BOOST_TEST_REQUIRE(reader("BEGIN").has_value());
    BOOST_TEST_REQUIRE(reader("SELECT COUNT(*) FROM site_checkins").value()[0][0].value() == "10");
    BOOST_TEST(write(sink, rows(11, 10), 2).has_value());
    std::filesystem::rename(path, moved);
    BOOST_TEST(!sink.poll().has_value());
    BOOST_TEST(sink.open(spool).value().next_record == 0);
    BOOST_TEST(write(sink, rows(101, 1), 1).has_value());
    BOOST_TEST(ask("SELECT COUNT(*), SUM(seq) FROM site_checkins") == "1|101");
    BOOST_TEST(reader("SELECT COUNT(*) FROM site_checkins").value()[0][0].value() == "10");
}

// If the database is moved and the daemon is then killed, the database is left without its WAL. So
// only the records that the database file itself contains may count as settled.
BOOST_AUTO_TEST_CASE(records_are_settled_when_the_database_holds_them_without_its_wal) {
    const auto position_without_wal = [&]() -> uint64_t {
        const std::string copy = path + ".copy";
        std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
        return SqliteSink(copy).open(spool).value().next_record;
    };
    SqliteSink sink(path);
    BOOST_TEST(sink.open(spool).has_value());
    uint64_t end = 0;
    uint64_t settled = 0;
    for (; settled == 0 && end < 1000; ++end) {
        BOOST_TEST_REQUIRE(write(sink, rows(1 + 100 * int64_t(end), 100), end + 1).has_value());
        settled = sink.settled(end + 1);
        BOOST_TEST_REQUIRE((settled == 0 || settled == end + 1));
    }
    BOOST_TEST(end > 3);  // Several commits share one checkpoint.
    BOOST_TEST(settled == end);
    BOOST_TEST(position_without_wal() == end);
    BOOST_TEST(write(sink, rows(1'000'000, 1), end + 1).has_value());
    BOOST_TEST(sink.settled(end + 1) == end);
    BOOST_TEST(position_without_wal() == end);
    BOOST_TEST(sink.open(spool).value().next_record == end + 1);
    BOOST_TEST(sink.settled(end + 1) == end + 1);
    BOOST_TEST(position_without_wal() == end + 1);
}

BOOST_AUTO_TEST_CASE(position_names_the_run_and_each_incarnation_has_its_own) {
    SqliteSink sink(path);
    const SpoolId other{std::byte{7}};
    SpoolId run{};
    run[0] = std::byte{9};
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(sink.write({rows(1, 2), 0, 3, {}, run}).has_value());
    BOOST_TEST((sink.open(other).value() == Position{}));
    BOOST_TEST((sink.position_of(spool).value() == Position{3, run}));
    BOOST_TEST((sink.open(spool).value() == Position{3, run}));
}

BOOST_AUTO_TEST_CASE(position_that_another_has_changed_is_not_overwritten_and_no_row_is_stored) {
    SqliteSink sink(path);
    for (const char* const change :
         {"UPDATE rollcall_position SET next_record = 1",
          "UPDATE rollcall_position SET run_id = 'x'", "DELETE FROM rollcall_position"}) {
        BOOST_TEST(sink.open(spool).has_value());
        BOOST_TEST(sink.write({rows(1, 2), 0, 3}).has_value());
        BOOST_TEST(ask(change) == "");
        const auto written = sink.write({rows(10, 2), 3, 4});
        BOOST_TEST((written.error().code == Code::sink_down));
        BOOST_TEST(describe(written.error()).find("changed the position") != std::string::npos);
        BOOST_TEST(ask("SELECT COUNT(*) FROM site_checkins WHERE seq >= 10") == "0");
        BOOST_TEST(ask("DELETE FROM rollcall_position") == "");
    }
}

BOOST_AUTO_TEST_CASE(position_table_of_an_older_daemon_is_migrated_and_its_position_is_found) {
    SqliteSink sink(path);
    const SpoolId other{std::byte{7}};
    BOOST_TEST(sink.open(spool).has_value());
    BOOST_TEST(
        ask("DROP TABLE rollcall_position; CREATE TABLE rollcall_position (spool TEXT PRIMARY "
            "KEY, next_record INTEGER NOT NULL); INSERT INTO rollcall_position VALUES ('" +
            to_text(spool) + "', 7)") == "");
    BOOST_TEST((sink.open(spool).value() == Position{7, spool}));
    BOOST_TEST(sink.write({rows(1, 2), 7, 8, {}, other}).has_value());
    BOOST_TEST((sink.open(spool).value() == Position{8, other}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
