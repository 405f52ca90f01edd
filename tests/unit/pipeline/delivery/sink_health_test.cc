#include "pipeline/delivery/sink_health.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/manual_clock.h"
#include "tests/support/standard_error.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

struct SinkHealthFixture {
    [[nodiscard]] bool is_up() const {
        return health.shard().read(Metric::sink_up, label_of(SinkName::kafka)) == 1;
    }
    // Lets some seconds pass, and measures after each of them, as the main thread does.
    void pass(int seconds) {
        for (int second = 0; second < seconds; ++second) {
            clock.pass(1s);
            health.measure(heartbeat);
        }
    }
    [[nodiscard]] SinkState state() const { return health.status().state; }

    ManualClock clock;
    Heartbeat heartbeat;
    SinkHealth health{SinkName::kafka, clock};
    const Error gone = fail(Code::sink_down, "the broker is gone").error();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(delivery_sink_health, SinkHealthFixture)

BOOST_AUTO_TEST_CASE(sink_is_not_up_before_it_is_open) {
    BOOST_TEST((state() == SinkState::opening));
    BOOST_TEST(!is_up());
    health.set_up();
    BOOST_TEST((state() == SinkState::up));
    BOOST_TEST(is_up());
    BOOST_TEST(health.messages().empty());
}

BOOST_AUTO_TEST_CASE(sink_that_is_down_tells_the_cause_and_since_when) {
    health.set_up();
    health.set_down(gone);
    pass(7);
    health.set_down(gone);
    const SinkStatus status = health.status();
    BOOST_TEST((status.state == SinkState::down));
    BOOST_TEST(status.since.count() == 7);
    BOOST_TEST(status.cause == "the broker is gone");
    BOOST_TEST(status.failed_attempts == 2);
    BOOST_TEST(!is_up());
    const std::vector<std::string> expected = {"sink kafka: down for 7 s: the broker is gone"};
    BOOST_TEST(health.messages() == expected, boost::test_tools::per_element());
    health.set_up();
    BOOST_TEST(health.status().cause.empty());
    BOOST_TEST(health.status().failed_attempts == 0);
}

BOOST_AUTO_TEST_CASE(call_that_takes_five_seconds_is_a_sink_that_is_not_up) {
    health.set_up();
    heartbeat.begin_step();
    pass(5);
    BOOST_TEST(is_up());
    pass(1);
    BOOST_TEST(!is_up());
    BOOST_TEST((state() == SinkState::silent));
    BOOST_TEST(health.messages().front().starts_with("sink kafka: no response for 5 s"));
    heartbeat.end_step();
    pass(1);
    BOOST_TEST(is_up());
}

BOOST_AUTO_TEST_CASE(sink_that_was_silent_before_it_was_open_is_not_up_afterwards) {
    heartbeat.begin_step();
    pass(10);
    BOOST_TEST((state() == SinkState::silent));
    heartbeat.end_step();
    pass(1);
    BOOST_TEST((state() == SinkState::opening));
}

BOOST_AUTO_TEST_CASE(failed_call_that_took_long_is_a_sink_that_is_down) {
    health.set_up();
    heartbeat.begin_step();
    pass(10);
    health.set_down(gone);
    heartbeat.end_step();
    pass(10);
    BOOST_TEST((state() == SinkState::down));
}

BOOST_AUTO_TEST_CASE(outage_is_logged_when_it_begins_changes_lasts_and_ends) {
    const auto log_of = [](auto function) { return standard_error_of(function); };
    health.set_up();
    std::string log = log_of([&] { health.set_down(gone); });
    BOOST_TEST(
        holds(log, "sink kafka: down, retrying; check-ins stay in the spool. Cause: the broker"));
    BOOST_TEST(log_of([&] { health.set_down(gone); }) == "");
    const Error refused = fail(Code::sink_down, "the broker refuses the password").error();
    BOOST_TEST(holds(log_of([&] { health.set_down(refused); }), "refuses the password"));
    BOOST_TEST(log_of([&] { pass(599); }) == "");
    log = log_of([&] { pass(1); });
    BOOST_TEST(holds(log, "still down: for_seconds=600 failed_attempts=3; the broker refuses"),
               log);
    BOOST_TEST(log_of([&] { pass(599); }) == "");
    BOOST_TEST(holds(log_of([&] { pass(1); }), "still down: for_seconds=1200"));
    BOOST_TEST(holds(log_of([&] { health.set_up(); }), "sink kafka: up again: after_seconds=1200"));
    BOOST_TEST(log_of([&] { pass(1200); }) == "");
}

BOOST_AUTO_TEST_CASE(dead_letters_are_a_message_while_they_are_kept) {
    health.set_up();
    health.set_dead_letters(12);
    BOOST_TEST(health.status().dead_letters == 12);
    BOOST_TEST(is_up());
    BOOST_TEST_REQUIRE(health.messages().size() == 1);
    BOOST_TEST(health.messages()[0].starts_with("sink kafka: refused 12 rows, which are kept"));
    health.set_dead_letters(0);
    BOOST_TEST(health.messages().empty());
}

BOOST_AUTO_TEST_SUITE_END()
