// Kafka statistics: the numbers in librdkafka's statistics that are exported as metrics.
//
// The library passes a JSON text with thousands of members. The required names are unique in the
// text, so it is searched, not parsed.
//
// Source: https://github.com/confluentinc/librdkafka/blob/v2.0.2/STATISTICS.md
// Threads: any.
#pragma once

#include <cstdint>
#include <string_view>

namespace rollcall {

struct KafkaStatistics {
    // Totals since the client was created.
    int64_t messages = 0;  // Messages that brokers have acknowledged.
    int64_t sent_bytes = 0;
    int64_t request_retries = 0;
    int64_t request_errors = 0;
    // Values at the time of the statistics.
    int64_t queue_messages = 0;
    int64_t queue_bytes = 0;
    int64_t brokers_up = 0;
    int64_t round_trip_us = 0;  // The average round trip of the slowest broker.

    bool operator==(const KafkaStatistics&) const = default;
};

[[nodiscard]] KafkaStatistics read_kafka_statistics(std::string_view json);

}  // namespace rollcall
