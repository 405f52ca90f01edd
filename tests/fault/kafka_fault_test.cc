// The whole path with real servers: routers, the daemon, Kafka, a stand-in for SingleStore's
// pipeline, and MariaDB. In each case one part of the path fails. No router may wait longer than
// three seconds for a response. At the end, the table must contain every acknowledged check-in
// once. Unless a case says otherwise, no two Kafka messages may contain the same row.
//
// ROLLCALL_KILLS (number of kills) and ROLLCALL_HANG (seconds) make some of the cases longer than
// in a normal run of ctest:
//
//   ROLLCALL_HANG=600 build/release/tests/kafka_fault_tests --run_test=*/broker_that_hangs*
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/support/copied_spools.h"
#include "tests/support/kafka_way.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/random.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

int times(const char* variable, int by_default) {
    const char* const given = std::getenv(variable);
    return given == nullptr ? by_default : std::atoi(given);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_fault, *boost::unit_test::fixture<Cluster>())

BOOST_AUTO_TEST_CASE(daemon_that_is_killed_again_and_again_stores_everything_once) {
    Random random("daemon_that_is_killed_again_and_again_stores_everything_once");
    KafkaWay way;
    const int kills = times("ROLLCALL_KILLS", 8);
    for (int kill = 0; kill < kills; ++kill) {
        way.report_for(200ms + random.below(500) * 1ms);
        way.daemon.kill();
        way.routers.join();
        way.daemon.start();
    }
    way.report_for(200ms);
    BOOST_TEST(way.settle() == "");
    BOOST_TEST(way.routers.acknowledged() > 100 * static_cast<uint64_t>(kills));
}

// Two daemons on copies of one spool can write the same rows to Kafka. The table's unique key
// refuses the second copy of such a row.
BOOST_AUTO_TEST_CASE(copies_and_restored_spools_with_one_topic_lose_nothing) {
    Random random("copies_and_restored_spools_with_one_topic_lose_nothing");
    KafkaWay way;
    CopiedSpools spools(way.options(), random);
    const int kills = times("ROLLCALL_KILLS", 8);
    spools.kill(kills);
    spools.stop();
    BOOST_TEST(way.settle({.repeats = true}) == "");
    fmt::print("{} kills, {} check-ins were acknowledged\n", kills, spools.acknowledged());
    BOOST_TEST(spools.losses_and_repeats(way.stored()) == "");
    BOOST_TEST(spools.acknowledged() > 10 * static_cast<uint64_t>(kills));
}

BOOST_AUTO_TEST_CASE(broker_that_is_killed_and_comes_back_costs_nothing) {
    KafkaWay way({"timeout_max=2s", "open_timeout_max=2s"});
    way.report_for(500ms);
    way.kafka.kill(0);
    way.wait_until_sink_is(false);
    BOOST_TEST(way.answers());
    BOOST_TEST(way.says("is a broker listening at kafka.brokers?"));
    way.kafka.start(0);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.answers());
    BOOST_TEST(way.settle() == "");
}

// The brokers hang: their connections stay open, but no request gets a response.
BOOST_AUTO_TEST_CASE(broker_that_hangs_costs_nothing_and_no_memory) {
    KafkaWay way({"timeout_max=2s", "open_timeout_max=2s"});
    way.report_for(2s);
    const int64_t before_kib = way.memory_kib();
    way.kafka.hang(0);
    way.wait_until_sink_is(false);
    const int hang_seconds = times("ROLLCALL_HANG", 3);
    int64_t most_kib = 0;
    for (int second = 0; second < hang_seconds; ++second) {
        BOOST_TEST(way.answers());
        std::this_thread::sleep_for(500ms);
        most_kib = std::max(most_kib, way.memory_kib());
    }
    way.kafka.resume(0);
    fmt::print("memory: {} KiB, while the broker hung for {} s at most {} KiB\n", before_kib,
               hang_seconds, most_kib);
    BOOST_TEST(most_kib < before_kib + 32 * 1024);
    way.routers.disconnect();
    way.wait_until_delivered(std::chrono::seconds(60 + hang_seconds));
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(daemon_that_starts_while_kafka_hangs_answers_soon) {
    KafkaWay way({"open_timeout_max=1min"});
    way.report_for(300ms);
    way.routers.disconnect();
    BOOST_TEST_REQUIRE((way.daemon.stop() == 0));
    way.kafka.hang(0);
    const auto begin = std::chrono::steady_clock::now();
    way.daemon.start();
    way.report_for(0ms);
    BOOST_TEST(way.answers());
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 6s));
    way.kafka.resume(0);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

// The daemon pauses in the middle of a batch, longer than Kafka's transaction timeout.
BOOST_AUTO_TEST_CASE(transaction_that_kafka_ends_because_its_daemon_slept_is_begun_anew) {
    KafkaWay way({"timeout_max=1s"});
    way.report_for(500ms);
    for (int nap = 0; nap < 3; ++nap) {
        way.kafka.hang(0);
        std::this_thread::sleep_for(300ms);
        way.daemon.process().send(SIGSTOP);
        way.kafka.resume(0);
        std::this_thread::sleep_for(2500ms);
        way.daemon.process().send(SIGCONT);
        BOOST_TEST(way.answers());
    }
    BOOST_TEST(way.daemon.metric("rollcall_kafka_producers_total") > 1);
    BOOST_TEST(way.settle({.wait = 6s}) == "");  // The routers waited while the daemon was stopped.
}

