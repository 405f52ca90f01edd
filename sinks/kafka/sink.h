// Kafka sink: rows as TSV in a topic that SingleStore's pipelines load from, and the position in
// another, both in one transaction.
//
//   kafka.topic               rows: one message each, key = site, or several in one without a key;
//                             partition = murmur2(site), as other Kafka clients place it
//   kafka.position_topic      partition 0, compacted: key = the spool's uuid, value = next record
//   kafka.dead_letter_topic   rows that no message can hold: key = site, header fields reason,
//                             detail, row_id, part, parts; a line of TSV in one part or more
//
// There is one way out of every failure: the producer is thrown away, and open() makes a new one.
// Kafka then ends what the old one left, by the transactional id, which is the spool's: a
// transaction whose commit was on its way is completed, any other is aborted, and a producer that
// still lives is fenced off. Only then is the position read, from the committed records alone, so
// it is exact whatever happened.
//
// Without transactions the position is stored when the rows have arrived; a failure between the two
// sends rows again, and the table's unique key refuses them.
//
// Topics may take less in a message than the settings say. Nobody is asked for that limit: when a
// broker refuses messages as too large, fewer are put into one request, whatever their topic, and
// once one was refused that was alone, its size is the limit of its topic: larger rows become dead
// letters, dead letters are cut into smaller parts. All that within one write(), by a new producer
// each time, as long as kafka.timeout_max lasts.
//
// Memory: one batch as TSV, twice with several rows in a message, and some 200 bytes for each of
// its messages. Nothing is queued beyond the batch, whatever the brokers do.
//
// Threads: as Sink says. librdkafka's own threads send; its callbacks are called within the calls
//          of here.
// Errors:  all are sink_down, with a sentence by trouble().
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

class KafkaSink final : public Sink {
public:
    explicit KafkaSink(const Settings& settings);
    ~KafkaSink() override;

    [[nodiscard]] Result<uint64_t> open(const SpoolId& spool) override;
    [[nodiscard]] bool shared() const override { return true; }
    [[nodiscard]] Result<void> write(const Batch& batch) override;
    void poll() override;
    [[nodiscard]] std::string trouble() const override { return trouble_; }
    [[nodiscard]] const MetricShard* counters() const override { return &shard_; }

    // Any thread: the sum of the ends of all partitions of the topic, as the brokers said last;
    // empty while it is not known.
    [[nodiscard]] std::optional<int64_t> topic_end() const {
        const int64_t end = topic_end_.read();
        return end > 0 ? std::optional(end) : std::nullopt;
    }

private:
    struct Producer;  // With its topics and what it met.

    [[nodiscard]] std::unexpected<Error> failure(std::string_view doing);
    [[nodiscard]] bool learn_limits();
    void cut(const Columns& rows);
    [[nodiscard]] Result<void> keep_refused(const Batch& batch) const;

    Settings settings_;
    MetricShard shard_;
    Latest<int64_t> topic_end_;  // 0 while it is not known.
    KafkaMessages messages_;
    // What the brokers take, as far as is known.
    size_t row_bytes_max_;
    size_t part_bytes_max_;  // Of a dead letter.
    size_t request_bytes_max_;
    bool first_ = true;  // Nobody has asked the brokers yet.
    SpoolId spool_{};    // As open() knows them.
    uint64_t position_ = 0;
    std::unique_ptr<Producer> producer_;
    std::string trouble_;
};

}  // namespace rollcall
