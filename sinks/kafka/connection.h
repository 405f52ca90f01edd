// Kafka connection: the configuration of a librdkafka client, and owning pointers for the library's
// objects.
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

// Maximum wait in one call of the library. After it, the caller decides whether to continue.
inline constexpr std::chrono::milliseconds kafka_patience{250};

class KafkaDeadline {
public:
    using Milliseconds = std::chrono::milliseconds;

    explicit KafkaDeadline(Milliseconds longest);
    // Returns the milliseconds that remain, but at most `most`.
    [[nodiscard]] int left_ms(Milliseconds most = Milliseconds::max()) const;
    [[nodiscard]] bool over() const { return left_ms() == 0; }

private:
    std::chrono::steady_clock::time_point end_;
};

// KafkaConfiguration: the configuration of one client of librdkafka. It contains the brokers and
// the login from the settings, the properties in kafka.properties, and the properties that the code
// sets.
class KafkaConfiguration {
public:
    explicit KafkaConfiguration(const Settings& settings);

    // Sets a property. If the library refuses a value, make() fails. Its error is about the first
    // refused value.
    void set(const std::string& name, const std::string& value);
    [[nodiscard]] rd_kafka_conf_t* get() { return conf_.get(); }

    // Creates the client. Call it once.
    [[nodiscard]] Result<rd_kafka_t*> make(rd_kafka_type_t type);

private:
    void set_login(const Settings& settings);

    KafkaOwned<rd_kafka_conf_t, rd_kafka_conf_destroy> conf_;
    std::optional<Error> refused_;  // The reason why the client cannot be created.
};

}  // namespace rollcall
