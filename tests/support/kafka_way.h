// KafkaWay: everything from routers to the table, and what is asked of it at the end: routers that
// report as fast as they are answered, a daemon, a topic of Kafka, a stand-in for SingleStore's
// pipeline, a database of MariaDB.
//
// Errors:  what cannot happen on a sound machine throws and fails the test case.
// Threads: those of Routers and PipelineStandIn; the rest is called by the test.
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
    // properties: of section kafka, besides or instead of its own, as "timeout_max=1s".
    // of_topic: what the topic of the rows is made with, and a replica on each node; none: the
    // daemon makes it.
    explicit KafkaWay(const std::vector<std::string>& properties = {},
                      KafkaCluster& cluster = *Cluster::running,
                      const std::map<std::string, std::string>& of_topic = {});
    ~KafkaWay();  // After a case that failed, too.
    KafkaWay(const KafkaWay&) = delete;
    KafkaWay& operator=(const KafkaWay&) = delete;

    static void wait_until(const std::function<bool()>& condition,
                           std::chrono::seconds longest = std::chrono::seconds(60));

    // Every router's connection is open until the daemon ends or they are told to leave.
    void report_for(std::chrono::milliseconds time);
    // Whether routers are answered just now.
    [[nodiscard]] bool answers() const;
    void wait_until_sink_is(bool up) const;
    // Whether /readyz says this to the operator.
    [[nodiscard]] bool says(std::string_view words) const;
    // All that was acknowledged is in Kafka.
    void wait_until_delivered(std::chrono::seconds longest = std::chrono::seconds(60)) const;
    [[nodiscard]] int64_t memory_kib();  // Of the daemon.

    struct Allowed {
        std::chrono::milliseconds wait{3000};  // Of a router for its next answer.
        bool repeats = false;                  // Kafka may hold rows twice.
    };
    // Ends it all cleanly and says what is wrong; empty if nothing is.
    [[nodiscard]] std::string settle(const Allowed& allowed);
    [[nodiscard]] std::string settle() { return settle(Allowed()); }

    KafkaCluster& kafka;
    KafkaClient client;
    std::string name;  // Of the topic and of the database.
    TestDaemon daemon;
    std::unique_ptr<PipelineStandIn> pipeline;
    Routers routers;

private:
    [[nodiscard]] std::string make_name(const std::map<std::string, std::string>& of_topic) const;
    [[nodiscard]] std::vector<std::string> arguments(const std::vector<std::string>& more) const;
    [[nodiscard]] double accepted() const;
    [[nodiscard]] std::vector<uint64_t> seqs_of(const std::string& serial_number) const;
};

}  // namespace rollcall
