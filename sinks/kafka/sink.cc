#include "sinks/kafka/sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/log.h"
#include "sinks/kafka/connection.h"
#include "sinks/kafka/position.h"
#include "sinks/kafka/statistics.h"
#include "sinks/kafka/topics.h"
#include "sinks/sql/ddl.h"

namespace rollcall {

namespace {

using std::chrono::milliseconds;

constexpr size_t request_bytes_default = 1'000'000;
constexpr milliseconds statistics_interval{5000};
constexpr int produce_at_once = 1024;
constexpr milliseconds first_answer_max{2000};

}  // namespace

// --- the producer ---

struct KafkaSink::Producer {
    Producer(KafkaSink& sink, const SpoolId& spool)
        : settings(sink.settings_),
          shard(sink.shard_),
          topic_end(sink.topic_end_),
          spool_uuid(to_text(spool)),
          request_bytes_max(sink.request_bytes_max_),
          part_bytes_max(sink.part_bytes_max_) {}
    ~Producer();
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;

    // Each of these returns false with its failure.
    bool make();
    bool reach(const KafkaDeadline& deadline);
    bool connect(const KafkaDeadline& deadline);
    bool store(const KafkaMessages& messages, const Batch& batch);

    void poll();

    bool send(const KafkaMessages& messages, const Batch& batch);
    bool produce(const std::vector<KafkaMessages::Message>& messages);
    bool produce(const KafkaMessages::DeadLetter& letter, const Columns& rows);
    bool produce_position(uint64_t next_record);
    bool flush(const KafkaDeadline& deadline);
    bool commit(const KafkaDeadline& deadline);
    void learn(std::string_view topic, size_t bytes);
    void take_statistics(std::string_view json);

    static void on_error(rd_kafka_t* handle, int code, const char* reason, void* self);
    static void on_delivery(rd_kafka_t* handle, const rd_kafka_message_t* message, void* self);
    static int on_statistics(rd_kafka_t* handle, char* json, size_t bytes, void* self);

    const Settings& settings;
    MetricShard& shard;
    Latest<int64_t>& topic_end;
    std::string spool_uuid;
    KafkaFailure failure;
    rd_kafka_t* handle = nullptr;
    std::optional<KafkaTopics> topics;
    size_t request_bytes_max;
    size_t part_bytes_max;  // Of a dead letter.
    size_t failed = 0;      // Messages of this batch.
    // What was too large of it: several messages in one request; the smallest that was alone.
    bool refused_together = false;
    std::optional<size_t> refused_row;
    std::optional<size_t> refused_part;
    KafkaStatistics counted;                      // The last ones.
    KafkaDeadline end_is_known{milliseconds(0)};  // Until it is asked for again.
};

KafkaSink::Producer::~Producer() {
    topics.reset();
    if (handle == nullptr) return;
    // Without this, ending would wait for messages that point into our memory.
    (void)rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(handle);
}

void KafkaSink::Producer::on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
    auto& self = *static_cast<Producer*>(opaque);
    self.failure.meet_event(handle, code, reason, self.settings.kafka.brokers.size());
}

void KafkaSink::Producer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message,
                                      void* opaque) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    auto& self = *static_cast<Producer*>(opaque);
    ++self.failed;
    // These follow from another's failure.
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    self.shard.add(Metric::kafka_delivery_errors_total);
    const std::string_view topic = rd_kafka_topic_name(message->rkt);
    (void)self.failure.meet(message->err,
                            fmt::format("topic {}: {}", topic, rd_kafka_err2str(message->err)));
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) self.learn(topic, message->len);
}

// A position is alone in its request, and cannot be made smaller.
void KafkaSink::Producer::learn(std::string_view topic, size_t bytes) {
    if (topic == settings.kafka.position_topic) return;
    auto& smallest = topic == settings.kafka.topic ? refused_row : refused_part;
    // A message of the size of a request has a request of its own.
    if (bytes < request_bytes_max && request_bytes_max > 1)
        refused_together = true;
    else
        smallest = std::min(smallest.value_or(bytes), bytes);
}

int KafkaSink::Producer::on_statistics(rd_kafka_t*, char* json, size_t bytes, void* self) {
    static_cast<Producer*>(self)->take_statistics({json, bytes});
    return 0;  // The library frees the text.
}

