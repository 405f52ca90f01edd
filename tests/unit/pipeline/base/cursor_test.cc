#include "pipeline/base/cursor.h"

#include <boost/test/unit_test.hpp>

namespace rollcall {

BOOST_AUTO_TEST_SUITE(base_cursor)

BOOST_AUTO_TEST_CASE(reader_sees_the_number_that_the_writer_set) {
    Cursor cursor;
    BOOST_TEST(cursor.read() == 0);
    cursor.advance(7);
    BOOST_TEST(cursor.own() == 7);
    BOOST_TEST(cursor.read() == 7);
}

BOOST_AUTO_TEST_CASE(two_cursors_never_share_a_cache_line) {
    const Cursor pair[2];
    const auto distance =
        reinterpret_cast<uintptr_t>(&pair[1]) - reinterpret_cast<uintptr_t>(&pair[0]);
    BOOST_TEST(distance >= cache_line_bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
