// Kafka connection: what a client of librdkafka is made with, and what holds its objects.
//
// Threads: none of its own.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <memory>
#include <string>

#include "config/settings.h"
#include "pipeline/base/destroy.h"
#include "sinks/kafka/failure.h"

namespace rollcall {

template <class T, auto destroy>
using KafkaOwned = std::unique_ptr<T, DestroyWith<destroy>>;
using KafkaTopic = KafkaOwned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaQueue = KafkaOwned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaEvent = KafkaOwned<rd_kafka_event_t, rd_kafka_event_destroy>;

// How long one call of the library waits before it is seen whether to go on.
inline constexpr std::chrono::milliseconds kafka_patience{250};

class KafkaDeadline {
public:
    using Milliseconds = std::chrono::milliseconds;

    explicit KafkaDeadline(Milliseconds longest);
    // What is left of it, but no more than `most`: as the library takes it, in milliseconds.
    [[nodiscard]] int left_ms(Milliseconds most = Milliseconds::max()) const;
    [[nodiscard]] bool over() const { return left_ms() == 0; }

private:
    std::chrono::steady_clock::time_point end_;
};

// A client's configuration: how to reach the brokers, what the operator adds, and what is set here.
// What the library refuses, `failure` meets.
class KafkaConfiguration {
public:
    KafkaConfiguration(const Settings& settings, KafkaFailure& failure);

    void set(const std::string& name, const std::string& value);
    [[nodiscard]] rd_kafka_conf_t* get() { return conf_.get(); }

    // The client, made of it once; nullptr if anything was refused.
    [[nodiscard]] rd_kafka_t* make(rd_kafka_type_t type);

private:
    void set_login(const Settings& settings);

    KafkaFailure& failure_;
    KafkaOwned<rd_kafka_conf_t, rd_kafka_conf_destroy> conf_;
};

}  // namespace rollcall