void KafkaSink::Producer::take_statistics(std::string_view json) {
    const KafkaStatistics now = read_kafka_statistics(json);
    const KafkaStatistics before = std::exchange(counted, now);
    shard.add(Metric::kafka_messages_total, now.messages - before.messages);
    shard.add(Metric::kafka_sent_bytes_total, now.sent_bytes - before.sent_bytes);
    shard.add(Metric::kafka_request_retries_total, now.request_retries - before.request_retries);
    shard.add(Metric::kafka_request_errors_total, now.request_errors - before.request_errors);
    shard.set(Metric::kafka_queue_messages, now.queue_messages);
    shard.set(Metric::kafka_queue_bytes, now.queue_bytes);
    shard.set(Metric::kafka_brokers_up, now.brokers_up);
    if (now.round_trip_us > 0) shard.observe(Metric::kafka_round_trip_seconds, now.round_trip_us);
}

void KafkaSink::Producer::poll() {
    rd_kafka_poll(handle, 0);
    if (!end_is_known.over()) return;
    end_is_known = KafkaDeadline(settings.singlestore.watch_interval);
    const auto end = topics->end_of_rows(KafkaDeadline(kafka_patience));
    if (!end) return;
    topic_end.set(*end);
    shard.set(Metric::kafka_topic_end_messages, *end);
}

bool KafkaSink::Producer::make() {
    const auto& kafka = settings.kafka;
    KafkaConfiguration conf(settings, failure);
    conf.set("enable.idempotence", "true");  // And acks=all with it.
    if (kafka.transactions) {
        conf.set("transactional.id", "rollcall-" + spool_uuid);
        conf.set("transaction.timeout.ms", std::to_string(kafka.timeout_max.count()));
    }
    conf.set("message.timeout.ms", std::to_string(kafka.timeout_max.count()));
    conf.set("compression.codec", kafka.compression);
    conf.set("batch.size", std::to_string(request_bytes_max));
    // No limits of the library's queue: there is never more in it than one batch.
    conf.set("queue.buffering.max.messages", "10000000");
    conf.set("queue.buffering.max.kbytes", "2147483647");
    conf.set("delivery.report.only.error", "true");
    conf.set("statistics.interval.ms", std::to_string(statistics_interval.count()));
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    rd_kafka_conf_set_stats_cb(conf.get(), on_statistics);
    handle = conf.make(RD_KAFKA_PRODUCER);
    if (handle == nullptr) return false;
    shard.add(Metric::kafka_producers_total);
    topics.emplace(handle, settings, failure);
    return true;
}

// Whether a broker answers at all.
bool KafkaSink::Producer::reach(const KafkaDeadline& deadline) {
    for (;;) {
        const rd_kafka_metadata_t* metadata = nullptr;
        const auto code =
            rd_kafka_metadata(handle, 0, nullptr, &metadata, deadline.left_ms(kafka_patience));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return true;
        }
        rd_kafka_poll(handle, 0);
        if (!is_passing(code) || failure.hopeless()) return failure.meet(code);
        if (deadline.over()) return failure.meet(RD_KAFKA_RESP_ERR__TIMED_OUT, "no broker answers");
    }
}

// Ends what an earlier producer of this spool has left, and fences it off.
bool KafkaSink::Producer::connect(const KafkaDeadline& deadline) {
    if (!settings.kafka.transactions) return true;
    for (;;) {
        // It goes on where it was when it is called again after a time-out.
        rd_kafka_error_t* const refused =
            rd_kafka_init_transactions(handle, deadline.left_ms(kafka_patience));
        if (refused == nullptr) return true;
        rd_kafka_poll(handle, 0);
        const bool again = rd_kafka_error_is_retriable(refused) != 0;
        if (!again || failure.hopeless() || deadline.over()) return failure.meet(refused);
        rd_kafka_error_destroy(refused);
    }
}

// --- a batch ---

bool KafkaSink::Producer::store(const KafkaMessages& messages, const Batch& batch) {
    if (send(messages, batch)) return true;
    // A message that was given up and a call that came too late tell no cause; a second beginning
    // of the transaction is refused with it.
    if (settings.kafka.transactions && !failure.has_cause())
        (void)failure.meet(rd_kafka_begin_transaction(handle));
    return false;
}

bool KafkaSink::Producer::send(const KafkaMessages& messages, const Batch& batch) {
    const KafkaDeadline deadline(settings.kafka.timeout_max);
    failed = 0;
    failure.forget();  // What was met while there was nothing to do.
    if (settings.kafka.transactions && !failure.meet(rd_kafka_begin_transaction(handle)))
        return false;
    if (!produce(messages.messages())) return false;
    for (const auto& letter : messages.dead_letters())
        if (!produce(letter, batch.rows)) return false;
    if (settings.kafka.transactions)
        return produce_position(batch.end_record) && flush(deadline) && commit(deadline);
    return flush(deadline) && produce_position(batch.end_record) && flush(deadline);
}

