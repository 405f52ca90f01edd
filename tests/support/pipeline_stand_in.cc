#include "tests/support/pipeline_stand_in.h"

#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>

#include "sinks/sql/ddl.h"
#include "tests/support/kafka_client.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;
// Maximum number of messages in one load. If each message has ten rows, the server can still report
// a warning for each row of a load: its maximum is 65,535 warnings.
constexpr size_t messages_at_once = 5'000;
constexpr unsigned duplicate_entry = 1062;

Rows run_sql(Database& database, const std::string& sql) {
    auto outcome = database.query(sql);
    if (!outcome) throw std::runtime_error(sql + ": " + describe(outcome.error()));
    return *std::move(outcome);
}

Database connect(const Database::Options& options) {
    auto connection = Database::connect(options);
    if (!connection) throw std::runtime_error(describe(connection.error()));
    return *std::move(connection);
}

}  // namespace

// All partitions of the topic as one queue, and the position in each partition.
struct PipelineStandIn::Source {
    struct Partition {
        int64_t next = 0;    // Offset of the next message.
        bool ended = false;  // There is no committed message at or after `next`.
    };

    Source(const std::string& brokers, std::string name, std::map<int32_t, int64_t> begin)
        : topic_name(std::move(name)) {
        rd_kafka_conf_t* const conf = rd_kafka_conf_new();
        char problem[512];
        for (const auto& [key, value] :
             std::map<std::string, std::string>{{"bootstrap.servers", brokers},
                                                {"isolation.level", "read_committed"},
                                                {"enable.partition.eof", "true"},
                                                {"reconnect.backoff.max.ms", "500"},
                                                {"fetch.wait.max.ms", "100"}})
            rd_kafka_conf_set(conf, key.c_str(), value.c_str(), problem, sizeof problem);
        rd_kafka_conf_set_log_cb(conf, nullptr);
        consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, problem, sizeof problem);
        if (consumer == nullptr) throw std::runtime_error(problem);
        topic = rd_kafka_topic_new(consumer, topic_name.c_str(), nullptr);
        queue = rd_kafka_queue_new(consumer);
        const KafkaClient client(brokers);
        for (int32_t id = 0; id < client.partitions(topic_name); ++id) {
            partitions[id].next = begin[id];
            rd_kafka_consume_start_queue(topic, id, begin[id], queue);
        }
        if (partitions.empty()) throw std::runtime_error("no topic " + topic_name);
    }
    ~Source() {
        for (const auto& [id, partition] : partitions) rd_kafka_consume_stop(topic, id);
        rd_kafka_queue_destroy(queue);
        rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(consumer);
    }
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    // Appends the lines of some messages to `lines` and returns the number of messages.
    size_t read(std::string& lines) {
        size_t count = 0;
        for (auto wait = 200ms; count < messages_at_once; wait = 0ms) {
            rd_kafka_message_t* const message =
                rd_kafka_consume_queue(queue, static_cast<int>(wait.count()));
            if (message == nullptr) break;
            Partition& partition = partitions[message->partition];
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                lines.append(static_cast<const char*>(message->payload), message->len);
                if (!lines.ends_with('\n')) lines += '\n';
                partition = {message->offset + 1, false};
                ++count;
            } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                int64_t low = 0;
                int64_t high = 0;
                rd_kafka_get_watermark_offsets(consumer, topic_name.c_str(), message->partition,
                                               &low, &high);
                partition.ended = message->offset >= high;
            }
            rd_kafka_message_destroy(message);
        }
        return count;
    }
    [[nodiscard]] bool ended() const {
        return std::ranges::all_of(partitions, [](const auto& it) { return it.second.ended; });
    }

    std::string topic_name;
    rd_kafka_t* consumer;
    rd_kafka_topic_t* topic;
    rd_kafka_queue_t* queue;
    std::map<int32_t, Partition> partitions;
};

PipelineStandIn::PipelineStandIn(std::string brokers, std::string topic, Database::Options database)
    : brokers_(std::move(brokers)),
      topic_(std::move(topic)),
      options_(std::move(database)),
      load_sql_(fmt::format("LOAD DATA LOCAL INFILE 'topic' {} INTO TABLE site_checkins\n{}",
                            skip_duplicates(SqlDialect::mariadb), load_clauses())) {
    options_.timeout = 60s;  // Loading many rows takes a long time on a busy machine.
    Database connection = connect(options_);
    for (const auto& sql : create_tables(SqlDialect::mariadb)) run_sql(connection, sql);
    run_sql(connection, "CREATE TABLE pipeline_offsets (id INT PRIMARY KEY, next BIGINT NOT NULL)");
}

PipelineStandIn::~PipelineStandIn() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

void PipelineStandIn::start() {
    stopping_ = false;
    failure_ = nullptr;
    thread_ = std::thread([this] {
        try {
            run();
        } catch (...) {
            failure_ = std::current_exception();
        }
    });
}

void PipelineStandIn::stop() {
    stopping_ = true;
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
}

void PipelineStandIn::run() {
    Database database = connect(options_);
    std::map<int32_t, int64_t> begin;
    for (const auto& row : run_sql(database, "SELECT id, next FROM pipeline_offsets"))
        begin[std::stoi(row[0].value())] = std::stoll(row[1].value());
    Source source(brokers_, topic_, begin);
    auto last_loaded = std::chrono::steady_clock::now();
    for (std::string lines;; lines.clear()) {
        const size_t count = source.read(lines);
        if (count > 0) {
            load(database, lines, static_cast<uint64_t>(std::ranges::count(lines, '\n')), source);
            last_loaded = std::chrono::steady_clock::now();
        }
        messages_ += count;
        if (!stopping_) continue;
        if (count == 0 && source.ended()) return;
        if (std::chrono::steady_clock::now() - last_loaded > 60s)
            throw std::runtime_error("the topic cannot be read to its end");
    }
}

void PipelineStandIn::load(Database& database, const std::string& lines, uint64_t rows,
                           const Source& source) {
    run_sql(database, "START TRANSACTION");
    size_t at = 0;
    const auto loaded = database.load(load_sql_, [&](char* to, size_t room) {
        const size_t bytes = std::min(room, lines.size() - at);
        std::memcpy(to, lines.data() + at, bytes);
        at += bytes;
        return std::optional(bytes);
    });
    if (!loaded) throw std::runtime_error("LOAD DATA: " + describe(loaded.error()));
    if (database.warnings() > 0)
        for (const auto& warning : run_sql(database, "SHOW WARNINGS"))  // Level, Code, Message.
            if (std::stoul(warning[1].value()) != duplicate_entry)
                throw std::runtime_error("LOAD DATA: " + warning[2].value());
    for (const auto& [id, partition] : source.partitions)
        run_sql(database,
                fmt::format("REPLACE INTO pipeline_offsets VALUES ({}, {})", id, partition.next));
    run_sql(database, "COMMIT");
    skipped_ += rows - *loaded;
    sample_.push_back(lines.substr(0, lines.find('\n')));
}

std::string PipelineStandIn::differences() const {
    Database database = connect(options_);
    std::string all;
    for (const std::string& line : sample_) {
        const auto rows =
            run_sql(database, fmt::format("SELECT {} FROM site_checkins WHERE id = {}",
                                          column_names(), line.substr(0, line.find('\t'))));
        std::string stored;
        for (const auto& row : rows)
            for (const auto& field : row)
                stored += (stored.empty() ? "" : "\t") + field.value_or("\\N");
        if (stored != line) all += fmt::format("{}\n  is in the table as\n{}\n", line, stored);
    }
    return all;
}

}  // namespace rollcall
