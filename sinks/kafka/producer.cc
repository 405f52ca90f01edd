#include "sinks/kafka/producer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <utility>

#include "pipeline/base/destroy.h"
#include "sinks/kafka/position.h"

namespace rollcall {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds statistics_interval{5000};
constexpr int produce_at_once = 1024;

using Headers = std::unique_ptr<rd_kafka_headers_t, DestroyWith<rd_kafka_headers_destroy>>;

Headers make_headers(std::initializer_list<std::pair<const char*, std::string_view>> entries) {
    Headers headers(rd_kafka_headers_new(entries.size()));
    for (const auto& [name, value] : entries)
        (void)rd_kafka_header_add(headers.get(), name, -1, value.data(),
                                  static_cast<ssize_t>(value.size()));
    return headers;
}

// A field of type HEADER would be shorter. But if librdkafka 2.0.2 refuses the message because the
// transaction has failed meanwhile, it frees such headers twice. With type HEADERS, the library
// becomes the owner of the headers only if it accepts the message.
rd_kafka_vu_t headers_field(const Headers& headers) {
    rd_kafka_vu_t field{};
    field.vtype = RD_KAFKA_VTYPE_HEADERS;
    field.u.headers = headers.get();
    return field;
}

rd_kafka_vu_t bytes_field(rd_kafka_vtype_t type, std::string_view bytes) {
    rd_kafka_vu_t field{};
    field.vtype = type;
    field.u.mem = {const_cast<char*>(bytes.data()), bytes.size()};
    return field;
}

rd_kafka_vu_t topic_field(rd_kafka_topic_t* topic) {
    rd_kafka_vu_t field{};
    field.vtype = RD_KAFKA_VTYPE_RKT;
    field.u.rkt = topic;
    return field;
}

rd_kafka_vu_t partition_field(int32_t partition) {
    rd_kafka_vu_t field{};
    field.vtype = RD_KAFKA_VTYPE_PARTITION;
    field.u.i32 = partition;
    return field;
}

rd_kafka_vu_t copy_flag() {
    rd_kafka_vu_t field{};
    field.vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    field.u.i = RD_KAFKA_MSG_F_COPY;
    return field;
}

}  // namespace

KafkaProducer::KafkaProducer(const Settings& settings, MetricShard& shard,
                             Latest<int64_t>& topic_end, const IncarnationId& incarnation,
                             const Limits& limits)
    : settings_(settings),
      shard_(shard),
      topic_end_(topic_end),
      incarnation_(to_text(incarnation)),
      limits_(limits) {}

KafkaProducer::~KafkaProducer() {
    topics_.reset();
    if (handle_ == nullptr) return;
    // Purge first. Without the purge, rd_kafka_destroy() would wait for messages whose bytes this
    // process owns.
    (void)rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(handle_);
}

// --- callbacks ---

void KafkaProducer::on_error(rd_kafka_t* handle, int code, const char* reason, void* opaque) {
    auto& self = *static_cast<KafkaProducer*>(opaque);
    self.failure_.note_event(handle, code, reason, self.settings_.kafka.brokers.size());
}

void KafkaProducer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    auto& self = *static_cast<KafkaProducer*>(opaque);
    ++self.undelivered_;
    // A purged message is a consequence of the failure of another message.
    if (message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return;
    self.shard_.add(Metric::kafka_delivery_errors_total);
    const std::string_view topic = rd_kafka_topic_name(message->rkt);
    (void)self.failure_.check(message->err,
                              fmt::format("topic {}: {}", topic, rd_kafka_err2str(message->err)));
    if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        self.note_too_large(topic, message->len);
}

// Ignores records of positions: a position has its own request and cannot be made smaller.
void KafkaProducer::note_too_large(std::string_view topic, size_t bytes) {
    if (topic == settings_.kafka.position_topic) return;
    auto& smallest = topic == settings_.kafka.topic ? too_large_.row : too_large_.part;
    // A message that is at least as large as the request limit was alone in its request.
    if (bytes < limits_.request_bytes_max && limits_.request_bytes_max > 1)
        too_large_.together = true;
    else
        smallest = std::min(smallest.value_or(bytes), bytes);
}

int KafkaProducer::on_statistics(rd_kafka_t*, char* json, size_t bytes, void* self) {
    static_cast<KafkaProducer*>(self)->take_statistics({json, bytes});
    return 0;  // The library frees the text.
}

void KafkaProducer::take_statistics(std::string_view json) {
    const KafkaStatistics now = read_kafka_statistics(json);
    const KafkaStatistics before = std::exchange(statistics_, now);
    shard_.add(Metric::kafka_messages_total, now.messages - before.messages);
    shard_.add(Metric::kafka_sent_bytes_total, now.sent_bytes - before.sent_bytes);
    shard_.add(Metric::kafka_request_retries_total, now.request_retries - before.request_retries);
    shard_.add(Metric::kafka_request_errors_total, now.request_errors - before.request_errors);
    shard_.set(Metric::kafka_queue_messages, now.queue_messages);
    shard_.set(Metric::kafka_queue_bytes, now.queue_bytes);
    shard_.set(Metric::kafka_brokers_up, now.brokers_up);
    if (now.round_trip_us > 0) shard_.observe(Metric::kafka_round_trip_seconds, now.round_trip_us);
}

