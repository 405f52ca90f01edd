// KafkaWay: the whole path from routers to the table. It consists of routers that report in a
// closed loop, a daemon, a Kafka topic, a stand-in for SingleStore's pipeline, and a MariaDB
// database. At the end it checks the table.
//
// Errors:  an unexpected failure of the machine throws and fails the test case.
// Threads: those of Routers and PipelineStandIn; all functions are called by the test's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/kafka_client.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/pipeline_stand_in.h"
#include "tests/support/routers.h"
#include "tests/support/test_daemon.h"

namespace rollcall {

class KafkaWay {
public:
    // properties: settings of section kafka that add to the defaults or replace them, such as
    // "timeout_max=1s".
    // of_topic: the configuration of the topic. The constructor creates the topic with a replica on
    // each node. If of_topic is empty, the daemon creates the topic instead.
    explicit KafkaWay(const std::vector<std::string>& properties = {},
                      KafkaCluster& cluster = *Cluster::running,
                      const std::map<std::string, std::string>& of_topic = {});
    ~KafkaWay();  // Also cleans up after a failed case.
    KafkaWay(const KafkaWay&) = delete;
    KafkaWay& operator=(const KafkaWay&) = delete;

    // Returns the options of another daemon that stores into the same topic.
    [[nodiscard]] TestDaemon::Options options(
        const std::vector<std::string>& properties = {}) const;

    static void wait_until(const std::function<bool()>& condition,
                           std::chrono::seconds longest = std::chrono::seconds(60));

    // Lets the routers report for some time. Their connections stay open until the daemon exits or
    // the routers disconnect.
    void report_for(std::chrono::milliseconds time);
    // Returns true if the daemon currently responds to routers.
    [[nodiscard]] bool answers() const;
    void wait_until_sink_is(bool up) const;
    // Returns true if the response of /readyz contains these words.
    [[nodiscard]] bool says(std::string_view words) const;
    // Waits until every acknowledged check-in is in Kafka.
    void wait_until_delivered(std::chrono::seconds longest = std::chrono::seconds(60)) const;
    [[nodiscard]] int64_t memory_kib();  // Resident memory of the daemon.

    struct Allowed {
        std::chrono::milliseconds wait{3000};  // Longest wait of a router for a response.
        bool repeats = false;                  // Kafka may contain rows twice.
    };
    // Stops all parts cleanly and returns the problems found; empty if there are none.
    [[nodiscard]] std::string settle(const Allowed& allowed);
    [[nodiscard]] std::string settle() { return settle(Allowed()); }
    // Returns the contents of the table.
    [[nodiscard]] Routers::Stored stored() const;

    KafkaCluster& kafka;
    KafkaClient client;
    std::string name;  // Name of the topic and of the database.
    TestDaemon daemon;
    std::unique_ptr<PipelineStandIn> pipeline;
    Routers routers;

private:
    [[nodiscard]] std::string make_name(const std::map<std::string, std::string>& of_topic) const;
    [[nodiscard]] double accepted() const;
    [[nodiscard]] std::vector<uint64_t> seqs_of(const std::string& router) const;
};

}  // namespace rollcall
