#include "daemon/net/refusals.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_refusals)

BOOST_AUTO_TEST_CASE(each_reason_has_one_line_a_minute_that_says_how_many_there_were) {
    constexpr int64_t second_us = 1'000'000;
    RefusalLog log;
    const auto note = [&](Code code, std::string_view peer, int64_t second) {
        return log.note(Transport::http, code, peer, second * second_us);
    };
    BOOST_TEST(
        note(Code::bad_header, "192.0.2.1", 0) ==
        "refused over http: code=bad_header count=1 example_address=192.0.2.1: A header line is "
        "malformed.");
    BOOST_TEST(note(Code::bad_header, "192.0.2.1", 1) == "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.2", 59) == "");
    // Another reason, and the same one of another protocol, have lines of their own.
    BOOST_TEST(note(Code::bad_host, "192.0.2.1", 59) != "");
    BOOST_TEST(log.note(Transport::mqtt, Code::bad_header, "192.0.2.1", 59 * second_us) != "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 60) ==
               "refused over http: code=bad_header count=3 example_address=192.0.2.3: "
               "A header line is malformed.");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 119) == "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 1000) ==
               "refused over http: code=bad_header count=2 example_address=192.0.2.3: "
               "A header line is malformed.");
}

BOOST_AUTO_TEST_CASE(refusal_is_counted_by_its_reason) {
    MetricShard shard;
    const Clock clock;
    Refusals refusals(clock, shard);
    for (int times = 0; times < 3; ++times)
        refusals.count(Transport::mqtt, Code::unknown_topic, "192.0.2.1");
    BOOST_TEST(shard.read(Metric::checkins_rejected_total,
                          label_of(Transport::mqtt, Code::unknown_topic)) == 3);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
