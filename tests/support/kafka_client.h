// KafkaClient: reads and changes topics of a cluster. The cluster can be real or a MockKafka.
// MockKafka: librdkafka's mock brokers in this process, with injected failures.
//
// MockKafka does not support aborted transactions: committed() also returns their records.
//
// Errors: a refusal by the brokers throws and fails the test case.
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

    // Returns the number of brokers in the cluster's metadata; 0 if no broker responds within a
    // second.
    [[nodiscard]] size_t brokers_up() const;
    // Returns true if every replica of every topic, including Kafka's own, is in sync.
    [[nodiscard]] bool in_sync() const;
    // Creates a topic, and waits until it exists.
    void create_topic(const std::string& name, int partitions,
                      const std::map<std::string, std::string>& settings = {},
                      int replicas = 1) const;
    void delete_topic(const std::string& name) const;
    [[nodiscard]] bool has_topic(const std::string& name) const;
    [[nodiscard]] int partitions(const std::string& topic) const;
    // Returns the leader of a partition, or -1 if there is none.
    [[nodiscard]] int leader(const std::string& topic, int partition) const;

    // Returns all records committed so far, ordered by partition and offset. Waits until all open
    // transactions have ended.
    [[nodiscard]] std::vector<KafkaRecord> committed(const std::string& topic) const;
    // Returns all records, including those of aborted and open transactions.
    [[nodiscard]] std::vector<KafkaRecord> written(const std::string& topic) const;

private:
    struct Handle;
    [[nodiscard]] std::vector<KafkaRecord> read(const std::string& topic,
                                                const char* isolation) const;

    std::string brokers_;
    std::unique_ptr<Handle> handle_;
};

// A producer with an open transaction.
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
    // Returns librdkafka's name of the error of commit(), or an empty string on success.
    [[nodiscard]] std::string try_commit();

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

class MockKafka {
public:
    // Request types of the protocol: https://kafka.apache.org/protocol#protocol_api_keys
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
    // Makes the next requests of this type fail, one with each error code, in this order.
    void answer(Request request, const std::vector<int>& errors);
    void answer_metadata(const std::string& topic, int error);
    // Delays the responses to the next `count` requests of this type.
    void delay(Request request, int count, std::chrono::milliseconds time);
    void set_down();
    void set_up();

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

}  // namespace rollcall
