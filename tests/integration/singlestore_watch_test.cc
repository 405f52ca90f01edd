// The watch, which observes SingleStore's pipeline, with a MariaDB server in the place of
// SingleStore. The tests fill a schema with the tables that SingleStore documents. Whether a real
// SingleStore answers in the same way is one of the questions in sinks/README.md.
#include "sinks/singlestore/watch.h"

#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/support/manual_clock.h"
#include "tests/support/mariadb_server.h"

using namespace rollcall;

namespace {

using namespace std::chrono_literals;

struct Catalog {
    Catalog() {
        server.make_database();
        server.make_database("catalog");
        for (const char* const table : {
                 "PIPELINES (DATABASE_NAME TEXT, PIPELINE_NAME TEXT, STATE TEXT,"
                 " SKIPPED_BATCH_PARTITIONS BIGINT)",
                 "PIPELINES_CURSORS (DATABASE_NAME TEXT, PIPELINE_NAME TEXT,"
                 " SOURCE_PARTITION_ID TEXT, EARLIEST_OFFSET BIGINT, LATEST_OFFSET BIGINT,"
                 " CURSOR_OFFSET BIGINT, SUCCESSFUL_CURSOR_OFFSET BIGINT)",
                 "PIPELINES_BATCHES_SUMMARY (DATABASE_NAME TEXT, PIPELINE_NAME TEXT,"
                 " BATCH_ID BIGINT, BATCH_STATE TEXT)",
                 "PIPELINES_ERRORS (DATABASE_NAME TEXT, PIPELINE_NAME TEXT,"
                 " ERROR_UNIX_TIMESTAMP DOUBLE, ERROR_TYPE TEXT, ERROR_CODE BIGINT,"
                 " ERROR_MESSAGE TEXT)",
             })
            set(std::string("CREATE TABLE ") + table);
        set("INSERT INTO PIPELINES VALUES ('rollcall', 'site_checkins_v2', 'Running', 0),"
            " ('rollcall', 'other', 'Error', 9), ('elsewhere', 'site_checkins_v2', 'Error', 9)");
        set("INSERT INTO PIPELINES_CURSORS VALUES"
            " ('rollcall', 'site_checkins_v2', '0', 0, 101, 100, 100),"
            " ('rollcall', 'site_checkins_v2', '1', 0, 201, 200, 200),"
            " ('rollcall', 'other', '0', 0, 999, 0, 0)");
    }

    void set(const std::string& sql) const { server.ask(sql, "catalog"); }
    [[nodiscard]] int64_t shown(Metric metric) const { return watch.shard().read(metric, 0); }
    [[nodiscard]] int64_t shown(PipelineState state) const {
        return watch.shard().read(Metric::pipeline_state, label_of(state));
    }

    MariadbServer& server = mariadb_server();
    Settings settings = server.settings();
    ManualClock clock;
    SinglestoreWatch watch{settings, clock, {}, "catalog"};
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(singlestore_watch, Catalog)

BOOST_AUTO_TEST_CASE(running_pipeline_that_has_caught_up_has_no_lag_and_no_health_message) {
    BOOST_TEST((watch.step() == settings.singlestore.watch_interval));
    BOOST_TEST(watch.health_message().text() == "");
    BOOST_TEST(shown(PipelineState::running) == 1);
    BOOST_TEST(shown(PipelineState::error) == 0);
    BOOST_TEST(shown(Metric::pipeline_lag_rows) == 0);
    BOOST_TEST(shown(Metric::pipeline_lag_seconds) == 0);
    BOOST_TEST(shown(Metric::pipeline_polls_total) == 1);
    BOOST_TEST(shown(Metric::pipeline_poll_errors_total) == 0);
}

BOOST_AUTO_TEST_CASE(lag_is_the_distance_from_cursor_to_end_and_grows_until_the_rows_are_loaded) {
    settings.kafka.rows_per_message = 10;
    (void)watch.step();
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 151 WHERE SOURCE_PARTITION_ID = '0'");
    clock.pass(10s);
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_rows) == 500);
    clock.pass(25s);
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_seconds) == 25);
    set("UPDATE PIPELINES_CURSORS SET CURSOR_OFFSET = 150 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_seconds) == 0);
    BOOST_TEST(shown(Metric::pipeline_lag_rows) == 0);
}

// Initially, partition 0 ends at offset 101, and the pipeline's cursor in it is 100. Partition 1
// ends at offset 201, and the cursor in it is 200.
BOOST_AUTO_TEST_CASE(lag_of_one_partition_is_not_hidden_by_another_that_is_ahead) {
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 151 WHERE SOURCE_PARTITION_ID = '0'");
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 0 WHERE SOURCE_PARTITION_ID = '1'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 50);
}

