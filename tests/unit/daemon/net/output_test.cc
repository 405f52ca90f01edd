#include "daemon/net/output.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

namespace {

struct OutputFixture {
    BufferPool pool;
    Output output;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_output, OutputFixture)

BOOST_AUTO_TEST_CASE(bytes_are_taken_once_and_in_order) {
    output.append("one", pool);
    output.append("two", pool);
    BOOST_TEST(output.take() == "onetwo");
    BOOST_TEST(output.take() == "");
    output.append("three", pool);
    BOOST_TEST(output.take() == "three");
    BOOST_TEST(output.end() == 11u);
}

BOOST_AUTO_TEST_CASE(waiting_reply_holds_back_what_follows_until_it_is_released) {
    output.append("a", pool);
    output.append_waiting("b", pool);
    const uint64_t first_end = output.end();
    output.append("c", pool);
    output.append_waiting("d", pool);
    const uint64_t second_end = output.end();
    output.append("e", pool);
    BOOST_TEST(output.waiting() == 2u);
    BOOST_TEST(output.take() == "a");
    output.release(first_end);
    BOOST_TEST(output.sendable_end() == 2u);
    BOOST_TEST(output.take() == "b");
    output.release(second_end);
    BOOST_TEST(output.waiting() == 0u);
    BOOST_TEST(output.take() == "cde");
}

BOOST_AUTO_TEST_CASE(positions_count_all_bytes_though_those_that_were_taken_are_dropped) {
    output.append("one", pool);
    output.append_waiting("two", pool);
    BOOST_TEST(output.take() == "one");
    output.drop_taken();
    BOOST_TEST(output.size() == 3u);
    BOOST_TEST(output.end() == 6u);
    output.release(output.end());
    BOOST_TEST(output.take() == "two");
    output.free_if_taken(pool);
    BOOST_TEST(output.empty());
    BOOST_TEST(output.end() == 6u);
}

BOOST_AUTO_TEST_CASE(output_in_which_a_reply_always_waits_stays_small_for_a_million_replies) {
    output.append_waiting("reply", pool);
    for (int reply = 0; reply < 1'000'000; ++reply) {
        const uint64_t first_end = output.end();
        output.append_waiting("reply", pool);
        output.release(first_end);
        BOOST_TEST_REQUIRE(output.take() == "reply");
        output.drop_taken();
        output.free_if_taken(pool);
        BOOST_TEST_REQUIRE(output.size() == 5u);
    }
}

BOOST_AUTO_TEST_CASE(buffer_is_kept_while_some_of_it_waits) {
    output.append_waiting("one", pool);
    (void)output.take();
    output.free_if_taken(pool);
    BOOST_TEST(output.size() == 3u);
    output.clear(pool);
    BOOST_TEST(output.empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
