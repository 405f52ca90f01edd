// The whole way with real servers: routers, the daemon, Kafka, a stand-in for SingleStore's
// pipeline, a MariaDB. Something on the way fails, and the routers are answered all the while; at
// the end every check-in that was acknowledged is in the table once, and no message brought a row
// for a second time.
//
// ROLLCALL_KILLS and ROLLCALL_HANG (seconds) make two of the cases longer.
#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/kafka_client.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/mariadb_server.h"
#include "tests/support/pipeline_stand_in.h"
#include "tests/support/random.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

int times(const char* variable, int by_default) {
    const char* const given = std::getenv(variable);
    return given == nullptr ? by_default : std::atoi(given);
}

// Everything behind the daemon, and what it is asked at the end.
struct Way {
    // properties: of section kafka, besides or instead of its own, as "timeout_max=1s".
    explicit Way(const std::vector<std::string>& properties = {},
                 KafkaCluster& cluster = *Cluster::running)
        : kafka(cluster),
          client(cluster.brokers()),
          name(next_name()),
          daemon(
              {.settings = {R"(sinks = ["kafka"])", R"(spool.segment_size = "4MiB")",
                            R"(spool.size_max = "256MiB")", R"(delivery.retry_delay_max = "500ms")",
                            R"(delivery.stop_timeout_max = "1min")"},
               .arguments = arguments(properties)}) {
        mariadb_server().make_database(name);
        wait_until([&] { return client.has_topic(name); });
        pipeline = std::make_unique<PipelineStandIn>(cluster.brokers(), name,
                                                     mariadb_server().options(name));
        pipeline->start();
    }

    // After a case that failed, too.
    ~Way() {
        daemon.kill();
        routers.join();
    }

    static std::string next_name() {
        static int ways = 0;
        return fmt::format("way_{}", ++ways);
    }
    [[nodiscard]] std::vector<std::string> arguments(const std::vector<std::string>& more) const {
        std::vector<std::string> all;
        const auto set = [&](const std::string& property) {
            all.insert(all.end(), {"--set", "kafka." + property});
        };
        for (const auto& property :
             {"brokers=" + kafka.brokers(), "topic=" + name, std::string("create_topics=true"),
              std::string("partitions=3"), std::string("timeout_max=5s"),
              std::string("open_timeout_max=5s")})
            set(property);
        for (const auto& property : more) set(property);
        return all;
    }

    template <class Condition>
    static void wait_until(const Condition& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!condition()) {
            BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline));
            std::this_thread::sleep_for(50ms);
        }
    }

    // Every router's connection is open until the daemon ends or they are told to leave.
    void report_for(std::chrono::milliseconds time) {
        routers.connect(daemon);
        std::this_thread::sleep_for(time);
    }
    [[nodiscard]] double accepted() const {
        return daemon.metric(R"(rollcall_checkins_accepted_total{transport="http"})") +
               daemon.metric(R"(rollcall_checkins_accepted_total{transport="mqtt"})");
    }
    // Whether routers are answered just now.
    [[nodiscard]] bool answers() const {
        const double before = accepted();
        std::this_thread::sleep_for(500ms);
        return accepted() > before + 100;
    }
    void wait_until_sink_is(bool up) const {
        wait_until(
            [&] { return daemon.metric(R"(rollcall_sink_up{sink="kafka"})") == (up ? 1 : 0); });
    }
    // To the operator.
    [[nodiscard]] bool says(std::string_view words) const {
        const std::string page = daemon.admin("/readyz").body;
        BOOST_TEST_INFO(page);
        return page.find(words) != std::string::npos;
    }
    // All that was acknowledged is in Kafka and has been loaded.
    void wait_until_loaded() {
        wait_until(
            [&] { return daemon.metric(R"(rollcall_spool_backlog_bytes{sink="kafka"})") == 0; });
        pipeline->stop();
    }
    [[nodiscard]] int64_t memory_kib() {
        std::ifstream status(fmt::format("/proc/{}/status", daemon.process().pid()));
        for (std::string word; status >> word;)
            if (int64_t kib = 0; word == "VmRSS:" && status >> kib) return kib;
        return 0;
    }

    // Ends it all cleanly and says what is wrong; empty if nothing is.
    std::string settle() {
        if (daemon.stop() != 0) return "the daemon did not stop: " + daemon.log();
        routers.join();
        pipeline->stop();
        std::string wrong = routers.losses_and_repeats([&](const std::string& serial_number) {
            std::istringstream rows(mariadb_server().ask(
                fmt::format("SELECT seq FROM site_checkins WHERE serial_number = '{}'",
                            serial_number),
                name));
            std::vector<uint64_t> seqs;
            for (uint64_t seq = 0; rows >> seq;) seqs.push_back(seq);
            return seqs;
        });
        // The table's unique key would hide what Kafka holds twice.
        if (pipeline->skipped() > 0)
            wrong += fmt::format("{} rows were in Kafka twice\n", pipeline->skipped());
        fmt::print("{}: {} check-ins were acknowledged, {} messages loaded\n", name,
                   routers.acknowledged(), pipeline->messages());
        return wrong;
    }

    KafkaCluster& kafka;
    KafkaClient client;
    std::string name;  // Of the topic and of the database.
    TestDaemon daemon;
    std::unique_ptr<PipelineStandIn> pipeline;
    Routers routers;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_fault, *boost::unit_test::fixture<Cluster>())

