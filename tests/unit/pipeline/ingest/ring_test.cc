#include "pipeline/ingest/ring.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(ingest_ring)

BOOST_AUTO_TEST_CASE(full_ring_refuses_until_a_slot_is_durable) {
    Ring<int> ring(2, 0);
    for (const int row : {1, 2}) {
        *ring.claim() = row;
        ring.publish();
    }
    BOOST_TEST(ring.claim() == nullptr);

    ring.advance_durable(1);
    BOOST_TEST(ring.claim() != nullptr);
    BOOST_TEST(ring.at(1) == 2);  // The slot is not on disk yet, so it must be unchanged.
}

BOOST_AUTO_TEST_CASE(slots_are_reused_in_order_with_any_capacity) {
    Ring<uint64_t> ring(3, uint64_t{0});
    for (uint64_t position = 0; position < 20; ++position) {
        BOOST_TEST(ring.next() == position);
        *ring.claim() = position;
        ring.publish();
        BOOST_TEST(ring.published() == position + 1);
        BOOST_TEST(ring.at(position) == position);
        ring.advance_durable(position + 1);
    }
}

BOOST_AUTO_TEST_CASE(claim_returns_the_same_slot_until_it_is_published) {
    Ring<int> ring(2, 0);
    int* const slot = ring.claim();
    BOOST_TEST(ring.claim() == slot);
    ring.publish();
    BOOST_TEST(ring.claim() != slot);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