// The library keeps pointers to the lines until it is done with them.
bool KafkaSink::Producer::produce(const std::vector<KafkaMessages::Message>& messages) {
    std::array<rd_kafka_message_t, produce_at_once> some;
    for (size_t at = 0; at < messages.size();) {
        int count = 0;
        for (; count < produce_at_once && at < messages.size(); ++count, ++at) {
            const auto& message = messages[at];
            rd_kafka_message_t& next = some[static_cast<size_t>(count)];
            next = {};
            next.partition = message.partition;
            next.payload = const_cast<char*>(message.lines.data());
            next.len = message.lines.size();
            next.key = message.key.empty() ? nullptr : const_cast<char*>(message.key.data());
            next.key_len = message.key.size();
        }
        if (rd_kafka_produce_batch(topics->rows(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                                   some.data(), count) == count)
            continue;
        rd_kafka_poll(handle, 0);  // A fatal error says more than what follows from it.
        for (int i = 0; i < count; ++i) (void)failure.meet(some[static_cast<size_t>(i)].err);
        return false;
    }
    return true;
}

bool KafkaSink::Producer::produce(const KafkaMessages::DeadLetter& letter, const Columns& columns) {
    const std::string_view site = columns.text(letter.row, Column::site_id);
    const std::string row_id = std::to_string(columns.integer(letter.row, Column::id));
    const size_t parts =
        std::max<size_t>((letter.line.size() + part_bytes_max - 1) / part_bytes_max, 1);
    const std::string parts_text = std::to_string(parts);
    const auto header = [](const char* name, std::string_view value) {
        rd_kafka_vu_t field{};
        field.vtype = RD_KAFKA_VTYPE_HEADER;
        field.u.header = {name, value.data(), static_cast<ssize_t>(value.size())};
        return field;
    };
    for (size_t part = 0; part < parts; ++part) {
        const std::string_view piece =
            letter.line.substr(std::min(part * part_bytes_max, letter.line.size()), part_bytes_max);
        const std::string part_text = std::to_string(part + 1);
        rd_kafka_vu_t topic{};
        topic.vtype = RD_KAFKA_VTYPE_RKT;
        topic.u.rkt = topics->dead_letters();
        rd_kafka_vu_t key{};
        key.vtype = RD_KAFKA_VTYPE_KEY;
        key.u.mem = {const_cast<char*>(site.data()), site.size()};
        rd_kafka_vu_t value{};
        value.vtype = RD_KAFKA_VTYPE_VALUE;
        value.u.mem = {const_cast<char*>(piece.data()), piece.size()};
        rd_kafka_vu_t flags{};
        flags.vtype = RD_KAFKA_VTYPE_MSGFLAGS;
        flags.u.i = RD_KAFKA_MSG_F_COPY;
        const rd_kafka_vu_t fields[] = {topic,
                                        key,
                                        value,
                                        flags,
                                        header("reason", to_text(letter.reason)),
                                        header("detail", letter.detail),
                                        header("row_id", row_id),
                                        header("part", part_text),
                                        header("parts", parts_text)};
        if (!failure.meet(rd_kafka_produceva(handle, fields, std::size(fields)))) return false;
    }
    return true;
}

bool KafkaSink::Producer::produce_position(uint64_t next_record) {
    std::string text = std::to_string(next_record);
    if (rd_kafka_produce(topics->positions(), 0, RD_KAFKA_MSG_F_COPY, text.data(), text.size(),
                         spool_uuid.data(), spool_uuid.size(), nullptr) == 0)
        return true;
    return failure.meet(rd_kafka_last_error());
}

// Until every message has arrived, or one has failed.
bool KafkaSink::Producer::flush(const KafkaDeadline& deadline) {
    for (;;) {
        const auto code = rd_kafka_flush(handle, deadline.left_ms(kafka_patience));
        if (failed > 0) return false;
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT || deadline.over()) return failure.meet(code);
    }
}

// rdkafka.h wants -1 for the time, lest the producer lose track when a request fails. But with that
// 2.0.2 waits for a coordinator that is gone for as long as it is; and here the producer is thrown
// away after any failure.
bool KafkaSink::Producer::commit(const KafkaDeadline& deadline) {
    for (;;) {
        rd_kafka_error_t* const refused = rd_kafka_commit_transaction(handle, deadline.left_ms());
        if (refused == nullptr) return true;
        if (rd_kafka_error_is_retriable(refused) == 0 || deadline.over())
            return failure.meet(refused);
        rd_kafka_error_destroy(refused);
        rd_kafka_poll(handle, 50);
    }
}

