#include "sinks/kafka/failure.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

BOOST_AUTO_TEST_SUITE(kafka_failure)

BOOST_AUTO_TEST_CASE(success_is_no_failure) {
    KafkaFailure failure;
    BOOST_TEST(failure.check(RD_KAFKA_RESP_ERR_NO_ERROR).has_value());
    BOOST_TEST(failure.check(static_cast<rd_kafka_error_t*>(nullptr)).has_value());
    BOOST_TEST(!failure.has_cause());
}

BOOST_AUTO_TEST_CASE(first_that_says_what_is_the_matter_counts) {
    KafkaFailure failure;
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__TRANSPORT, "connection lost").has_value());
    BOOST_TEST(describe(failure.error()) ==
               "connection lost; is a broker listening at kafka.brokers?");
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__SSL, "bad certificate").has_value());
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "too late").has_value());
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "all down").has_value());
    BOOST_TEST(describe(failure.error()) ==
               "bad certificate; check kafka.tls, kafka.tls_ca, kafka.tls_certificate");
    failure.clear();
    BOOST_TEST(!failure.has_cause());
}

BOOST_AUTO_TEST_CASE(call_that_came_too_late_tells_no_cause) {
    KafkaFailure failure;
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__STATE).has_value());
    BOOST_TEST(!failure.has_cause());
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR__TIMED_OUT, "too late").has_value());
    BOOST_TEST(failure.has_cause());
    BOOST_TEST(describe(failure.error()).starts_with("too late; "));
}

BOOST_AUTO_TEST_CASE(what_nobody_has_advice_for_is_said_as_it_is) {
    KafkaFailure failure;
    BOOST_TEST(!failure.check(RD_KAFKA_RESP_ERR_INVALID_MSG, "bits have fallen").has_value());
    BOOST_TEST(describe(failure.error()) == "bits have fallen");
}

BOOST_AUTO_TEST_CASE(certificate_of_ours_that_is_refused_after_the_handshake_is_told_from_a_cut) {
    KafkaFailure failure;
    failure.note_event(nullptr, RD_KAFKA_RESP_ERR__TRANSPORT,
                       "ssl://a:1/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 "
                       "alert bad certificate: SSL alert number 42",
                       1);
    BOOST_TEST(describe(failure.error())
                   .ends_with("; check kafka.tls, kafka.tls_ca, "
                              "kafka.tls_certificate"));
}

BOOST_AUTO_TEST_CASE(brokers_are_hopeless_when_none_is_reached_or_lets_us_in) {
    KafkaFailure slow;
    (void)slow.check(RD_KAFKA_RESP_ERR__TIMED_OUT);
    BOOST_TEST(!slow.is_hopeless());
    BOOST_TEST(slow.is_late());

    KafkaFailure refused;
    for (const char* reason : {"ssl://a:1/bootstrap: SSL handshake failed", "b:1/7: Disconnected"})
        refused.note_event(nullptr, RD_KAFKA_RESP_ERR__SSL, reason, 2);
    BOOST_TEST(!refused.is_hopeless());  // The other broker may still respond.
    refused.note_event(nullptr, RD_KAFKA_RESP_ERR__AUTHENTICATION,
                       "ssl://b:1/bootstrap: SASL authentication error", 2);
    BOOST_TEST(refused.is_hopeless());

    KafkaFailure failure;
    for (const char* reason :
         {"a:1/bootstrap: Connect failed (after 3ms in state CONNECT)",
          "a:1/bootstrap: Connect failed (after 8ms in state CONNECT)", "b:1/7: Disconnected"})
        failure.note_event(nullptr, RD_KAFKA_RESP_ERR__TRANSPORT, reason, 2);
    BOOST_TEST(!failure.is_hopeless());
    failure.note_event(nullptr, RD_KAFKA_RESP_ERR__TRANSPORT, "b:1/bootstrap: Connect failed", 2);
    BOOST_TEST(failure.is_hopeless());
    // The part of the message that would differ each time is removed.
    BOOST_TEST(describe(failure.error()) ==
               "a:1/bootstrap: Connect failed; is a broker listening at kafka.brokers?");
}

BOOST_AUTO_TEST_SUITE_END()
