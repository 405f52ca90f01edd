// Kafka failure: what went wrong in one call into Kafka, and what the operator may do about it.
//
// librdkafka tells of one trouble in many words: a broker that refuses the password is also a
// broker that is down, messages that time out and a transaction that fails. The first that says
// what is the matter counts; the others follow from it.
//
// Threads: none; librdkafka's events are taken within the calls of here.
#pragma once

#include <librdkafka/rdkafka.h>

#include <set>
#include <string>
#include <string_view>

namespace rollcall {

class KafkaFailure {
public:
    // Returns whether there is no failure: `return failure.meet(code);`
    bool meet(rd_kafka_resp_err_t code);
    bool meet(rd_kafka_resp_err_t code, std::string_view words);
    // Takes the error, which may be nullptr.
    bool meet(rd_kafka_error_t* error);
    // What a client's error callback is told. brokers: how many the settings name.
    void meet_event(rd_kafka_t* handle, int code, std::string_view reason, size_t brokers);

    // What was met on the way to here is over.
    void forget() { *this = {}; }

    [[nodiscard]] bool met() const { return code_ != RD_KAFKA_RESP_ERR_NO_ERROR; }
    // Whether more is known than that some earlier call has failed.
    [[nodiscard]] bool has_cause() const { return met() && code_ != RD_KAFKA_RESP_ERR__STATE; }
    // Whether brokers took too long, which has many causes.
    [[nodiscard]] bool is_late() const;
    // Nothing is gained by waiting within this call: none of the brokers that the settings name is
    // reached, or lets us in.
    [[nodiscard]] bool hopeless() const { return hopeless_; }
    // What was met, and what to do about it.
    [[nodiscard]] std::string sentence() const;

private:
    rd_kafka_resp_err_t code_ = RD_KAFKA_RESP_ERR_NO_ERROR;
    std::string text_;
    bool hopeless_ = false;
    std::set<std::string, std::less<>> unreached_;  // Of the brokers that the settings name.
};

// Passes by itself: a leader is being chosen, or a broker is not reached yet.
[[nodiscard]] bool is_passing(rd_kafka_resp_err_t code);

}  // namespace rollcall
