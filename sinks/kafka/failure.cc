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
    {RD_KAFKA_RESP_ERR__TIMED_OUT, "check that the brokers are up and not overloaded"},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "check that the brokers are up and not overloaded"},
    {RD_KAFKA_RESP_ERR__RESOLVE,
     "a host name in kafka.brokers, or one that the brokers announce, cannot be resolved"},
    {RD_KAFKA_RESP_ERR__SSL, "check kafka.tls, kafka.tls_ca, kafka.tls_certificate"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION,
     "check kafka.user, kafka.password_file, kafka.sasl_mechanism; librdkafka before 2.6.1 cannot "
     "log in to Kafka 4 by SCRAM"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "check kafka.user and kafka.password_file"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "create the topic, or set kafka.create_topics"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "create the topic, or set kafka.create_topics"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
     "a partition of the topic is missing; was the topic deleted and created again?"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     "allow kafka.user to write and describe the topics, and to read kafka.position_topic"},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
     "allow kafka.user to write and describe the transactional ids that begin with rollcall-"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
     "allow kafka.user IdempotentWrite on the cluster, and Create if kafka.create_topics is set"},
    {RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
     "lower kafka.timeout_max, or raise transaction.max.timeout.ms of the brokers"},
    {RD_KAFKA_RESP_ERR__FENCED, "another daemon uses a copy of this state_dir; stop one of them"},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
     "another daemon uses a copy of this state_dir; stop one of them"},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, "kafka.replicas exceeds the number of brokers"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
     "check that as many brokers are up as the topic's min.insync.replicas requires"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
     "check that as many brokers are up as the topic's min.insync.replicas requires"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "raise the topic's max.message.bytes"},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, "a broker's disk is full or broken"},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
     "the brokers do not support transactions; update them, or set kafka.transactions = false; "
     "rows may then be stored twice after a failure"},
};

// Returns true if the code means only that a broker cannot be reached.
constexpr bool is_vague(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

// Returns true if the code means that a broker has refused the connection. A slow broker causes
// other codes.
constexpr bool is_refusal(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
}

}  // namespace

bool is_passing(rd_kafka_resp_err_t code) {
    return is_vague(code) || code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
}

Error kafka_error(rd_kafka_resp_err_t code, std::string_view message) {
    const auto* const advice = std::ranges::find(advices, code, &Advice::code);
    std::string text(message);
    if (advice != std::end(advices)) text += fmt::format("; {}", advice->text);
    return fail(Code::sink_down, std::move(text)).error();
}

Result<void> KafkaFailure::check(rd_kafka_resp_err_t code) {
    return check(code, rd_kafka_err2str(code));
}

Result<void> KafkaFailure::check(rd_kafka_resp_err_t code, std::string_view message) {
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    note(code, message);
    return std::unexpected(error());
}

Result<void> KafkaFailure::check(rd_kafka_error_t* error) {
    if (error == nullptr) return {};
    const std::unique_ptr<rd_kafka_error_t, void (*)(rd_kafka_error_t*)> owned(
        error, &rd_kafka_error_destroy);
    return check(rd_kafka_error_code(error), rd_kafka_error_string(error));
}

void KafkaFailure::note(rd_kafka_resp_err_t code, std::string_view message) {
    hopeless_ = hopeless_ || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (has_cause() && (!is_vague(code_) || is_vague(code))) return;
    code_ = code;
    message_ = message;
}

// The library does not always report that all brokers are down, because it also counts brokers that
// it knows only for a short time. So this function counts the unreachable brokers of the settings
// itself. It recognizes them by the text "host:port/bootstrap: ...".
void KafkaFailure::note_event(rd_kafka_t* handle, int event_code, std::string_view reason,
                              size_t brokers) {
    auto code = static_cast<rd_kafka_resp_err_t>(event_code);
    char fatal_reason[512];
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(handle, fatal_reason, sizeof fatal_reason);
        reason = fatal_reason;
    }
    // Remove the text "(after 305ms in state AUTH_REQ)", which would make each message different.
    const std::string_view message = reason.substr(0, reason.find(" (after "));
    // In TLS 1.3, a broker refuses the client's certificate only after the handshake, so the report
    // may have another code.
    if (message.find("SSL alert") != message.npos) code = RD_KAFKA_RESP_ERR__SSL;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) note(code, message);
    const size_t name_bytes = message.find("/bootstrap: ");
    if ((!is_vague(code) && !is_refusal(code)) || name_bytes == message.npos) return;
    unreached_.emplace(message.substr(0, name_bytes));
    if (unreached_.size() >= brokers) hopeless_ = true;
}

bool KafkaFailure::is_late() const {
    return code_ == RD_KAFKA_RESP_ERR__TIMED_OUT || code_ == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
           // The previous transaction has not ended yet.
           code_ == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
}

Error KafkaFailure::error() const {
    return failed() ? kafka_error(code_, message_)
                    : fail(Code::sink_down, "librdkafka reports no cause").error();
}

}  // namespace rollcall
