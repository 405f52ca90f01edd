#include "daemon/refusals.h"

#include <boost/test/unit_test.hpp>
#include <regex>

#include "pipeline/log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/standard_error.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(refusals)

BOOST_AUTO_TEST_CASE(each_is_counted_and_one_of_a_reason_and_a_minute_is_logged) {
    LastSeen last_seen(1 << 16);
    ManualClock clock;
    Slab slab;
    Refusals refusals(last_seen, clock, slab);
    clock.wall = 1'790'000'040'000'000;  // A minute begins.
    const std::string said = standard_error_of([&] {
        for (int second = 0; second < 120; ++second) {
            refusals.count(Transport::http, Code::bad_credential, "192.0.2.1");
            refusals.count(Transport::http, Code::no_credential, "192.0.2.2");
            refusals.count(Transport::mqtt, Code::bad_credential, "192.0.2.3");
            clock.pass(std::chrono::seconds(1));
        }
    });
    const auto lines = [&](const char* pattern) {
        const std::regex line(pattern);
        return std::distance(std::sregex_iterator(said.begin(), said.end(), line), {});
    };
    BOOST_TEST(lines("over http, from 192.0.2.1 .*bad_credential") == 2, said);
    BOOST_TEST(lines("over http, from 192.0.2.2 .*no_credential") == 2, said);
    BOOST_TEST(lines("over mqtt, from 192.0.2.3 .*bad_credential") == 2, said);
    BOOST_TEST(slab.read(Metric::checkins_rejected_total,
                         label_of(Transport::http, Code::bad_credential)) == 120);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
