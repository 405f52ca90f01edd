// The path of kafka_fault_test.cc with three brokers. At least two of them must acknowledge each
// message. While the routers report, one broker is killed, hangs, or loses its leadership.
#include <boost/test/unit_test.hpp>

#include "tests/support/kafka_way.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

struct ThreeNodes {
    ThreeNodes() { running = std::make_unique<KafkaCluster>(3); }
    ~ThreeNodes() { running.reset(); }
    static inline std::unique_ptr<KafkaCluster> running;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_three_nodes, *boost::unit_test::fixture<ThreeNodes>())

// For each of two partitions, the test kills the broker that leads the partition. It restarts this
// broker when another one has become the leader. Then it makes the current leader hang, and resumes
// it when another broker has become the leader. The brokers can also be the controller, or lead
// Kafka's internal topics.
BOOST_AUTO_TEST_CASE(leader_of_three_that_is_killed_or_hangs_is_replaced_and_nothing_is_lost) {
    KafkaCluster& three = *ThreeNodes::running;
    KafkaWay way({"rows_per_message=10", "replicas=3"}, three);
    way.report_for(500ms);
    const auto replace_leader = [&](int partition, const auto& take_away, const auto& give_back) {
        const int leader = way.client.leader(way.name, partition);
        BOOST_TEST_REQUIRE(leader >= 0);
        take_away(leader);
        KafkaWay::wait_until([&] {
            const int now = way.client.leader(way.name, partition);
            return now >= 0 && now != leader;
        });
        BOOST_TEST(way.answers());
        give_back(leader);
        three.wait_until_ready();
        BOOST_TEST(way.answers());
    };
    for (int partition = 0; partition < 2; ++partition) {
        replace_leader(
            partition, [&](int node) { three.kill(node); }, [&](int node) { three.start(node); });
        replace_leader(
            partition, [&](int node) { three.hang(node); }, [&](int node) { three.resume(node); });
    }
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(leaders_that_move_while_all_is_well_are_followed) {
    KafkaCluster& three = *ThreeNodes::running;
    KafkaWay way({"replicas=3"}, three);
    way.report_for(500ms);
    for (const int node : {1, 2}) {
        three.move_leaders(way.name, 3, node);
        for (int partition = 0; partition < 3; ++partition)
            KafkaWay::wait_until([&] { return way.client.leader(way.name, partition) == node; });
        BOOST_TEST(way.answers());
    }
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_CASE(too_few_replicas_in_sync_are_said_as_such) {
    KafkaCluster& three = *ThreeNodes::running;
    KafkaWay way({"timeout_max=2s", "replicas=3"}, three, {{"min.insync.replicas", "3"}});
    way.report_for(500ms);
    three.kill(2);
    KafkaWay::wait_until(
        [&] { return way.says("partitions are not in sync; check that as many brokers"); });
    BOOST_TEST(way.answers());
    three.start(2);
    way.wait_until_sink_is(true);
    BOOST_TEST(way.settle() == "");
}

BOOST_AUTO_TEST_SUITE_END()
