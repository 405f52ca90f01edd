#include "sinks/kafka/failure.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

namespace rollcall {

namespace {

struct Advice {
    rd_kafka_resp_err_t code;
    std::string_view text;
};

constexpr Advice advices[] = {
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "is a broker listening at kafka.brokers?"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, "is a broker listening at kafka.brokers?"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, "the brokers do not answer in time; are they overloaded?"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "the brokers do not answer in time; are they overloaded?"},
    {RD_KAFKA_RESP_ERR__RESOLVE, "a host name in kafka.brokers, or one that they tell, is unknown"},
    {RD_KAFKA_RESP_ERR__SSL, "check kafka.tls, kafka.tls_ca, kafka.tls_certificate"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION,
     "check kafka.user, kafka.password_file, kafka.sasl_mechanism; librdkafka before 2.6.1 cannot "
     "log in to Kafka 4 by SCRAM"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "check kafka.user and kafka.password_file"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "create the topic, or set kafka.create_topics"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "create the topic, or set kafka.create_topics"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "was the topic created anew?"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     "allow kafka.user to write and describe the topics, and to read kafka.position_topic"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
     "allow kafka.user to write and describe the transactional ids that begin with rollcall-"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
     "allow kafka.user IdempotentWrite on the cluster, and Create if kafka.create_topics is set"},
    {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
     "lower kafka.timeout_max, or raise transaction.max.timeout.ms of the brokers"},
    {RD_KAFKA_RESP_ERR__FENCED, "another daemon has this spool's uuid; is one state_dir a copy?"},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
     "another daemon has this spool's uuid; is one state_dir a copy?"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, "kafka.replicas is more than there are brokers"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
     "are as many brokers up as the topic's min.insync.replicas wants?"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
     "are as many brokers up as the topic's min.insync.replicas wants?"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "raise the topic's max.message.bytes"},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, "a broker's disk is full or broken"},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
     "the brokers know no transactions; set kafka.transactions = false"},
};

// No broker is reached, for whatever reason: said only if nobody says more.
constexpr bool is_vague(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

// A broker that refuses a connection says so; one that is slow says nothing.
constexpr bool is_refusal(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

}  // namespace

bool is_passing(rd_kafka_resp_err_t code) {
    return is_vague(code) || code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

bool KafkaFailure::meet(rd_kafka_resp_err_t code) { return meet(code, rd_kafka_err2str(code)); }

bool KafkaFailure::meet(rd_kafka_resp_err_t code, std::string_view words) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    hopeless_ = hopeless_ || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (has_cause() && (!is_vague(code_) || is_vague(code))) return false;
    code_ = code;
    text_ = words;
    return false;
}

bool KafkaFailure::meet(rd_kafka_error_t* error) {
    if (error == nullptr) return true;
    const std::unique_ptr<rd_kafka_error_t, void (*)(rd_kafka_error_t*)> owned(
        error, &rd_kafka_error_destroy);
    return meet(rd_kafka_error_code(error), rd_kafka_error_string(error));
}

// The library says that all brokers are down, but not always: it counts those that it knows for
// moments only. So those of the settings are counted here, by "host:port/bootstrap: ...".
void KafkaFailure::meet_event(rd_kafka_t* handle, int code, std::string_view reason,
                              size_t brokers) {
    auto met = static_cast<rd_kafka_resp_err_t>(code);
    char fatal_reason[512];
    if (met == RD_KAFKA_RESP_ERR__FATAL) {
        met = rd_kafka_fatal_error(handle, fatal_reason, sizeof fatal_reason);
        reason = fatal_reason;
    }
    // "... (after 305ms in state AUTH_REQ)" would be another sentence each time.
    const std::string_view words = reason.substr(0, reason.find(" (after "));
    // So is our certificate refused in TLS 1.3: the handshake is over by then.
    if (words.find("SSL alert") != words.npos) met = RD_KAFKA_RESP_ERR__SSL;
    (void)meet(met, words);
    const size_t name_bytes = words.find("/bootstrap: ");
    if ((!is_vague(met) && !is_refusal(met)) || name_bytes == words.npos) return;
    unreached_.emplace(words.substr(0, name_bytes));
    if (unreached_.size() >= brokers) hopeless_ = true;
}

bool KafkaFailure::is_late() const {
    return code_ == RD_KAFKA_RESP_ERR__TIMED_OUT || code_ == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
           code_ == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;  // The last one is not ended yet.
}

std::string KafkaFailure::sentence() const {
    const auto* const advice = std::ranges::find(advices, code_, &Advice::code);
    if (advice == std::end(advices)) return text_;
    return fmt::format("{}; {}", text_, advice->text);
}

}  // namespace rollcall