// --- the sink ---

KafkaSink::KafkaSink(const Settings& settings)
    : settings_(settings),
      messages_(settings.kafka.rows_per_message, settings.kafka.message_size_max.count),
      row_bytes_max_(settings.kafka.message_size_max.count),
      part_bytes_max_(settings.kafka.message_size_max.count / 2),  // Header fields come besides.
      request_bytes_max_(request_bytes_default) {
    settings_.kafka.topic = topic_name(settings.kafka.topic);
    const std::string version = fmt::format("v{}", schema_version());
    if (!settings_.kafka.topic.ends_with(version))
        log(LogLevel::warning,
            "kafka: topic {} does not end in {}, the version of the table; an update that adds a "
            "column would put lines of two lengths into it, and the pipeline would stop",
            settings_.kafka.topic, version);
}

KafkaSink::~KafkaSink() = default;

std::unexpected<Error> KafkaSink::failure(std::string_view doing) {
    if (producer_->failure.is_late() && producer_->topics) producer_->topics->blame_replicas();
    trouble_ = fmt::format("{}: {}", doing, producer_->failure.sentence());
    producer_.reset();
    topic_end_.set(0);
    for (const Metric metric : {Metric::kafka_queue_messages, Metric::kafka_queue_bytes,
                                Metric::kafka_brokers_up, Metric::kafka_topic_end_messages})
        shard_.set(metric, 0);
    return fail(Code::sink_down);
}

Result<uint64_t> KafkaSink::open(const SpoolId& spool) {
    producer_.reset();  // Before the next one is made, for it is the one to be fenced off.
    producer_ = std::make_unique<Producer>(*this, spool);
    KafkaFailure& met = producer_->failure;
    const KafkaDeadline deadline(settings_.kafka.open_timeout_max);
    if (!producer_->make()) return failure("cannot make a producer");
    // The daemon that starts serves nobody until this returns, so brokers that hang are not waited
    // for.
    if (std::exchange(first_, false) && !producer_->reach(KafkaDeadline(first_answer_max)))
        return failure("cannot reach the brokers");
    if (!producer_->connect(deadline)) return failure("cannot begin transactions");
    met.forget();  // What was met on the way here is over.
    if (!producer_->topics->find(deadline) || !producer_->topics->check_compaction(deadline))
        return failure("cannot use the topics");
    met.forget();
    const auto next_record = read_kafka_position(settings_, producer_->spool_uuid, deadline, met);
    if (!next_record) return failure("cannot read the position");
    spool_ = spool;
    position_ = *next_record;
    return position_;
}

// From what the brokers refused: what they take. False if that is no less than it was.
bool KafkaSink::learn_limits() {
    const Producer& met = *producer_;
    const bool part_can_shrink = met.refused_part.value_or(0) > 1;
    if (met.refused_together) request_bytes_max_ /= 2;
    if (part_can_shrink) part_bytes_max_ = *met.refused_part / 2;
    if (met.refused_row) {
        row_bytes_max_ = *met.refused_row - 1;
        log(LogLevel::warning,
            "kafka: a broker refuses a message of {} bytes; rows larger than {} become dead letters"
            " unless max.message.bytes of topic {} is raised and the daemon started again",
            *met.refused_row, row_bytes_max_, settings_.kafka.topic);
    }
    return met.refused_together || met.refused_row || part_can_shrink;
}

void KafkaSink::cut(const Columns& rows) {
    const auto partitions = static_cast<int32_t>(producer_->topics->partitions());
    messages_.cut(rows, row_bytes_max_, producer_->topics->partitions(),
                  [partitions](std::string_view site) {
                      return rd_kafka_msg_partitioner_murmur2(nullptr, site.data(), site.size(),
                                                              partitions, nullptr, nullptr);
                  });
}

// Beside their topic dead letters are kept where every sink's are, to be sent again from.
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
        if (producer_->store(messages_, batch)) break;
        if (!learn_limits() || learning.over()) return failure("cannot store a batch");
        const uint64_t position = position_;
        if (const auto again = open(spool_); !again) return std::unexpected(again.error());
        if (position_ == position) continue;
        (void)producer_->failure.meet(RD_KAFKA_RESP_ERR__FENCED, "its position has moved");
        return failure("cannot store a batch");
    }
    position_ = batch.end_record;
    shard_.add(Metric::kafka_dead_letters_total,
               static_cast<int64_t>(messages_.dead_letters().size()));
    return {};
}

void KafkaSink::poll() {
    if (producer_) producer_->poll();
}

}  // namespace rollcall
