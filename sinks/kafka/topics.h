// Kafka topics: the three that the sink stores into (kafka/sink.h), found or created.
//
// All must be there: a row that cannot be sent must have a place to go.
//
// Threads: that of the sink. Errors: false or nothing, and the failure has met why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/settings.h"
#include "sinks/kafka/connection.h"

namespace rollcall {

class KafkaTopics {
public:
    // All three are used and not owned. handle: a producer.
    KafkaTopics(rd_kafka_t* handle, const Settings& settings, KafkaFailure& failure);

    // Whether all are there, created if they were missing and that is asked for.
    [[nodiscard]] bool find(const KafkaDeadline& deadline);

    // Whether the topic of positions is compacted: else it forgets the position of a daemon that
    // rests for a week. Brokers that do not say, or not to us, are believed to be set right.
    [[nodiscard]] bool check_compaction(const KafkaDeadline& deadline);

    // If the rows have replicas that are not in sync, that is what the failure has met.
    void blame_replicas();

    // The sum of where the partitions of the rows end, as far as they are committed.
    [[nodiscard]] std::optional<int64_t> end_of_rows(const KafkaDeadline& deadline) const;

    [[nodiscard]] rd_kafka_topic_t* rows() const { return rows_.get(); }
    [[nodiscard]] rd_kafka_topic_t* positions() const { return positions_.get(); }
    [[nodiscard]] rd_kafka_topic_t* dead_letters() const { return dead_letters_.get(); }
    [[nodiscard]] size_t partitions() const { return partitions_; }  // Of the rows.

private:
    [[nodiscard]] std::optional<size_t> partitions_of(const KafkaTopic& topic,
                                                      const KafkaDeadline& deadline);
    [[nodiscard]] bool create(const std::vector<const KafkaTopic*>& missing,
                              const KafkaDeadline& deadline);

    rd_kafka_t* handle_;
    const Settings& settings_;
    KafkaFailure& failure_;
    KafkaTopic rows_;
    KafkaTopic positions_;
    KafkaTopic dead_letters_;
    size_t partitions_ = 0;
};

}  // namespace rollcall