void KafkaProducer::poll() {
    rd_kafka_poll(handle_, 0);
    if (!end_is_fresh_.over()) return;
    end_is_fresh_ = KafkaDeadline(settings_.singlestore.watch_interval);
    const auto end = topics_->end_of_rows(KafkaDeadline(kafka_patience));
    if (!end) return;
    topic_end_.set(*end);
    shard_.set(Metric::kafka_topic_end_messages, *end);
}

// --- opening ---

Result<void> KafkaProducer::make() {
    const auto& kafka = settings_.kafka;
    KafkaConfiguration conf(settings_);
    conf.set("enable.idempotence", "true");  // Implies acks=all.
    if (kafka.transactions) {
        conf.set("transactional.id", "rollcall-" + incarnation_);
        conf.set("transaction.timeout.ms", std::to_string(kafka.timeout_max.count()));
    }
    conf.set("message.timeout.ms", std::to_string(kafka.timeout_max.count()));
    conf.set("compression.codec", kafka.compression);
    conf.set("batch.size", std::to_string(limits_.request_bytes_max));
    // The library's queue needs no limit, because it never holds more than one batch.
    conf.set("queue.buffering.max.messages", "10000000");
    conf.set("queue.buffering.max.kbytes", "2147483647");
    conf.set("delivery.report.only.error", "true");
    conf.set("statistics.interval.ms", std::to_string(statistics_interval.count()));
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
    rd_kafka_conf_set_stats_cb(conf.get(), on_statistics);
    const auto made = conf.make(RD_KAFKA_PRODUCER);
    if (!made) return std::unexpected(made.error());
    handle_ = *made;
    shard_.add(Metric::kafka_producers_total);
    topics_.emplace(handle_, settings_, failure_);
    return {};
}

Result<void> KafkaProducer::reach(const KafkaDeadline& deadline) {
    for (;;) {
        const rd_kafka_metadata_t* metadata = nullptr;
        const auto code =
            rd_kafka_metadata(handle_, 0, nullptr, &metadata, deadline.left_ms(kafka_patience));
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(metadata);
            return {};
        }
        rd_kafka_poll(handle_, 0);
        if (!is_passing(code) || failure_.is_hopeless()) return failure_.check(code);
        if (deadline.over())
            return failure_.check(RD_KAFKA_RESP_ERR__TIMED_OUT, "no broker answers");
    }
}

Result<void> KafkaProducer::fence_earlier(const KafkaDeadline& deadline) {
    if (!settings_.kafka.transactions) return {};
    for (;;) {
        // If this call times out, calling it again continues the initialization.
        rd_kafka_error_t* const refused =
            rd_kafka_init_transactions(handle_, deadline.left_ms(kafka_patience));
        if (refused == nullptr) return {};
        rd_kafka_poll(handle_, 0);
        const bool again = rd_kafka_error_is_retriable(refused) != 0;
        if (!again || failure_.is_hopeless() || deadline.over()) return failure_.check(refused);
        rd_kafka_error_destroy(refused);
    }
}

Result<void> KafkaProducer::find_topics(const KafkaDeadline& deadline) {
    failure_.clear();  // Reports of the initialization are irrelevant from here on.
    if (auto found = topics_->find(deadline); !found) return found;
    return topics_->check_compaction(deadline);
}

Result<Position> KafkaProducer::read_position(const IncarnationId& incarnation,
                                              const KafkaDeadline& deadline) {
    failure_.clear();
    return read_kafka_position(settings_, incarnation, deadline, failure_);
}

Error KafkaProducer::explain(const Error& error) {
    if (!failure_.is_late() || !topics_) return error;
    const auto replicas = topics_->check_replicas();
    return replicas ? error : replicas.error();
}

// --- a batch ---

Result<void> KafkaProducer::store(const KafkaMessages& messages, const Batch& batch) {
    const auto sent = send(messages, batch);
    if (sent) return sent;
    // Two errors do not tell the cause: the error of an expired message, and the error of a call
    // after the transaction has failed. In both cases, beginning the transaction again fails, and
    // the error of that call is the cause.
    if (settings_.kafka.transactions && !failure_.has_cause())
        (void)failure_.check(rd_kafka_begin_transaction(handle_));
    end_messages();
    return std::unexpected(failure_.error());
}

// Ends all messages that the library still has, and collects their delivery reports. A refusal can
// arrive while later messages are passed to the library. In this case the library fails the call
// that passes a later message. Only the delivery report of the refused message tells which message
// was refused.
void KafkaProducer::end_messages() {
    (void)rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(handle_, static_cast<int>(kafka_patience.count()));
}

