#include "daemon/net/buffers.h"

#include <boost/test/unit_test.hpp>
#include <string>

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
    buffers.acquire(buffer);  // No effect: it has memory.
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

// Otherwise the memory of one large body would be kept for ever.
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

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
