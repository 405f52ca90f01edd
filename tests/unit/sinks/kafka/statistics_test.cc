#include "sinks/kafka/statistics.h"

#include <boost/test/unit_test.hpp>

using namespace rollcall;

namespace {

// A shortened text in the format of librdkafka 2.0.2.
constexpr std::string_view sample =
    R"({ "name": "rollcalld#producer-1", "client_id": "rollcalld", "type": "producer", "ts":5016483,)"
    R"( "time":1527060869, "replyq":0, "msg_cnt":22710, "msg_size":704010, "msg_max":500000,)"
    R"( "msg_size_max":1073741824, "brokers":{ "localhost:9092/2": { "name":"localhost:9092/2",)"
    R"( "nodeid":2, "state":"UP", "outbuf_cnt":0, "outbuf_msg_cnt":7, "tx":320, "txbytes":84283332,)"
    R"( "txerrs":1, "txretries":2, "rtt": { "min":1580, "max":3389, "avg":2349, "sum":79868,)"
    R"( "cnt":34 }, "throttle": { "min":0, "max":0, "avg":99999 } },)"
    R"( "localhost:9093/3": { "name":"localhost:9093/3", "state":"UP", "txerrs":10, "txretries":20,)"
    R"( "rtt": { "min":1, "avg":4000 } },)"
    R"( "localhost:9094/4": { "state":"TRY_CONNECT", "txerrs":0, "txretries":0,)"
    R"( "rtt": { "min":0, "avg":0 } } }, "topics":{ "test": { "topic":"test", "partitions":{)"
    R"( "0": { "msgq_cnt":1, "msgq_bytes":31, "xmit_msgq_cnt":2, "txmsgs":2150617,)"
    R"( "txbytes":66669127 } } } }, "tx":631, "tx_bytes":168584479, "rx":631, "rx_bytes":31084,)"
    R"( "txmsgs":4300753, "txmsg_bytes":133323343, "rxmsgs":0, "rxmsg_bytes":0 })";

std::string without_spaces(std::string_view text) {
    std::string all(text);
    std::erase(all, ' ');
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_statistics)

BOOST_AUTO_TEST_CASE(totals_are_not_mistaken_for_those_of_a_broker_or_a_partition) {
    const KafkaStatistics expected{.messages = 4300753,
                                   .sent_bytes = 168584479,
                                   .request_retries = 22,
                                   .request_errors = 11,
                                   .queue_messages = 22710,
                                   .queue_bytes = 704010,
                                   .brokers_up = 2,
                                   .round_trip_us = 4000};
    BOOST_TEST((read_kafka_statistics(sample) == expected));
    BOOST_TEST((read_kafka_statistics(without_spaces(sample)) == expected));
}

BOOST_AUTO_TEST_CASE(text_that_ends_early_is_read_as_far_as_it_goes) {
    for (size_t bytes = 0; bytes < sample.size(); ++bytes)
        BOOST_TEST(read_kafka_statistics(sample.substr(0, bytes)).messages <= 4300753);
}

BOOST_AUTO_TEST_SUITE_END()
