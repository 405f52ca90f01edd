// KafkaClient: what a test asks of brokers, real ones or a MockKafka. MockKafka: the brokers that
// librdkafka carries for tests, in this process, which fail when they are told to.
//
// A MockKafka knows no aborted transactions: whatever was produced is read.
//
// Errors: what the brokers refuse throws and fails the test case.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rollcall {

struct KafkaRecord {
    int32_t partition;
    int64_t offset;
    std::string key;
    std::string value;
    std::map<std::string, std::string> header;

    bool operator==(const KafkaRecord&) const = default;
};

class KafkaClient {
public:
    explicit KafkaClient(const std::string& brokers);
    ~KafkaClient();
    KafkaClient(const KafkaClient&) = delete;
    KafkaClient& operator=(const KafkaClient&) = delete;

    // Brokers that the cluster names; 0 if none answers within a second.
    [[nodiscard]] size_t brokers_up() const;
    // Whether every replica of every topic, Kafka's own too, is in sync.
    [[nodiscard]] bool in_sync() const;
    // Waits until the topic is there.
    void create_topic(const std::string& name, int partitions,
                      const std::map<std::string, std::string>& settings = {},
                      int replicas = 1) const;
    void delete_topic(const std::string& name) const;
    [[nodiscard]] bool has_topic(const std::string& name) const;
    [[nodiscard]] int partitions(const std::string& topic) const;
    // The broker that leads a partition; -1 if there is none.
    [[nodiscard]] int leader(const std::string& topic, int partition) const;

    // Every record committed up to now, by partition and offset. It waits for open transactions.
    [[nodiscard]] std::vector<KafkaRecord> committed(const std::string& topic) const;
    // Every record, those of aborted and of open transactions too.
    [[nodiscard]] std::vector<KafkaRecord> written(const std::string& topic) const;

private:
    struct Handle;
    [[nodiscard]] std::vector<KafkaRecord> read(const std::string& topic,
                                                const char* isolation) const;

    std::string brokers_;
    std::unique_ptr<Handle> handle_;
};

// A producer that begins a transaction and leaves it open.
class OpenTransaction {
public:
    OpenTransaction(const std::string& brokers, const std::string& transactional_id);
    ~OpenTransaction();
    OpenTransaction(const OpenTransaction&) = delete;
    OpenTransaction& operator=(const OpenTransaction&) = delete;

    void produce(const std::string& topic, int partition, const std::string& key,
                 const std::string& value);
    void produce_tombstone(const std::string& topic, int partition, const std::string& key);
    void wait_until_written();
    void commit();
    // What commit() is answered, as librdkafka names it; empty if it succeeds.
    [[nodiscard]] std::string try_commit();

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

class MockKafka {
public:
    // Numbers of the protocol's requests: https://kafka.apache.org/protocol#protocol_api_keys
    enum Request : int16_t {
        produce = 0,
        fetch = 1,
        metadata = 3,
        init_producer_id = 22,
        add_partitions = 24,
        end_transaction = 26
    };

    explicit MockKafka(int nodes = 1);
    ~MockKafka();
    MockKafka(const MockKafka&) = delete;
    MockKafka& operator=(const MockKafka&) = delete;

    [[nodiscard]] std::string brokers() const;
    void create_topic(const std::string& name, int partitions);
    // The next requests of this kind are answered so, one each. Codes of the protocol.
    void answer(Request request, const std::vector<int>& errors);
    void answer_metadata(const std::string& topic, int error);
    // The next requests of this kind wait so long for their answer.
    void delay(Request request, int count, std::chrono::milliseconds time);
    void set_down();
    void set_up();

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

}  // namespace rollcall