BOOST_AUTO_TEST_CASE(daemon_that_is_killed_again_and_again_stores_everything_once) {
    Random random("daemon_that_is_killed_again_and_again_stores_everything_once");
    Way way;
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

BOOST_AUTO_TEST_CASE(broker_that_is_killed_and_comes_back_costs_nothing) {
    Way way({"timeout_max=2s", "open_timeout_max=2s"});
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

// Connections stay open, nothing answers.
BOOST_AUTO_TEST_CASE(broker_that_hangs_costs_nothing_and_no_memory) {
    Way way({"timeout_max=2s", "open_timeout_max=2s"});
    way.report_for(2s);
    const int64_t before_kib = way.memory_kib();
    way.kafka.hang(0);
    way.wait_until_sink_is(false);
    BOOST_TEST(way.answers());
    const int hang_seconds = times("ROLLCALL_HANG", 3);
    std::this_thread::sleep_for(std::chrono::seconds(hang_seconds));
    const int64_t after_kib = way.memory_kib();
    way.kafka.resume(0);
    fmt::print("memory: {} KiB, after the broker hung for {} s {} KiB\n", before_kib, hang_seconds,
               after_kib);
    BOOST_TEST(after_kib < before_kib + 32 * 1024);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(leader_of_three_that_is_killed_is_replaced_and_nothing_is_lost) {
    KafkaCluster three(3);
    Way way({"rows_per_message=10"}, three);
    way.report_for(500ms);
    for (int partition = 0; partition < 2; ++partition) {
        const int leader = way.client.leader(way.name, partition);
        BOOST_TEST_REQUIRE(leader >= 0);
        three.kill(leader);
        Way::wait_until([&] {
            const int now = way.client.leader(way.name, partition);
            return now >= 0 && now != leader;
        });
        BOOST_TEST(way.answers());
        three.start(leader);
        three.wait_until_ready();
        BOOST_TEST(way.answers());
    }
    BOOST_TEST(way.settle() == "");
}

// A batch is under way when the daemon stops for longer than Kafka lets it.
BOOST_AUTO_TEST_CASE(transaction_that_kafka_ends_because_its_daemon_slept_is_begun_anew) {
    Way way({"timeout_max=1s"});
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
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(broker_whose_disk_is_full_costs_nothing) {
    Way way({"timeout_max=2s", "open_timeout_max=2s"});
    way.report_for(500ms);
    way.kafka.fill_disk(0);
    way.wait_until_sink_is(false);
    BOOST_TEST(way.answers());
    way.kafka.start(0);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

// What lay in it is lost, so all of it is loaded before.
BOOST_AUTO_TEST_CASE(topic_that_is_deleted_is_created_anew_and_takes_what_comes_then) {
    Way way({"timeout_max=2s"});
    way.report_for(500ms);
    way.routers.disconnect();
    way.wait_until_loaded();
    way.client.delete_topic(way.name);
    Way::wait_until([&] { return !way.client.has_topic(way.name); });
    way.report_for(0ms);
    BOOST_TEST(way.answers());
    Way::wait_until([&] { return way.client.has_topic(way.name); });
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
    Way way({"brokers=" + kafka.guarded_brokers(), "tls=true", "tls_ca=" + kafka.certificate(),
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
    Way way({"message_size_max=1KiB"});
    way.report_for(200ms);
    const std::string large =
        fmt::format(R"({{"serial_number":"LARGE","note":"{}"}})", std::string(2000, 'x'));
    BOOST_TEST(way.daemon.post(large).status == 200);
    BOOST_TEST(way.answers());
    Way::wait_until([&] { return way.daemon.metric("rollcall_kafka_dead_letters_total") == 1; });
    BOOST_TEST(
        way.daemon.metric(R"(rollcall_dead_letters_total{sink="kafka",reason="too_large"})") == 1);
    std::string line;
    for (const auto& letter : way.client.committed("rollcall_dead_letters"))
        if (letter.key == "LARGE") line += letter.value;
    BOOST_TEST(line.find(std::string(2000, 'x')) != std::string::npos);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(database_that_is_killed_in_the_middle_of_a_load_has_every_row_once) {
    Random random("database_that_is_killed_in_the_middle_of_a_load_has_every_row_once");
    Way way;
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
