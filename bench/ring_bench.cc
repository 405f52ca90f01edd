// Ring: the cost of passing slots from a worker to the committer and back, with two threads.

#include <thread>

#include "bench/bench.h"
#include "pipeline/ingest/ring.h"

using namespace rollcall;

namespace {

// Passes slots between two threads. A thread that has nothing to do yields its core. With fewer
// cores than threads, a thread that polled without yielding would occupy the core that the other
// thread needs.
uint64_t hand_over(size_t slots) {
    Ring<uint64_t> ring(8, uint64_t{0});
    std::thread worker([&] {
        for (uint64_t number = 0; number < slots;) {
            uint64_t* const slot = ring.claim();
            if (slot == nullptr) {
                std::this_thread::yield();
                continue;
            }
            *slot = number++;
            ring.publish();
        }
    });
    uint64_t sum = 0;
    for (uint64_t taken = 0; taken < slots;) {
        const uint64_t published = ring.published();
        if (taken == published) std::this_thread::yield();
        for (; taken < published; ++taken) sum += ring.at(taken);
        ring.advance_durable(taken);
    }
    worker.join();
    return sum;
}

// Makes the same calls in one thread, to measure only the cost of the instructions.
uint64_t both_sides_at_once(size_t slots) {
    Ring<uint64_t> ring(8, uint64_t{0});
    uint64_t sum = 0;
    for (uint64_t number = 0; number < slots; ++number) {
        *ring.claim() = number;
        ring.publish();
        sum += ring.at(ring.published() - 1);
        ring.advance_durable(number + 1);
    }
    return sum;
}

}  // namespace

int main() {
    bench("ring, two threads, a slot", 5'000'000, hand_over);
    bench("ring, one thread, a slot", 50'000'000, both_sides_at_once);
}
