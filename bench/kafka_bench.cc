// Kafka sink with transactions: the time to encode, send and commit batches of check-ins.
//
// If Kafka's jars are installed (`./dev test` downloads them), the broker is a real one in its own
// process. If they are not installed, the broker is librdkafka's mock broker, whose CPU time counts
// for this process. The benchmark prints rows/s and the CPU time of this process, including
// librdkafka's threads. The CPU time shows how many rows one core could send.

#include <fmt/core.h>
#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <string>

#include "bench/bench.h"
#include "bench/reports.h"
#include "sinks/kafka/messages.h"
#include "sinks/kafka/sink.h"
#include "tests/support/kafka_client.h"
#include "tests/support/kafka_cluster.h"

using namespace rollcall;

namespace {

constexpr size_t batch_rows = 16384;  // The default of delivery.batch_rows_max.

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void encode(const Columns& rows, size_t rows_per_message) {
    KafkaMessages messages(rows_per_message, 256 << 10);
    bench(fmt::format("kafka, encode, {} a message", rows_per_message), 50 * batch_rows,
          [&](size_t checkins) {
              uint64_t sum = 0;
              for (size_t done = 0; done < checkins; done += batch_rows) {
                  messages.cut(rows, 256 << 10, 8, [](std::string_view site) {
                      return static_cast<int32_t>(site.back() & 7);
                  });
                  sum += messages.messages().size();
              }
              return sum;
          });
}

void store(const std::string& brokers, const Columns& rows, size_t rows_per_message,
           const std::string& compression) {
    static uint64_t topics = 0;
    Settings settings;
    settings.kafka.brokers = {brokers};
    settings.kafka.topic = fmt::format("rows-{}", ++topics);
    settings.kafka.create_topics = true;
    settings.kafka.partitions = 8;
    settings.kafka.rows_per_message = rows_per_message;
    settings.kafka.compression = compression;
    KafkaSink sink(settings);
    ensure(sink.open({}).has_value());
    uint64_t record = 1;
    size_t stored = 0;
    double seconds = 0;
    double cpu = 0;
    bench(fmt::format("kafka, {}, {} a message", compression, rows_per_message), 40 * batch_rows,
          [&](size_t checkins) {
              const auto begin = std::chrono::steady_clock::now();
              const double cpu_before = cpu_seconds();
              for (size_t done = 0; done < checkins; done += batch_rows) {
                  ensure(sink.write({rows, record, record + 1}).has_value());
                  ++record;
                  stored += batch_rows;
              }
              cpu += cpu_seconds() - cpu_before;
              seconds +=
                  std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
              return record;
          });
    fmt::print("{:<32} {:>10.0f} rows/s  {:>10.0f} rows/s a core of this process\n", "",
               static_cast<double>(stored) / seconds, static_cast<double>(stored) / cpu);
}

}  // namespace

int main() {
    const Columns rows = reports(batch_rows);
    for (const size_t rows_per_message : {1, 100}) encode(rows, rows_per_message);
    std::unique_ptr<KafkaCluster> cluster;
    std::unique_ptr<MockKafka> mock;
    std::string brokers;
    if (KafkaCluster::is_installed()) {
        cluster = std::make_unique<KafkaCluster>();
        brokers = cluster->brokers();
    } else {
        mock = std::make_unique<MockKafka>();
        for (int topic = 1; topic <= 6; ++topic)
            mock->create_topic(fmt::format("rows-{}", topic), 8);
        mock->create_topic("rollcall_positions", 1);
        mock->create_topic("rollcall_dead_letters", 1);
        brokers = mock->brokers();
        fmt::print("no jars of Kafka: the broker is librdkafka's own, in this process\n");
    }
    for (const char* compression : {"none", "lz4", "zstd"})
        for (const size_t rows_per_message : {1, 100})
            store(brokers, rows, rows_per_message, compression);
}