BOOST_AUTO_TEST_CASE(marker_at_the_end_of_a_partition_is_no_lag_if_there_are_transactions) {
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 110 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 9);
    settings.kafka.transactions = false;
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 11);
    settings.kafka.rows_per_message = 10;
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_lag_rows) == 110);
}

BOOST_AUTO_TEST_CASE(watermarks_of_the_topic_are_shown) {
    set("UPDATE PIPELINES_CURSORS SET EARLIEST_OFFSET = 40 WHERE SOURCE_PARTITION_ID = '1'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_topic_begin_messages) == 40);
    BOOST_TEST(shown(Metric::pipeline_topic_end_messages) == 302);
}

BOOST_AUTO_TEST_CASE(recreated_topic_is_reported_until_the_cursor_is_reset) {
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 5 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(watch.health_message().text() ==
               "pipeline site_checkins_v2: the topic was created anew: 1 of its partitions ended "
               "before the pipeline's cursor, and nothing is loaded from them; run STOP PIPELINE "
               "`site_checkins_v2`; ALTER PIPELINE `site_checkins_v2` SET OFFSETS EARLIEST; START "
               "PIPELINE `site_checkins_v2`");
    BOOST_TEST(shown(Metric::pipeline_recreated_partitions) == 1);
    // The fifth offset is that of a marker at the end of a transaction. Markers do not count.
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 4);
    // The new topic grows past the old cursor, so the pipeline loads messages from there. It still
    // does not load the messages before the old cursor.
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 161, CURSOR_OFFSET = 130"
        " WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(), "created anew"));
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 160);
    set("UPDATE PIPELINES_CURSORS SET CURSOR_OFFSET = 0 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(watch.health_message().text() == "");
    BOOST_TEST(shown(Metric::pipeline_recreated_partitions) == 0);
}

BOOST_AUTO_TEST_CASE(messages_that_expired_before_they_were_loaded_are_counted_once_and_reported) {
    set("UPDATE PIPELINES_CURSORS SET EARLIEST_OFFSET = 120, LATEST_OFFSET = 201"
        " WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_expired_messages_total) == 20);
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 80);
    BOOST_TEST(contains(watch.health_message().text(),
                        "20 messages expired before they were loaded, and their rows are missing"));
    set("UPDATE PIPELINES_CURSORS SET EARLIEST_OFFSET = 150 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_expired_messages_total) == 50);
    set("UPDATE PIPELINES_CURSORS SET CURSOR_OFFSET = 160 WHERE SOURCE_PARTITION_ID = '0'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_expired_messages_total) == 50);
    BOOST_TEST(watch.health_message().text() == "");
}

BOOST_AUTO_TEST_CASE(partition_that_was_never_read_has_lost_nothing) {
    set("UPDATE PIPELINES_CURSORS SET EARLIEST_OFFSET = 50, CURSOR_OFFSET = NULL"
        " WHERE SOURCE_PARTITION_ID = '0'");
    set("UPDATE PIPELINES_CURSORS SET EARLIEST_OFFSET = NULL, LATEST_OFFSET = NULL"
        " WHERE SOURCE_PARTITION_ID = '1'");
    (void)watch.step();
    BOOST_TEST(shown(Metric::pipeline_expired_messages_total) == 0);
    BOOST_TEST(shown(Metric::pipeline_lag_messages) == 50);
    BOOST_TEST(watch.health_message().text() == "");
}

BOOST_AUTO_TEST_CASE(end_from_the_brokers_is_used_if_it_is_larger) {
    std::optional<int64_t> end = 1302;
    SinglestoreWatch with_brokers(settings, clock, [&] { return end; }, "catalog");
    (void)with_brokers.step();
    BOOST_TEST(with_brokers.shard().read(Metric::pipeline_lag_rows, 0) == 1000);
    BOOST_TEST(with_brokers.shard().read(Metric::pipeline_topic_end_messages, 0) == 1302);
    end = 7;  // The brokers' answer is older than the end that SingleStore has seen.
    (void)with_brokers.step();
    BOOST_TEST(with_brokers.shard().read(Metric::pipeline_lag_rows, 0) == 0);
    end.reset();
    (void)with_brokers.step();
    BOOST_TEST(with_brokers.shard().read(Metric::pipeline_lag_rows, 0) == 0);
}

BOOST_AUTO_TEST_CASE(failed_pipeline_is_reported_with_its_last_error_and_its_remedy) {
    set("UPDATE PIPELINES SET STATE = 'Error' WHERE DATABASE_NAME = 'rollcall'");
    set("INSERT INTO PIPELINES_ERRORS VALUES"
        " ('rollcall', 'site_checkins_v2', 10.5, 'Error', 1366, 'old'),"
        " ('rollcall', 'site_checkins_v2', UNIX_TIMESTAMP() - 7000.5, 'Error', 1933,"
        " 'Cannot get\\nsource metadata'),"
        " ('rollcall', 'site_checkins_v2', UNIX_TIMESTAMP() - 6000, 'Error', 1933,"
        " 'LEAF ERROR (a:1): Cannot'),"
        " ('rollcall', 'site_checkins_v2', UNIX_TIMESTAMP(), 'Warning', 1062, 'Duplicate entry'),"
        " ('rollcall', 'other', UNIX_TIMESTAMP(), 'Error', 1, 'not ours')");
    set("INSERT INTO PIPELINES_BATCHES_SUMMARY VALUES"
        " ('rollcall', 'site_checkins_v2', 1, 'Succeeded'),"
        " ('rollcall', 'site_checkins_v2', 2, 'Failed')");
    (void)watch.step();
    const std::string said = watch.health_message().text();
    BOOST_TEST(said.starts_with("pipeline site_checkins_v2: has stopped at an error; when that is "
                                "fixed, START PIPELINE `site_checkins_v2`; last error, 70"),
               said);
    BOOST_TEST(said.ends_with(" s ago: 1933 Cannot get source metadata"), said);
    BOOST_TEST(shown(PipelineState::error) == 1);
    BOOST_TEST(shown(PipelineState::running) == 0);
    BOOST_TEST(shown(Metric::pipeline_errors) == 2);
    BOOST_TEST(shown(Metric::pipeline_failed_batches) == 1);
}

BOOST_AUTO_TEST_CASE(running_pipeline_with_failing_batches_is_reported_with_the_reason) {
    const auto fail = [&] {
        set("INSERT INTO PIPELINES_ERRORS VALUES ('rollcall', 'site_checkins_v2',"
            " UNIX_TIMESTAMP(), 'Error', 1366, 'Incorrect value')");
    };
    fail();  // The watch must not report this failure. A failure before its first step may be old.
    (void)watch.step();
    BOOST_TEST(watch.health_message().text() == "");
    fail();
    (void)watch.step();
    BOOST_TEST(
        contains(watch.health_message().text(), "batches fail and are tried again; last error, "),
        watch.health_message().text());
    BOOST_TEST(contains(watch.health_message().text(), " s ago: 1366 Incorrect value"));
    (void)watch.step();
    BOOST_TEST(watch.health_message().text() == "");
    set("INSERT INTO PIPELINES_BATCHES_SUMMARY VALUES ('rollcall', 'site_checkins_v2', 2,"
        " 'Failed')");
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(), "batches fail"));
}

