// Kafka connection: the configuration that a librdkafka client is made with, and owners for the
// library's objects.
//
// Threads: one at a time.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/settings.h"
#include "pipeline/base/destroy.h"
#include "pipeline/base/error.h"

namespace rollcall {

template <class T, auto destroy>
using KafkaOwned = std::unique_ptr<T, DestroyWith<destroy>>;
using KafkaTopic = KafkaOwned<rd_kafka_topic_t, rd_kafka_topic_destroy>;
using KafkaQueue = KafkaOwned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using KafkaEvent = KafkaOwned<rd_kafka_event_t, rd_kafka_event_destroy>;

// Longest wait of one call of the library; then the caller decides whether to continue.
inline constexpr std::chrono::milliseconds kafka_patience{250};

class KafkaDeadline {
public:
    using Milliseconds = std::chrono::milliseconds;

    explicit KafkaDeadline(Milliseconds longest);
    // Returns the milliseconds that are left, but no more than `most`.
    [[nodiscard]] int left_ms(Milliseconds most = Milliseconds::max()) const;
    [[nodiscard]] bool over() const { return left_ms() == 0; }

private:
    std::chrono::steady_clock::time_point end_;
};

// KafkaConfiguration: how to reach the brokers, the properties that the operator adds, and those
// that the code sets.
class KafkaConfiguration {
public:
    explicit KafkaConfiguration(const Settings& settings);

    // Sets a property. make() reports the first value that the library refuses.
    void set(const std::string& name, const std::string& value);
    [[nodiscard]] rd_kafka_conf_t* get() { return conf_.get(); }

    // Makes the client. Call it once.
    [[nodiscard]] Result<rd_kafka_t*> make(rd_kafka_type_t type);

private:
    void set_login(const Settings& settings);

    KafkaOwned<rd_kafka_conf_t, rd_kafka_conf_destroy> conf_;
    std::optional<Error> refused_;  // Why the client cannot be made.
};

}  // namespace rollcall
