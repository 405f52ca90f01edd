// KafkaFailure: collects what librdkafka reports while one call into Kafka lasts, and picks the
// cause.
//
// librdkafka reports one failure in many ways: a broker that refuses the password is also a broker
// that is down, messages that time out and a transaction that fails. The first report that is
// specific counts as the cause; the others follow from it.
//
// Errors:  sink_down; the explanation is the cause and what the operator can do about it.
// Threads: one. librdkafka's events are delivered within our calls of the library.
#pragma once

#include <librdkafka/rdkafka.h>

#include <set>
#include <string>
#include <string_view>

#include "pipeline/base/error.h"

namespace rollcall {

class KafkaFailure {
public:
    // Returns success if the code is RD_KAFKA_RESP_ERR_NO_ERROR or there is no error. Otherwise
    // notes the report and returns the cause of all reports so far.
    Result<void> check(rd_kafka_resp_err_t code);
    Result<void> check(rd_kafka_resp_err_t code, std::string_view message);
    // Takes ownership of the error, which may be nullptr.
    Result<void> check(rd_kafka_error_t* error);

    // Notes what a client's error callback reports. brokers: how many the settings name.
    void note_event(rd_kafka_t* handle, int code, std::string_view reason, size_t brokers);

    // Forgets all reports, because later failures do not follow from them.
    void clear() { *this = {}; }

    // Returns whether a report tells more than that an earlier call has failed.
    [[nodiscard]] bool has_cause() const { return failed() && code_ != RD_KAFKA_RESP_ERR__STATE; }
    // Returns whether brokers took too long, which has many causes.
    [[nodiscard]] bool is_late() const;
    // Returns whether this call cannot succeed: none of the brokers in the settings can be reached,
    // or each refuses the login.
    [[nodiscard]] bool is_hopeless() const { return hopeless_; }
    // Returns the cause. Call it after a failure.
    [[nodiscard]] Error error() const;

private:
    [[nodiscard]] bool failed() const { return code_ != RD_KAFKA_RESP_ERR_NO_ERROR; }
    void note(rd_kafka_resp_err_t code, std::string_view message);

    rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string message_;
    bool hopeless_ = false;
    std::set<std::string, std::less<>> unreached_;  // Brokers out of those that the settings name.
};

// Returns an error with this message and the advice for the code.
[[nodiscard]] Error kafka_error(rd_kafka_resp_err_t code, std::string_view message);

// Returns whether the error passes by itself: a leader is being elected, or a broker is not reached
// yet.
[[nodiscard]] bool is_passing(rd_kafka_resp_err_t code);

}  // namespace rollcall