BOOST_AUTO_TEST_CASE(whole_state_can_be_read_at_once) {
    settings.kafka.rows_per_message = 10;
    BOOST_TEST(watch.status().pipeline == "site_checkins_v2");
    BOOST_TEST((watch.status().state == PipelineState::unknown));
    (void)watch.step();
    BOOST_TEST((watch.status().state == PipelineState::running));
    set("UPDATE PIPELINES SET STATE = 'Stopped', SKIPPED_BATCH_PARTITIONS = 3");
    set("UPDATE PIPELINES_CURSORS SET LATEST_OFFSET = 151, SUCCESSFUL_CURSOR_OFFSET = 99"
        " WHERE SOURCE_PARTITION_ID = '0'");
    set("INSERT INTO PIPELINES_ERRORS VALUES ('rollcall', 'site_checkins_v2',"
        " UNIX_TIMESTAMP() - 100, 'Error', 1366, 'Incorrect value')");
    (void)watch.step();
    clock.pass(25s);
    (void)watch.step();
    const PipelineStatus seen = watch.status();
    BOOST_TEST((seen.state == PipelineState::stopped));
    BOOST_TEST(!seen.not_singlestore);
    BOOST_TEST(seen.lag_messages == 50);
    BOOST_TEST(seen.lag_rows == 500);
    BOOST_TEST((seen.lag == 25s));
    BOOST_TEST(seen.skipped_batch_partitions == 3);
    BOOST_TEST(seen.skipped_messages == 1);
    BOOST_TEST(seen.errors == 1);
    BOOST_TEST(seen.last_error == "1366 Incorrect value");
    BOOST_TEST((seen.last_error_age >= 100s));
    BOOST_TEST(seen.wrong == watch.health_message().text());
}