Result<void> KafkaProducer::send(const KafkaMessages& messages, const Batch& batch) {
    const KafkaDeadline deadline(settings_.kafka.timeout_max);
    undelivered_ = 0;
    failure_.clear();  // Reports between batches are irrelevant.
    const bool transactions = settings_.kafka.transactions;
    if (transactions)
        if (auto begun = failure_.check(rd_kafka_begin_transaction(handle_)); !begun) return begun;
    if (auto produced = produce(messages.messages()); !produced) return produced;
    for (const auto& letter : messages.dead_letters())
        if (auto produced = produce(letter, batch.rows); !produced) return produced;
    // Without transactions, send the position only after the rows were delivered.
    if (!transactions)
        if (auto flushed = flush(deadline); !flushed) return flushed;
    if (auto produced = produce_position(batch.position()); !produced) return produced;
    if (auto flushed = flush(deadline); !flushed) return flushed;
    return transactions ? commit(deadline) : Result<void>();
}

// Passes the rows to the library, which keeps pointers to the lines until they are delivered.
Result<void> KafkaProducer::produce(const std::vector<KafkaMessages::Message>& messages) {
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
        if (rd_kafka_produce_batch(topics_->rows(), RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_PARTITION,
                                   some.data(), count) == count)
            continue;
        // Collect a fatal error first, because it explains more than the errors of the messages.
        rd_kafka_poll(handle_, 0);
        for (int i = 0; i < count; ++i) (void)failure_.check(some[static_cast<size_t>(i)].err);
        return std::unexpected(failure_.error());
    }
    return {};
}

Result<void> KafkaProducer::produce(const KafkaMessages::DeadLetter& letter,
                                    const Columns& columns) {
    const std::string_view site = columns.text(letter.row, Column::site_id);
    const std::string row_id = std::to_string(columns.integer(letter.row, Column::id));
    const size_t part_bytes = limits_.part_bytes_max;
    const size_t parts = std::max<size_t>((letter.line.size() + part_bytes - 1) / part_bytes, 1);
    const std::string parts_text = std::to_string(parts);
    for (size_t part = 0; part < parts; ++part) {
        const std::string_view piece =
            letter.line.substr(std::min(part * part_bytes, letter.line.size()), part_bytes);
        const std::string part_text = std::to_string(part + 1);
        Headers headers = make_headers({{"reason", to_text(letter.reason)},
                                        {"detail", letter.detail},
                                        {"row_id", row_id},
                                        {"part", part_text},
                                        {"parts", parts_text}});
        const rd_kafka_vu_t fields[] = {
            topic_field(topics_->dead_letters()), bytes_field(RD_KAFKA_VTYPE_KEY, site),
            bytes_field(RD_KAFKA_VTYPE_VALUE, piece), copy_flag(), headers_field(headers)};
        auto produced = failure_.check(rd_kafka_produceva(handle_, fields, std::size(fields)));
        if (!produced) return produced;
        (void)headers.release();
    }
    return {};
}

Result<void> KafkaProducer::produce_position(const Position& position) {
    const std::string next_record = std::to_string(position.next_record);
    const std::string run = to_text(position.run);
    Headers headers = make_headers({{kafka_run_header, run}});
    const rd_kafka_vu_t fields[] = {
        topic_field(topics_->positions()),
        partition_field(0),
        bytes_field(RD_KAFKA_VTYPE_KEY, incarnation_),
        bytes_field(RD_KAFKA_VTYPE_VALUE, next_record),
        copy_flag(),
        headers_field(headers),
    };
    auto produced = failure_.check(rd_kafka_produceva(handle_, fields, std::size(fields)));
    if (produced) (void)headers.release();
    return produced;
}

// Waits until every message is delivered or one message has failed.
Result<void> KafkaProducer::flush(const KafkaDeadline& deadline) {
    for (;;) {
        const auto code = rd_kafka_flush(handle_, deadline.left_ms(kafka_patience));
        if (undelivered_ > 0) return std::unexpected(failure_.error());
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT || deadline.over()) return failure_.check(code);
    }
}

// rdkafka.h recommends a timeout of -1: with any other timeout, the internal state of the producer
// may become wrong if a request fails. But with -1, librdkafka 2.0.2 waits without limit for a
// missing coordinator. A deadline is safe here, because the producer is discarded after any
// failure.
Result<void> KafkaProducer::commit(const KafkaDeadline& deadline) {
    for (;;) {
        rd_kafka_error_t* const refused = rd_kafka_commit_transaction(handle_, deadline.left_ms());
        if (refused == nullptr) return {};
        if (rd_kafka_error_is_retriable(refused) == 0 || deadline.over())
            return failure_.check(refused);
        rd_kafka_error_destroy(refused);
        rd_kafka_poll(handle_, 50);
    }
}

}  // namespace rollcall
