// The ring, a queue of slots between two threads, for ThreadSanitizer. A slot that is read before
// it was published, or filled again before it was returned, is a data race.
//
// tests/stress/weakened_orders.cmake builds this program once for each memory order, with that
// order weakened, and requires that each of these programs fails.

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <thread>

#include "pipeline/ingest/ring.h"

namespace rollcall {

namespace {

struct Slot {
    uint64_t first = 0;
    uint64_t second = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(ring_stress)

BOOST_AUTO_TEST_CASE(every_slot_arrives_once_and_whole) {
    constexpr uint64_t slots = 200'000;
    Ring<Slot> ring(4, Slot{});

    std::thread worker([&] {
        for (uint64_t number = 0; number < slots;) {
            Slot* const slot = ring.claim();
            if (slot == nullptr) {
                std::this_thread::yield();
                continue;
            }
            slot->first = number;
            slot->second = ~number;
            ring.publish();
            ++number;
        }
    });

    uint64_t wrong = 0;
    for (uint64_t taken = 0; taken < slots;) {
        const uint64_t published = ring.published();
        if (taken == published) std::this_thread::yield();
        for (; taken < published; ++taken) {
            const Slot& slot = ring.at(taken);
            wrong += slot.first != taken || slot.second != ~taken;
        }
        ring.advance_durable(taken);
    }
    worker.join();
    BOOST_TEST(wrong == 0);
    BOOST_TEST(ring.durable() == slots);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
