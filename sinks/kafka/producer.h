// KafkaProducer: a librdkafka producer and its topics. A producer is used until its first failure.
//
// After any failure, discard the producer and create another one (kafka/sink.h). Call the functions
// in the order in which they are declared. Call store() once for each batch.
//
// The producer learns the size limits of the brokers when they refuse messages. After a store()
// that failed, too_large() returns which messages were refused for their size.
//
// Errors:  sink_down, with the cause and advice (kafka/failure.h), and bad_setting.
// Threads: one. librdkafka sends in its own threads; its callbacks run only within calls of the
//          library.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/base/latest.h"
#include "pipeline/delivery/sink.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/failure.h"
#include "sinks/kafka/messages.h"
#include "sinks/kafka/statistics.h"
#include "sinks/kafka/topics.h"

namespace rollcall {

class KafkaProducer {
public:
    struct Limits {
        size_t request_bytes_max;
        size_t part_bytes_max;  // Size of one part of a dead letter.
    };
    // The messages of a batch that the brokers refused as too large.
    struct TooLarge {
        bool together = false;       // Several messages shared the refused request.
        std::optional<size_t> row;   // Size of the smallest row that was alone in its request.
        std::optional<size_t> part;  // Size of the smallest part of a dead letter that was alone.
    };

    // topic_end: poll() sets it to the end of the topic of rows. All references must outlive the
    // producer.
    KafkaProducer(const Settings& settings, MetricShard& shard, Latest<int64_t>& topic_end,
                  const IncarnationId& incarnation, const Limits& limits);
    ~KafkaProducer();
    KafkaProducer(const KafkaProducer&) = delete;
    KafkaProducer& operator=(const KafkaProducer&) = delete;

    // Creates the client. Does not wait for a broker.
    [[nodiscard]] Result<void> make();
    // Waits until a broker answers.
    [[nodiscard]] Result<void> reach(const KafkaDeadline& deadline);
    // Ends the open transaction of an earlier producer of this incarnation, and fences off that
    // producer.
    [[nodiscard]] Result<void> fence_earlier(const KafkaDeadline& deadline);
    [[nodiscard]] Result<void> find_topics(const KafkaDeadline& deadline);
    [[nodiscard]] Result<Position> read_position(const IncarnationId& incarnation,
                                                 const KafkaDeadline& deadline);
    // Stores the messages and the position of the batch. With transactions, stores both or neither.
    [[nodiscard]] Result<void> store(const KafkaMessages& messages, const Batch& batch);

    // Runs the callbacks of librdkafka that are due, and updates the metrics of the client.
    void poll();

    // Returns `error`. If brokers were late because replicas are not in sync, returns an error that
    // says so.
    [[nodiscard]] Error explain(const Error& error);
    [[nodiscard]] const TooLarge& too_large() const { return too_large_; }
    // Returns the number of partitions of the topic of rows. Call it after find_topics().
    [[nodiscard]] size_t partitions() const { return topics_->partitions(); }

private:
    [[nodiscard]] Result<void> send(const KafkaMessages& messages, const Batch& batch);
    [[nodiscard]] Result<void> produce(const std::vector<KafkaMessages::Message>& messages);
    [[nodiscard]] Result<void> produce(const KafkaMessages::DeadLetter& letter,
                                       const Columns& rows);
    [[nodiscard]] Result<void> produce_position(const Position& position);
    [[nodiscard]] Result<void> flush(const KafkaDeadline& deadline);
    [[nodiscard]] Result<void> commit(const KafkaDeadline& deadline);
    void end_messages();
    void note_too_large(std::string_view topic, size_t bytes);
    void take_statistics(std::string_view json);

    static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self);
    static void on_delivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);
    static int on_statistics(rd_kafka_t* handle, char* json, size_t bytes, void* self);

    const Settings& settings_;
    MetricShard& shard_;
    Latest<int64_t>& topic_end_;
    std::string incarnation_;
    Limits limits_;
    KafkaFailure failure_;
    rd_kafka_t* handle_ = nullptr;
    std::optional<KafkaTopics> topics_;
    size_t undelivered_ = 0;  // Messages of this batch that have failed.
    TooLarge too_large_;
    KafkaStatistics statistics_;  // The last statistics that were added to the metrics.
    // Until this deadline, the known end of the topic counts as current.
    KafkaDeadline end_is_fresh_{std::chrono::milliseconds(0)};
};

}  // namespace rollcall
