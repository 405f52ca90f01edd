#include "daemon/net/eviction_queue.h"

#include <array>
#include <boost/test/unit_test.hpp>

namespace rollcall {

namespace {

struct QueueFixture {
    Connection& connection(size_t number) {
        return reinterpret_cast<Connection&>(places.at(number));
    }
    std::array<uint64_t, 3> places{};
    EvictionQueue queue;
};

// The queue never accesses a connection, so any address will do.
Connection& address(uintptr_t number) { return *reinterpret_cast<Connection*>((number + 1) * 64); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_eviction_queue, QueueFixture)

BOOST_AUTO_TEST_CASE(oldest_connection_may_be_evicted_after_two_seconds) {
    BOOST_TEST(queue.evictable(10'000) == nullptr);
    queue.add(connection(0), 1000);
    queue.add(connection(1), 1500);
    BOOST_TEST(queue.evictable(2999) == nullptr);
    BOOST_TEST(queue.evictable(3000) == &connection(0));
}

BOOST_AUTO_TEST_CASE(connection_that_was_removed_is_not_evicted) {
    queue.add(connection(0), 1000);
    queue.add(connection(1), 1500);
    queue.add(connection(0), 9000);  // No effect: the connection is in the queue.
    BOOST_TEST(queue.size() == 2u);
    queue.remove(connection(0));
    queue.remove(connection(2));
    BOOST_TEST(queue.size() == 1u);
    BOOST_TEST(queue.evictable(3499) == nullptr);
    BOOST_TEST(queue.evictable(3500) == &connection(1));
}

BOOST_AUTO_TEST_CASE(queue_that_is_never_empty_for_a_million_connections_keeps_its_capacity) {
    constexpr uintptr_t waiting = 1500;
    for (uintptr_t number = 0; number < waiting; ++number) queue.add(address(number), number);
    const size_t capacity = queue.capacity();
    for (uintptr_t number = waiting; number < 1'000'000; ++number) {
        queue.add(address(number), number);
        queue.remove(address(number - waiting));
    }
    BOOST_TEST(queue.size() == waiting);
    BOOST_TEST(queue.capacity() == capacity);
}

BOOST_AUTO_TEST_CASE(memory_of_a_burst_is_given_back_while_the_queue_is_not_empty) {
    for (uintptr_t number = 0; number < 100'000; ++number) queue.add(address(number), number);
    for (uintptr_t number = 100'000; number-- > 10;) queue.remove(address(number));
    BOOST_TEST(queue.size() == 10);
    BOOST_TEST(queue.capacity() < 1024);
    BOOST_TEST(queue.evictable(100'000) == &address(0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