BOOST_AUTO_TEST_CASE(broker_whose_disk_is_full_costs_nothing) {
    KafkaWay way({"timeout_max=2s", "open_timeout_max=2s"});
    way.report_for(500ms);
    way.kafka.fill_disk(0);
    way.wait_until_sink_is(false);
    BOOST_TEST(way.answers());
    way.kafka.start(0);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

// Deleting the topic deletes its rows, so the test waits first until the pipeline has loaded them.
BOOST_AUTO_TEST_CASE(topic_that_is_deleted_is_created_anew_and_takes_what_comes_then) {
    KafkaWay way({"timeout_max=2s"});
    way.report_for(500ms);
    way.routers.disconnect();
    way.wait_until_delivered();
    way.pipeline->stop();
    way.client.delete_topic(way.name);
    KafkaWay::wait_until([&] { return !way.client.has_topic(way.name); });
    way.report_for(0ms);
    BOOST_TEST(way.answers());
    KafkaWay::wait_until([&] { return way.client.has_topic(way.name); });
    (void)mariadb_server().ask("DELETE FROM pipeline_offsets", way.name);
    way.pipeline->start();
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(right_that_is_taken_away_and_given_back_costs_nothing) {
    const TemporaryDirectory directory;
    const std::string password_file = directory.path() / "password";
    std::ofstream(password_file) << "hush\n";
    KafkaCluster& kafka = *Cluster::running;
    kafka.allow({"--operation", "Write", "--operation", "Describe", "--operation", "Create",
                 "--topic", "way", "--topic", "rollcall", "--resource-pattern-type", "prefixed"});
    kafka.allow({"--operation", "Write", "--operation", "Describe", "--transactional-id",
                 "rollcall-", "--resource-pattern-type", "prefixed"});
    kafka.allow({"--operation", "Read", "--topic", "rollcall_positions"});
    KafkaWay way({"brokers=" + kafka.guarded_brokers(), "tls=true", "tls_ca=" + kafka.certificate(),
                  "sasl_mechanism=PLAIN", "user=rollcall", "password_file=" + password_file,
                  "properties=broker.address.family=v4"});
    way.report_for(500ms);
    const std::vector<std::string> right = {
        "--operation", "Write", "--topic", "way", "--resource-pattern-type", "prefixed"};
    kafka.disallow(right);
    way.wait_until_sink_is(false);
    BOOST_TEST(way.answers());
    BOOST_TEST(way.says("allow kafka.user to write"));
    kafka.allow(right);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(check_in_larger_than_a_message_is_a_dead_letter_and_holds_up_no_other) {
    KafkaWay way({"message_size_max=1KiB"});
    way.report_for(200ms);
    const std::string large =
        fmt::format(R"({{"serial_number":"LARGE","note":"{}"}})", std::string(2000, 'x'));
    BOOST_TEST(way.daemon.post(large).status == 200);
    BOOST_TEST(way.answers());
    KafkaWay::wait_until(
        [&] { return way.daemon.metric("rollcall_kafka_dead_letters_total") == 1; });
    BOOST_TEST(
        way.daemon.metric(R"(rollcall_dead_letters_total{sink="kafka",reason="too_large"})") == 1);
    std::string line;
    for (const auto& letter : way.client.committed("rollcall_dead_letters"))
        if (letter.key == "LARGE") line += letter.value;
    BOOST_TEST(line.find(std::string(2000, 'x')) != std::string::npos);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(check_in_larger_than_the_topic_takes_is_a_dead_letter_and_holds_up_no_other) {
    Random random("check_in_larger_than_the_topic_takes");
    KafkaWay way({}, *Cluster::running, {{"max.message.bytes", "1500"}});
    way.report_for(200ms);
    std::string note(3000, ' ');
    for (char& letter : note) letter = static_cast<char>('a' + random.below(26));
    BOOST_TEST(
        way.daemon.post(fmt::format(R"({{"serial_number":"HUGE","note":"{}"}})", note)).status ==
        200);
    // The small max.message.bytes of the topic makes delivery slow, because each request to Kafka
    // contains few rows. Without load, the sink can catch up.
    way.routers.disconnect();
    KafkaWay::wait_until(
        [&] { return way.daemon.metric("rollcall_kafka_dead_letters_total") == 1; });
    way.wait_until_sink_is(true);
    way.report_for(0ms);
    BOOST_TEST(way.answers());
    std::string line;
    for (const auto& letter : way.client.committed("rollcall_dead_letters"))
        if (letter.key == "HUGE") line += letter.value;
    BOOST_TEST(line.find(note) != std::string::npos);
    BOOST_TEST(way.settle() == "");
}

// Without transactions, a daemon that is killed can write rows to Kafka twice. The table's unique
// key refuses the second copy of such a row.
BOOST_AUTO_TEST_CASE(daemon_without_transactions_that_is_killed_again_and_again_loses_nothing) {
    Random random("daemon_without_transactions_that_is_killed_again_and_again_loses_nothing");
    KafkaWay way({"transactions=false"});
    for (int kill = 0; kill < 8; ++kill) {
        way.report_for(200ms + random.below(500) * 1ms);
        way.daemon.kill();
        way.routers.join();
        way.daemon.start();
    }
    way.report_for(200ms);
    BOOST_TEST(way.settle({.repeats = true}) == "");
}

BOOST_AUTO_TEST_CASE(database_that_is_killed_in_the_middle_of_a_load_has_every_row_once) {
    Random random("database_that_is_killed_in_the_middle_of_a_load_has_every_row_once");
    KafkaWay way;
    way.report_for(300ms);
    int broken_loads = 0;
    for (int kill = 0; kill < 4; ++kill) {
        std::this_thread::sleep_for(random.below(500) * 1ms);
        mariadb_server().kill();
        BOOST_TEST(way.answers());
        try {
            way.pipeline->stop();
        } catch (const std::exception&) {
            ++broken_loads;
        }
        mariadb_server().start();
        way.pipeline->start();
    }
    BOOST_TEST(broken_loads > 0);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_SUITE_END()
