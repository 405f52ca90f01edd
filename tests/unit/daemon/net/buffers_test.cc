#include "daemon/net/buffers.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "tests/support/allocations.h"

namespace rollcall {

namespace {

struct BuffersFixture {
    BufferPool buffers;
    Buffer buffer;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_buffers, BuffersFixture)

BOOST_AUTO_TEST_CASE(buffer_that_was_never_written_is_empty) {
    BOOST_TEST(sizeof(Buffer) == sizeof(void*));
    BOOST_TEST(buffer.empty());
    BOOST_TEST(buffer.size() == 0u);
    BOOST_TEST(buffer.view().empty());
    buffer.drop_front(0);
    buffer.reserve_padding(16);
    buffer.clear();
    buffers.release(buffer);
    BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(buffer_keeps_what_was_appended_without_what_was_dropped) {
    buffers.acquire(buffer);
    BOOST_TEST(buffer.empty());
    buffer.append("one");
    buffers.acquire(buffer);  // No effect, because `buffer` has memory.
    buffer.append("two");
    buffer.drop_front(2);
    BOOST_TEST(buffer.view() == "etwo");
    buffer.clear();
    BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(memory_that_was_given_back_is_lent_again_and_empty) {
    buffers.acquire(buffer);
    buffer.append("secret");
    const char* const memory = buffer.view().data();
    buffers.release(buffer);
    Buffer next;
    buffers.acquire(next);
    BOOST_TEST(next.empty());
    next.append("other");
    BOOST_TEST(static_cast<const void*>(next.view().data()) == memory);
}

// The memory of one large body must not be kept for ever.
BOOST_AUTO_TEST_CASE(memory_that_has_grown_large_is_not_kept) {
    const auto allocations_of_next = [this](size_t bytes) {
        buffers.acquire(buffer);
        buffer.append(std::string(bytes, 'x'));
        buffers.release(buffer);
        BOOST_TEST(buffer.empty());
        const size_t before = allocations();
        buffers.acquire(buffer);
        return allocations() - before;
    };
    BOOST_TEST(allocations_of_next(1000) == 0u);
    BOOST_TEST(allocations_of_next(100'000) > 0u);
}

BOOST_AUTO_TEST_CASE(buffer_that_is_never_empty_for_a_million_operations_keeps_its_capacity) {
    const std::string packet(100, 'x');
    for (int number = 0; number < 1'000'000; ++number) {
        buffer.append(packet);
        if (number >= 5) buffer.drop_front(packet.size());
        BOOST_TEST_REQUIRE(!buffer.empty());
    }
    BOOST_TEST(buffer.size() == 5 * packet.size());
    BOOST_TEST(buffer.capacity() <= 4 * 5 * packet.size());
}

// If dropping a byte moved the remaining bytes each time, this would move 5 GB.
BOOST_AUTO_TEST_CASE(dropping_byte_by_byte_costs_no_more_for_a_large_buffer) {
    buffer.append(std::string(100'000, 'x'));
    for (size_t left = 100'000; left > 0; --left) {
        BOOST_TEST_REQUIRE(buffer.size() == left);
        buffer.drop_front(1);
    }
    BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(memory_of_a_burst_is_freed_and_that_of_a_steady_load_is_not) {
    std::vector<Buffer> burst(2000);
    for (Buffer& one : burst) buffers.acquire(one);
    for (Buffer& one : burst) buffers.release(one);
    BOOST_TEST(buffers.idle() == 2000);
    constexpr size_t steady = 200;
    size_t allocated = 0;
    for (int second = 0; second < 30; ++second) {
        if (second == 20) allocated = allocations();
        for (size_t number = 0; number < steady; ++number) buffers.acquire(burst[number]);
        for (size_t number = 0; number < steady; ++number) buffers.release(burst[number]);
        buffers.trim();
    }
    BOOST_TEST(buffers.idle() == steady);
    BOOST_TEST(allocations() == allocated);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
