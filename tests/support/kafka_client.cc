#include "tests/support/kafka_client.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <thread>

namespace rollcall {

namespace {

using namespace std::chrono_literals;
constexpr int timeout_ms = 30'000;

[[noreturn]] void give_up(const std::string& what) { throw std::runtime_error("kafka: " + what); }

void check(rd_kafka_resp_err_t code, const std::string& what) {
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(what + ": " + rd_kafka_err2str(code));
}

void check(rd_kafka_error_t* error, const std::string& what) {
    if (error != nullptr) give_up(what + ": " + rd_kafka_error_string(error));
}

rd_kafka_t* make(rd_kafka_type_t type, const std::map<std::string, std::string>& properties) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    char problem[512];
    rd_kafka_conf_set_log_cb(conf, nullptr);
    auto all = properties;
    all.emplace("allow.auto.create.topics", "false");  // Requests must not create topics.
    for (const auto& [name, value] : all)
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem, sizeof problem) !=
            RD_KAFKA_CONF_OK)
            give_up(problem);
    rd_kafka_t* const made = rd_kafka_new(type, conf, problem, sizeof problem);
    if (made == nullptr) give_up(problem);
    return made;
}

// Calls `use` with the cluster's metadata of a topic, or of all topics if the name is empty.
template <class Use>
auto with_metadata(rd_kafka_t* handle, const std::string& topic, int wait_ms, const Use& use) {
    rd_kafka_topic_t* const about =
        topic.empty() ? nullptr : rd_kafka_topic_new(handle, topic.c_str(), nullptr);
    const rd_kafka_metadata_t* metadata = nullptr;
    const auto code =
        rd_kafka_metadata(handle, about == nullptr ? 1 : 0, about, &metadata, wait_ms);
    const auto result = use(code == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata : nullptr);
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    if (about != nullptr) rd_kafka_topic_destroy(about);
    return result;
}

KafkaRecord record_of(const rd_kafka_message_t& message) {
    KafkaRecord record{message.partition,
                       message.offset,
                       {static_cast<const char*>(message.key), message.key_len},
                       {static_cast<const char*>(message.payload), message.len},
                       {}};
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t bytes = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i)
        record.header[name] = {static_cast<const char*>(value), bytes};
    return record;
}

}  // namespace

// --- KafkaClient ---

struct KafkaClient::Handle {
    rd_kafka_t* producer;
};

KafkaClient::KafkaClient(const std::string& brokers)
    : brokers_(brokers),
      handle_(std::make_unique<Handle>(
          make(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                   {"reconnect.backoff.max.ms", "200"},
                                   // After this time, a request to a broker that hangs fails.
                                   {"socket.timeout.ms", "2000"}}))) {}

KafkaClient::~KafkaClient() { rd_kafka_destroy(handle_->producer); }

size_t KafkaClient::brokers_up() const {
    return with_metadata(handle_->producer, "", 1000, [](const rd_kafka_metadata_t* metadata) {
        return metadata == nullptr ? size_t{0} : static_cast<size_t>(metadata->broker_cnt);
    });
}

bool KafkaClient::in_sync() const {
    return with_metadata(handle_->producer, "", 1000, [](const rd_kafka_metadata_t* metadata) {
        if (metadata == nullptr) return false;
        const std::span topics(metadata->topics, static_cast<size_t>(metadata->topic_cnt));
        return std::ranges::all_of(topics, [](const auto& topic) {
            const std::span partitions(topic.partitions, static_cast<size_t>(topic.partition_cnt));
            return std::ranges::all_of(partitions, [](const auto& partition) {
                return partition.isr_cnt == partition.replica_cnt;
            });
        });
    });
}

int KafkaClient::partitions(const std::string& topic) const {
    return with_metadata(handle_->producer, topic, 5000, [](const rd_kafka_metadata_t* metadata) {
        return metadata == nullptr || metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR
                   ? 0
                   : metadata->topics[0].partition_cnt;
    });
}

bool KafkaClient::has_topic(const std::string& name) const { return partitions(name) > 0; }

int KafkaClient::leader(const std::string& topic, int partition) const {
    return with_metadata(handle_->producer, topic, 5000,
                         [partition](const rd_kafka_metadata_t* metadata) {
                             if (metadata == nullptr) return -1;
                             const auto& about = metadata->topics[0];
                             for (int i = 0; i < about.partition_cnt; ++i)
                                 if (about.partitions[i].id == partition)
                                     return int{about.partitions[i].leader};
                             return -1;
                         });
}

void KafkaClient::create_topic(const std::string& name, int partitions,
                               const std::map<std::string, std::string>& settings,
                               int replicas) const {
    char problem[512];
    rd_kafka_NewTopic_t* topic =
        rd_kafka_NewTopic_new(name.c_str(), partitions, replicas, problem, sizeof problem);
    if (topic == nullptr) give_up(problem);
    for (const auto& [key, value] : settings)
        check(rd_kafka_NewTopic_set_config(topic, key.c_str(), value.c_str()), key);
    rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle_->producer);
    rd_kafka_CreateTopics(handle_->producer, &topic, 1, nullptr, queue);
    rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, timeout_ms);
    if (event == nullptr) give_up("no answer about topic " + name);
    check(rd_kafka_event_error(event), name);
    size_t count = 0;
    const auto* const results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    check(rd_kafka_topic_result_error(results[0]), name);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (leader(name, partitions - 1) < 0) {
        if (std::chrono::steady_clock::now() > deadline) give_up("topic does not come: " + name);
        std::this_thread::sleep_for(50ms);
    }
}

