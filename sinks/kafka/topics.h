// Kafka topics: finds or creates the three topics that the sink stores into (kafka/sink.h).
//
// All three topics must exist. Even the topic of dead letters must, because a row may be too large
// for every message.
//
// Threads: the thread of the sink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/failure.h"

namespace rollcall {

class KafkaTopics {
public:
    // handle: a producer. failure: collects the reports of the library. All three arguments must
    // outlive this object.
    KafkaTopics(rd_kafka_t* handle, const Settings& settings, KafkaFailure& failure);

    // Finds all three topics. Creates missing ones if kafka.create_topics is set.
    [[nodiscard]] Result<void> find(const KafkaDeadline& deadline);

    // Fails if the topic of positions is not compacted: without compaction, Kafka would delete the
    // position of a daemon that is stopped for a week. Succeeds if the brokers do not answer or
    // refuse the query.
    [[nodiscard]] Result<void> check_compaction(const KafkaDeadline& deadline);

    // Returns an error if replicas of the topic of rows are not in sync. Brokers with too few
    // replicas in sync accept no messages and cannot end a transaction. The library then retries,
    // and reports only a timeout.
    [[nodiscard]] Result<void> check_replicas();

    // Returns the sum of the committed ends of all partitions of the topic of rows, or nothing if
    // the brokers do not answer.
    [[nodiscard]] std::optional<int64_t> end_of_rows(const KafkaDeadline& deadline) const;

    [[nodiscard]] rd_kafka_topic_t* rows() const { return rows_.get(); }
    [[nodiscard]] rd_kafka_topic_t* positions() const { return positions_.get(); }
    [[nodiscard]] rd_kafka_topic_t* dead_letters() const { return dead_letters_.get(); }
    // Returns the number of partitions of the topic of rows.
    [[nodiscard]] size_t partitions() const { return partitions_; }

private:
    using TopicList = std::vector<const KafkaTopic*>;

    [[nodiscard]] Result<TopicList> find_missing(const KafkaDeadline& deadline);
    [[nodiscard]] Result<std::optional<size_t>> partitions_of(const KafkaTopic& topic,
                                                              const KafkaDeadline& deadline);
    [[nodiscard]] Result<void> create(const TopicList& missing, const KafkaDeadline& deadline);
    [[nodiscard]] Result<void> check_created(const rd_kafka_event_t* answer);

    rd_kafka_t* handle_;
    const Settings& settings_;
    KafkaFailure& failure_;
    KafkaTopic rows_;
    KafkaTopic positions_;
    KafkaTopic dead_letters_;
    size_t partitions_ = 0;
};

}  // namespace rollcall
