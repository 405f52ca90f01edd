// Kafka statistics: what librdkafka says of itself, as the numbers that become metrics.
//
// The library hands out a JSON text of thousands of members. What is looked for goes by names that
// stand for nothing else, so the text is searched, not parsed.
//
// Source: https://github.com/confluentinc/librdkafka/blob/v2.0.2/STATISTICS.md
// Threads: pure function.
#pragma once

#include <cstdint>
#include <string_view>

namespace rollcall {

struct KafkaStatistics {
    // Since the client was made.
    int64_t messages = 0;  // That brokers took.
    int64_t sent_bytes = 0;
    int64_t request_retries = 0;
    int64_t request_errors = 0;
    // Now.
    int64_t queue_messages = 0;
    int64_t queue_bytes = 0;
    int64_t brokers_up = 0;
    int64_t round_trip_us = 0;  // The longest average of a broker.

    bool operator==(const KafkaStatistics&) const = default;
};

[[nodiscard]] KafkaStatistics read_kafka_statistics(std::string_view json);

}  // namespace rollcall