void KafkaClient::delete_topic(const std::string& name) const {
    rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(name.c_str());
    rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle_->producer);
    rd_kafka_DeleteTopics(handle_->producer, &topic, 1, nullptr, queue);
    rd_kafka_event_t* const event = rd_kafka_queue_poll(queue, timeout_ms);
    if (event == nullptr) give_up("no answer about topic " + name);
    check(rd_kafka_event_error(event), name);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(topic);
}

std::vector<KafkaRecord> KafkaClient::committed(const std::string& topic) const {
    return read(topic, "read_committed");
}

std::vector<KafkaRecord> KafkaClient::written(const std::string& topic) const {
    return read(topic, "read_uncommitted");
}

std::vector<KafkaRecord> KafkaClient::read(const std::string& topic, const char* isolation) const {
    rd_kafka_t* const consumer = make(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_},
                                                          {"isolation.level", isolation},
                                                          {"enable.partition.eof", "true"},
                                                          {"check.crcs", "true"},
                                                          {"fetch.wait.max.ms", "20"}});
    rd_kafka_topic_t* const source = rd_kafka_topic_new(consumer, topic.c_str(), nullptr);
    std::vector<KafkaRecord> records;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    for (int partition = 0; partition < partitions(topic); ++partition) {
        if (rd_kafka_consume_start(source, partition, RD_KAFKA_OFFSET_BEGINNING) != 0)
            check(rd_kafka_last_error(), topic);
        for (bool done = false; !done;) {
            if (std::chrono::steady_clock::now() > deadline) give_up("cannot read " + topic);
            rd_kafka_message_t* const message = rd_kafka_consume(source, partition, 200);
            if (message == nullptr) continue;
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                int64_t low = 0;
                int64_t high = 0;
                rd_kafka_get_watermark_offsets(consumer, topic.c_str(), partition, &low, &high);
                done = message->offset >= high;
            } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                records.push_back(record_of(*message));
            }
            rd_kafka_message_destroy(message);
        }
        rd_kafka_consume_stop(source, partition);
    }
    rd_kafka_topic_destroy(source);
    rd_kafka_destroy(consumer);
    return records;
}

// --- OpenTransaction ---

struct OpenTransaction::Handle {
    rd_kafka_t* producer;
};

OpenTransaction::OpenTransaction(const std::string& brokers, const std::string& transactional_id)
    : handle_(std::make_unique<Handle>(
          make(RD_KAFKA_PRODUCER,
               {{"bootstrap.servers", brokers}, {"transactional.id", transactional_id}}))) {
    check(rd_kafka_init_transactions(handle_->producer, timeout_ms), "init_transactions");
    check(rd_kafka_begin_transaction(handle_->producer), "begin_transaction");
}

OpenTransaction::~OpenTransaction() {
    rd_kafka_purge(handle_->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(handle_->producer);
}

void OpenTransaction::produce(const std::string& topic, int partition, const std::string& key,
                              const std::string& value) {
    check(rd_kafka_producev(
              handle_->producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
              RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END),
          "produce");
}

void OpenTransaction::produce_tombstone(const std::string& topic, int partition,
                                        const std::string& key) {
    check(
        rd_kafka_producev(handle_->producer, RD_KAFKA_V_TOPIC(topic.c_str()),
                          RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_END),
        "produce");
}

void OpenTransaction::wait_until_written() {
    check(rd_kafka_flush(handle_->producer, timeout_ms), "flush");
}

void OpenTransaction::commit() {
    check(rd_kafka_commit_transaction(handle_->producer, timeout_ms), "commit");
}

std::string OpenTransaction::try_commit() {
    rd_kafka_error_t* const error = rd_kafka_commit_transaction(handle_->producer, timeout_ms);
    return error == nullptr ? "" : rd_kafka_error_name(error);
}

// --- MockKafka ---

struct MockKafka::Handle {
    rd_kafka_t* owner;
    rd_kafka_mock_cluster_t* cluster;
    int nodes;
};

MockKafka::MockKafka(int nodes) : handle_(std::make_unique<Handle>()) {
    handle_->owner = make(RD_KAFKA_PRODUCER, {});
    handle_->cluster = rd_kafka_mock_cluster_new(handle_->owner, nodes);
    handle_->nodes = nodes;
}

MockKafka::~MockKafka() {
    rd_kafka_mock_cluster_destroy(handle_->cluster);
    rd_kafka_destroy(handle_->owner);
}

std::string MockKafka::brokers() const {
    return rd_kafka_mock_cluster_bootstraps(handle_->cluster);
}

void MockKafka::create_topic(const std::string& name, int partitions) {
    check(rd_kafka_mock_topic_create(handle_->cluster, name.c_str(), partitions, 1), name);
}

void MockKafka::answer(Request request, const std::vector<int>& errors) {
    std::vector<rd_kafka_resp_err_t> codes;
    for (const int error : errors) codes.push_back(static_cast<rd_kafka_resp_err_t>(error));
    rd_kafka_mock_push_request_errors_array(handle_->cluster, request, codes.size(), codes.data());
}

void MockKafka::answer_metadata(const std::string& topic, int error) {
    rd_kafka_mock_topic_set_error(handle_->cluster, topic.c_str(),
                                  static_cast<rd_kafka_resp_err_t>(error));
}

void MockKafka::delay(Request request, int count, std::chrono::milliseconds time) {
    for (int node = 1; node <= handle_->nodes; ++node)
        for (int i = 0; i < count; ++i)
            check(rd_kafka_mock_broker_push_request_error_rtts(handle_->cluster, node, request, 1,
                                                               RD_KAFKA_RESP_ERR_NO_ERROR,
                                                               static_cast<int>(time.count())),
                  "delay");
}

void MockKafka::set_down() { check(rd_kafka_mock_broker_set_down(handle_->cluster, -1), "down"); }

void MockKafka::set_up() { check(rd_kafka_mock_broker_set_up(handle_->cluster, -1), "up"); }

}  // namespace rollcall
