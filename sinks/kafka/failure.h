// KafkaFailure: collects the reports of librdkafka during one call into Kafka, and determines the
// cause.
//
// librdkafka reports one failure several times. If a broker refuses the password, the library also
// reports a broker that is down, messages that time out and a transaction that fails. The first
// report that is specific counts as the cause; the other reports are consequences.
//
// Errors:  sink_down; the explanation is the cause and what the operator can do about it.
// Threads: one. librdkafka delivers its events only within calls of the library.
#pragma once

#include <librdkafka/rdkafka.h>

#include <set>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

class KafkaFailure {
public:
    // If there is no error (RD_KAFKA_RESP_ERR_NO_ERROR or nullptr), returns success. Otherwise
    // notes the report and returns the cause according to all reports so far.
    Result<void> check(rd_kafka_resp_err_t code);
    Result<void> check(rd_kafka_resp_err_t code, std::string_view message);
    // Takes ownership of the error, which may be nullptr.
    Result<void> check(rd_kafka_error_t* error);

    // Notes a report from a client's error callback. brokers: the number of brokers in the
    // settings.
    void note_event(rd_kafka_t* handle, int code, std::string_view reason, size_t brokers);

    // Forgets all reports. Call it when later failures can no longer be consequences of these
    // reports.
    void clear() { *this = {}; }

    // Returns true if a report tells the cause of the failure. The code RD_KAFKA_RESP_ERR__STATE
    // only tells that an earlier call has failed.
    [[nodiscard]] bool has_cause() const { return failed() && code_ != RD_KAFKA_RESP_ERR__STATE; }
    // Returns true if the error says only that brokers took too long, so that the cause is not
    // known yet.
    [[nodiscard]] bool is_late() const;
    // Returns true if the call into Kafka cannot succeed, because every broker in the settings
    // is unreachable or refuses the login.
    [[nodiscard]] bool is_hopeless() const { return hopeless_; }
    // Returns the cause. Call it after a failure.
    [[nodiscard]] Error error() const;

private:
    [[nodiscard]] bool failed() const { return code_ != RD_KAFKA_RESP_ERR_NO_ERROR; }
    void note(rd_kafka_resp_err_t code, std::string_view message);

    rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string message_;
    bool hopeless_ = false;
    std::set<std::string, std::less<>> unreached_;  // Brokers that could not be reached.
};

// Returns an error with this message and with advice for the code.
[[nodiscard]] Error kafka_error(rd_kafka_resp_err_t code, std::string_view message);

// Returns true if the error is temporary: a leader is being elected, or a broker is not connected
// yet.
[[nodiscard]] bool is_passing(rd_kafka_resp_err_t code);

}  // namespace rollcall
