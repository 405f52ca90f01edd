#include "sinks/kafka/connection.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "pipeline/base/log.h"
#include "pipeline/base/secret.h"

namespace rollcall {

namespace {

constexpr KafkaDeadline::Milliseconds day{24 * 3600 * 1000};

void log_librdkafka(const rd_kafka_t*, int, const char* about, const char* text) {
    log(LogLevel::debug, "librdkafka: {}: {}", about, text);
}

}  // namespace

KafkaDeadline::KafkaDeadline(Milliseconds longest)
    : end_(std::chrono::steady_clock::now() + longest) {}

int KafkaDeadline::left_ms(Milliseconds most) const {
    const auto left =
        std::chrono::duration_cast<Milliseconds>(end_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp(left, Milliseconds(0), std::min(most, day)).count());
}

KafkaConfiguration::KafkaConfiguration(const Settings& settings) : conf_(rd_kafka_conf_new()) {
    const auto& kafka = settings.kafka;
    rd_kafka_conf_set_log_cb(conf_.get(), log_librdkafka);
    set("client.id", "rollcalld");
    set("reconnect.backoff.max.ms", "1000");
    for (const auto& [name, value] : kafka.properties) set(name, value);
    // If a client requests a topic that does not exist, brokers with default settings create it. A
    // client must not create a topic in this way: the topic would have the brokers' settings, and
    // it would exist even without kafka.create_topics.
    set("allow.auto.create.topics", "false");
    set("bootstrap.servers", fmt::format("{}", fmt::join(kafka.brokers, ",")));
    const bool sasl = kafka.sasl_mechanism != "none";
    set("security.protocol",
        fmt::format("{}{}", sasl ? "sasl_" : "", kafka.tls ? "ssl" : "plaintext"));
    if (!kafka.tls_ca.empty()) set("ssl.ca.location", kafka.tls_ca);
    if (!kafka.tls_certificate.empty()) set("ssl.certificate.location", kafka.tls_certificate);
    if (!kafka.tls_key.empty()) set("ssl.key.location", kafka.tls_key);
    if (sasl) set_login(settings);
}

void KafkaConfiguration::set_login(const Settings& settings) {
    const auto& kafka = settings.kafka;
    set("sasl.mechanisms", kafka.sasl_mechanism);
    set("sasl.username", kafka.user);
    const auto password = read_secret(kafka.password_file);
    if (password)
        set("sasl.password", *password);
    else if (!refused_)
        refused_ = in_context("kafka.password_file", password.error());
}

void KafkaConfiguration::set(const std::string& name, const std::string& value) {
    char problem[512];
    if (rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), problem, sizeof problem) !=
            RD_KAFKA_CONF_OK &&
        !refused_)
        refused_ = fail(Code::bad_setting, problem).error();
}

Result<rd_kafka_t*> KafkaConfiguration::make(rd_kafka_type_t type) {
    if (refused_) return std::unexpected(*refused_);
    char problem[512];
    rd_kafka_t* const made = rd_kafka_new(type, conf_.get(), problem, sizeof problem);
    if (made == nullptr) return fail(Code::bad_setting, problem);
    (void)conf_.release();  // The client owns the configuration now.
    return made;
}

}  // namespace rollcall
