#include "daemon/net/refusals.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/standard_error.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_refusals)

BOOST_AUTO_TEST_CASE(each_reason_has_one_line_a_minute_that_says_how_many_there_were) {
    constexpr int64_t second_us = 1'000'000;
    RefusalLog log;
    const auto line_of = [](const std::optional<LogEvent>& event) {
        const std::string line = event ? format_log_line(LogLevel::info, *event) : "";
        return line.substr(std::min(line.find("refused"), line.size()));
    };
    const auto note = [&](Code code, std::string_view peer, int64_t second) {
        return line_of(log.note({.transport = Transport::http, .code = code, .address = peer},
                                second * second_us));
    };
    BOOST_TEST(
        note(Code::bad_header, "192.0.2.1", 0) ==
        "refused over http: code=bad_header count=1 example_address=192.0.2.1; A header line is "
        "malformed.\n");
    BOOST_TEST(note(Code::bad_header, "192.0.2.1", 1) == "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.2", 59) == "");
    // Each pair of reason and protocol has log lines of its own.
    BOOST_TEST(note(Code::bad_host, "192.0.2.1", 59) != "");
    BOOST_TEST(line_of(log.note({.transport = Transport::mqtt, .code = Code::bad_header},
                                59 * second_us)) != "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 60) ==
               "refused over http: code=bad_header count=3 example_address=192.0.2.3; "
               "A header line is malformed.\n");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 119) == "");
    BOOST_TEST(note(Code::bad_header, "192.0.2.3", 1000) ==
               "refused over http: code=bad_header count=2 example_address=192.0.2.3; "
               "A header line is malformed.\n");
}

BOOST_AUTO_TEST_CASE(line_names_the_last_refusal_as_an_example_and_at_debug_each_one) {
    RefusedMessage refused{.transport = Transport::mqtt,
                           .code = Code::over_site_quota,
                           .address = "192.0.2.1",
                           .target = "t/1",
                           .site = "HX1",
                           .client = "a b"};
    RefusalLog log;
    const auto example = log.note(refused, 0);
    BOOST_TEST_REQUIRE(example.has_value());
    const std::string line = format_log_line(LogLevel::info, *example);
    BOOST_TEST(line.find("refused over mqtt: code=over_site_quota count=1 "
                         "example_address=192.0.2.1 example_target=t/1 example_site=HX1 "
                         "example_client=\"a b\"; ") != std::string::npos,
               line);

    MetricShard shard;
    const Clock clock;
    Refusals refusals(clock, shard);
    const auto lines_at = [&](const char* log_level) {
        set_log_level(log_level);
        const std::string lines = standard_error_of([&] { refusals.count(refused); });
        set_log_level("info");
        return lines;
    };
    const std::string each =
        "refused over mqtt: code=over_site_quota address=192.0.2.1 target=t/1 site=HX1 "
        "client=\"a b\"\n";
    BOOST_TEST(lines_at("warning") == "");
    BOOST_TEST(lines_at("info").find(each) == std::string::npos);
    for (int times = 0; times < 2; ++times)
        BOOST_TEST(lines_at("debug").find(each) != std::string::npos);
    const std::string long_topic(1000, 'x');
    refused.target = long_topic;
    BOOST_TEST(lines_at("debug").size() < 500);
}

BOOST_AUTO_TEST_CASE(refusal_is_counted_by_its_reason) {
    MetricShard shard;
    const Clock clock;
    Refusals refusals(clock, shard);
    for (int times = 0; times < 3; ++times)
        refusals.count({.transport = Transport::mqtt, .code = Code::unknown_topic});
    BOOST_TEST(shard.read(Metric::checkins_rejected_total,
                          label_of(Transport::mqtt, Code::unknown_topic)) == 3);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
