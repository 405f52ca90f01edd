// Kafka sink: stores rows as TSV in a topic that SingleStore's pipelines load from, and its
// position in the spool in another topic, both in one transaction.
//
//   kafka.topic               rows: one row in a message with key = site, or several rows in a
//                             message without a key; partition = murmur2(site), as in other clients
//   kafka.position_topic      partition 0, compacted: key = the spool's incarnation, value = number
//                             of the next record of the spool, header field run = the run that
//                             wrote the record before the next one
//   kafka.dead_letter_topic   rows that are too large for every message: key = site, header fields
//                             reason, detail, row_id, part, parts; a line of TSV in one or more
//                             parts
//
// Recovery: after every failure the sink destroys the producer, and open() creates a new one with
// the same transactional id. This id contains the incarnation (the id of a spool in one directory).
// Kafka then fences off the old producer, and completes or aborts the old producer's open
// transaction. After that, the sink reads its position from committed records only. So the position
// is exact after every kind of failure.
//
// Without transactions, the position is stored after the rows have been delivered. After a failure
// between the two steps, the sink sends rows again, and the unique key of the table refuses these
// rows.
//
// Message sizes: a topic can have a lower limit than kafka.message_size_max. The sink learns that
// limit from refusals. When a broker refuses messages as too large, the sink puts fewer messages
// into one request. If a broker refuses a message that is alone in its request, the size of that
// message becomes the limit for its topic. Larger rows then become dead letters, and dead letters
// are cut into smaller parts. All of this happens within one write(), for up to kafka.timeout_max.
// Each attempt uses a new producer.
//
// Memory:  one batch as TSV (twice if messages have several rows), and about 200 bytes for each
//          message of the batch. The sink queues no more than this, even if brokers are slow.
// Errors:  sink_down; the explanation states what the sink could not do, the cause, and the remedy.
// Threads: those of Sink (pipeline/delivery/sink.h).
//
// Source: rdkafka.h "Transactional producer API"; KIP-98.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "config/metrics.h"
#include "config/settings.h"
#include "pipeline/base/latest.h"
#include "pipeline/delivery/sink.h"
#include "sinks/kafka/messages.h"

namespace rollcall {

class KafkaProducer;

class KafkaSink final : public Sink {
public:
    explicit KafkaSink(const Settings& settings);
    ~KafkaSink() override;

    [[nodiscard]] Result<Position> open(const IncarnationId& incarnation) override;
    [[nodiscard]] Result<Position> position_of(const IncarnationId& incarnation) override;
    [[nodiscard]] bool shared() const override { return true; }
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    [[nodiscard]] Result<void> poll() override;
    [[nodiscard]] const MetricShard* counters() const override { return &shard_; }

    // Returns the sum of the ends of all partitions of the topic when the brokers were last asked.
    // Returns nothing while the sum is not known. Any thread may call it.
    [[nodiscard]] std::optional<int64_t> topic_end() const {
        const int64_t end = topic_end_.read();
        return end > 0 ? std::optional(end) : std::nullopt;
    }

private:
    [[nodiscard]] std::unexpected<Error> give_up(std::string_view action, const Error& error);
    [[nodiscard]] bool learn_limits();
    void cut(const Columns& rows);
    [[nodiscard]] Result<void> keep_refused(const Batch& batch) const;

    Settings settings_;
    MetricShard shard_;
    Latest<int64_t> topic_end_;  // 0 while the end is not known.
    KafkaMessages messages_;
    // Size limits: at first the defaults, later the lower limits that were learned from refusals.
    size_t row_bytes_max_;
    size_t part_bytes_max_;  // Size of one part of a dead letter.
    size_t request_bytes_max_;
    bool first_ = true;            // open() was not called yet.
    IncarnationId incarnation_{};  // From the last open(), like position_.
    Position position_;
    std::unique_ptr<KafkaProducer> producer_;
};

}  // namespace rollcall
