#include "sinks/kafka/sink.h"

#include <fmt/core.h>

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/log.h"
#include "sinks/kafka/producer.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

namespace {

constexpr size_t request_bytes_default = 1'000'000;
constexpr std::chrono::milliseconds first_answer_max{2000};

}  // namespace

KafkaSink::KafkaSink(const Settings& settings)
    : settings_(settings),
      messages_(settings.kafka.rows_per_message, settings.kafka.message_size_max.count),
      row_bytes_max_(settings.kafka.message_size_max.count),
      part_bytes_max_(settings.kafka.message_size_max.count / 2),  // Leaves room for header fields.
      request_bytes_max_(request_bytes_default) {
    settings_.kafka.topic = topic_name(settings.kafka.topic);
    const std::string version = fmt::format("v{}", schema_version());
    if (!settings_.kafka.topic.ends_with(version))
        log(LogLevel::warning,
            "kafka.topic: {0} does not end in {1}, the version of the table's columns. After an "
            "update that adds a column, the topic would contain rows of both versions, and the "
            "pipeline would stop. Choose a topic whose name ends in {1}, or leave kafka.topic "
            "empty",
            settings_.kafka.topic, version);
}

KafkaSink::~KafkaSink() = default;

std::unexpected<Error> KafkaSink::give_up(std::string_view action, const Error& error) {
    const Error cause = in_context(fmt::format("cannot {}", action), producer_->explain(error));
    producer_.reset();
    topic_end_.set(0);
    for (const Metric metric : {Metric::kafka_queue_messages, Metric::kafka_queue_bytes,
                                Metric::kafka_brokers_up, Metric::kafka_topic_end_messages})
        shard_.set(metric, 0);
    return sink_down(cause);
}

Result<Position> KafkaSink::open(const IncarnationId& incarnation) {
    producer_.reset();  // Close the old producer before the next one fences it off.
    producer_ = std::make_unique<KafkaProducer>(
        settings_, shard_, topic_end_, incarnation,
        KafkaProducer::Limits{.request_bytes_max = request_bytes_max_,
                              .part_bytes_max = part_bytes_max_});
    const KafkaDeadline deadline(settings_.kafka.open_timeout_max);
    if (auto made = producer_->make(); !made) return give_up("make a producer", made.error());
    // The first call must fail quickly if the brokers do not answer, so that the delivery can
    // report this.
    if (std::exchange(first_, false))
        if (auto reached = producer_->reach(KafkaDeadline(first_answer_max)); !reached)
            return give_up("reach the brokers", reached.error());
    if (auto fenced = producer_->fence_earlier(deadline); !fenced)
        return give_up("begin transactions", fenced.error());
    if (auto found = producer_->find_topics(deadline); !found)
        return give_up("use the topics", found.error());
    const auto position = producer_->read_position(incarnation, deadline);
    if (!position) return give_up("read the position", position.error());
    incarnation_ = incarnation;
    position_ = *position;
    return position_;
}

Result<Position> KafkaSink::position_of(const IncarnationId& incarnation) {
    const auto position =
        producer_->read_position(incarnation, KafkaDeadline(settings_.kafka.open_timeout_max));
    if (!position) return give_up("read the position", position.error());
    return position;
}

// Lowers the size limits after the brokers have refused messages. Returns false if no limit can be
// lowered.
bool KafkaSink::learn_limits() {
    const KafkaProducer::TooLarge& refused = producer_->too_large();
    const bool part_can_shrink = refused.part.value_or(0) > 1;
    if (refused.together) request_bytes_max_ /= 2;
    if (part_can_shrink) part_bytes_max_ = *refused.part / 2;
    if (refused.row) {
        row_bytes_max_ = *refused.row - 1;
        log(LogLevel::warning,
            {.message = "sink kafka: message too large for a broker",
             .details = {{"bytes", *refused.row}, {"topic", settings_.kafka.topic}},
             .note = "rows of this size become dead letters. To store them, raise "
                     "max.message.bytes of the topic, restart the daemon, and run `rollcalld "
                     "spool replay --dead`"});
    }
    return refused.together || refused.row || part_can_shrink;
}

void KafkaSink::cut(const Columns& rows) {
    const auto partitions = static_cast<int32_t>(producer_->partitions());
    messages_.cut(rows, row_bytes_max_, producer_->partitions(),
                  [partitions](std::string_view site) {
                      return rd_kafka_msg_partitioner_murmur2(nullptr, site.data(), site.size(),
                                                              partitions, nullptr, nullptr);
                  });
}

// Keeps the dead letters in the spool as well as in Kafka, because they are replayed from the
// spool.
Result<void> KafkaSink::keep_refused(const Batch& batch) const {
    if (!batch.keep_refused || messages_.dead_letters().empty()) return {};
    std::vector<Refusal> refused;
    for (const auto& letter : messages_.dead_letters())
        refused.push_back({letter.row, letter.reason, letter.detail});
    return batch.keep_refused(refused);
}

Result<void> KafkaSink::write(const Batch& batch) {
    const KafkaDeadline learning(settings_.kafka.timeout_max);
    for (;;) {
        cut(batch.rows);
        if (auto kept = keep_refused(batch); !kept) return kept;
        const auto stored = producer_->store(messages_, batch);
        if (stored) break;
        if (!learn_limits() || learning.over()) return give_up("store a batch", stored.error());
        const Position position = position_;
        if (const auto again = open(incarnation_); !again) return std::unexpected(again.error());
        if (position_ != position)
            return give_up("store a batch",
                           kafka_error(RD_KAFKA_RESP_ERR__FENCED,
                                       "another process has changed the position of this spool"));
    }
    position_ = batch.position();
    shard_.add(Metric::kafka_dead_letters_total,
               static_cast<int64_t>(messages_.dead_letters().size()));
    return {};
}

Result<void> KafkaSink::poll() {
    if (producer_) producer_->poll();
    return {};
}

}  // namespace rollcall
