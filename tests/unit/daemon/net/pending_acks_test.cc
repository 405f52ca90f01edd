#include "daemon/net/pending_acks.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/allocations.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(net_pending_acks)

BOOST_AUTO_TEST_CASE(acks_leave_in_the_order_they_came) {
    PendingAcks acks(3);
    BOOST_TEST(acks.empty());
    for (uint64_t slot : {3, 3, 4}) acks.push({slot, nullptr, slot * 10, 1, 0});
    BOOST_TEST(acks.full());
    for (uint64_t slot : {3, 3, 4}) {
        BOOST_TEST(acks.front().slot == slot);
        BOOST_TEST(acks.front().end == slot * 10);
        acks.pop();
    }
    BOOST_TEST(acks.empty());
}

BOOST_AUTO_TEST_CASE(queue_goes_on_after_it_was_empty_and_while_it_never_is) {
    PendingAcks acks(10'000);
    uint64_t popped = 0;
    for (uint64_t slot = 0; slot < 10'000; ++slot) {
        acks.push({slot, nullptr, 0, 1, 0});
        if (slot % 3 == 0) continue;
        BOOST_TEST_REQUIRE(acks.front().slot == popped);
        acks.pop();
        ++popped;
    }
    for (; !acks.empty(); acks.pop()) BOOST_TEST_REQUIRE(acks.front().slot == popped++);
    BOOST_TEST(popped == 10'000);
}

BOOST_AUTO_TEST_CASE(queue_that_is_never_empty_for_a_million_acks_keeps_its_capacity) {
    PendingAcks acks(8);
    uint64_t popped = 0;
    const size_t allocated = allocations();
    for (uint64_t slot = 0; slot < 1'000'000; ++slot) {
        acks.push({slot, nullptr, slot * 10, 1, 0});
        if (slot < 5) continue;  // From here on, 5 or 6 entries wait.
        BOOST_TEST_REQUIRE(acks.front().slot == popped);
        acks.pop();
        ++popped;
    }
    BOOST_TEST(acks.capacity() == 8);
    BOOST_TEST(allocations() == allocated);
    for (; !acks.empty(); acks.pop()) BOOST_TEST_REQUIRE(acks.front().slot == popped++);
    BOOST_TEST(popped == 1'000'000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