BOOST_AUTO_TEST_CASE(stopped_missing_and_skipping_pipelines_are_reported) {
    set("UPDATE PIPELINES SET STATE = 'Stopped'");
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(), "is stopped; START PIPELINE"));
    set("UPDATE PIPELINES SET STATE = 'Running', SKIPPED_BATCH_PARTITIONS = 3");
    set("UPDATE PIPELINES_CURSORS SET SUCCESSFUL_CURSOR_OFFSET = 90 WHERE LATEST_OFFSET = 101");
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(), "has skipped 3 batches"));
    BOOST_TEST(shown(Metric::pipeline_skipped_batch_partitions) == 3);
    BOOST_TEST(shown(Metric::pipeline_skipped_messages) == 10);
    set("DELETE FROM PIPELINES");
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(),
                        "is missing, or singlestore.user lacks the right to see it; run "
                        "`rollcalld schema apply`"));
    BOOST_TEST(shown(PipelineState::missing) == 1);
}

BOOST_AUTO_TEST_CASE(unreachable_server_is_reported_and_asked_again) {
    (void)watch.step();
    server.stop();
    (void)watch.step();
    (void)watch.step();
    BOOST_TEST(contains(watch.health_message().text(), "see singlestore.host"),
               watch.health_message().text());
    BOOST_TEST(shown(PipelineState::unknown) == 1);
    BOOST_TEST(shown(Metric::pipeline_poll_errors_total) == 2);
    server.start();
    (void)watch.step();
    BOOST_TEST(watch.health_message().text() == "");
}

BOOST_AUTO_TEST_CASE(missing_catalog_table_is_reported_and_asked_for_again) {
    set("DROP TABLE PIPELINES_CURSORS");
    BOOST_TEST((watch.step() == settings.singlestore.watch_interval));
    BOOST_TEST(
        contains(watch.health_message().text(),
                 "catalog.PIPELINES_CURSORS' doesn't exist; SingleStore 8.1 and later has it"),
        watch.health_message().text());
    BOOST_TEST((watch.step() == settings.singlestore.watch_interval));
    BOOST_TEST(shown(Metric::pipeline_poll_errors_total) == 2);
}

BOOST_AUTO_TEST_CASE(mariadb_is_not_a_singlestore_and_is_not_asked_again) {
    SinglestoreWatch plain(settings, clock);
    BOOST_TEST((plain.step() > 1h));
    BOOST_TEST((plain.step() > 1h));
    BOOST_TEST(plain.shard().read(Metric::pipeline_polls_total, 0) == 1);
    BOOST_TEST(plain.status().not_singlestore);
    for (size_t state = 0; state < std::size(pipeline_state_names); ++state)
        BOOST_TEST(plain.shard().read(Metric::pipeline_state, state) == 0);
    // The watch has closed its connection.
    std::string others;
    for (auto left = 100; left > 0 && others != "0"; --left) {
        std::this_thread::sleep_for(50ms);
        others = server.ask(
            "SELECT COUNT(*) FROM information_schema.processlist"
            " WHERE user = 'root' AND id <> CONNECTION_ID()");
    }
    BOOST_TEST(others == "0");
    BOOST_TEST(plain.health_message().text() == "");
}

BOOST_AUTO_TEST_CASE(waiting_watch_stops_at_once) {
    SinglestoreWatch plain(settings, clock);
    plain.start();
    const auto begin = std::chrono::steady_clock::now();
    plain.begin_stop();
    plain.join();
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 10s));
}

BOOST_AUTO_TEST_CASE(lag_clock_keeps_the_time_of_the_oldest_within_its_bound) {
    LagClock lag;
    BOOST_TEST((lag.note(1000, 10, 10) == 0us));
    BOOST_TEST((lag.note(2000, 20, 10) == 0us));
    BOOST_TEST((lag.note(3000, 30, 10) == 1000us));
    BOOST_TEST((lag.note(4000, 30, 20) == 1000us));
    BOOST_TEST((lag.note(5000, 30, 30) == 0us));
    for (int64_t i = 0; i < 100'000; ++i) (void)lag.note(10'000 + i, 40 + i, 30);
    BOOST_TEST((lag.note(200'000, 200'000, 30) == 190'000us));
    BOOST_TEST((lag.note(200'001, 200'000, 199'999) <= 1us));
}

BOOST_AUTO_TEST_CASE(lag_clock_forgets_an_end_that_was_set_back) {
    LagClock lag;
    BOOST_TEST((lag.note(1000, 100, 10) == 0us));
    BOOST_TEST((lag.note(2000, 5, 0) == 1000us));
    BOOST_TEST((lag.note(3000, 5, 5) == 0us));
    BOOST_TEST((lag.note(4000, 6, 5) == 0us));
}

BOOST_AUTO_TEST_SUITE_END()
