#include "pipeline/spool_format.h"

#include <boost/test/unit_test.hpp>

#include "pipeline/columns.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(spool_format)

BOOST_AUTO_TEST_CASE(segment_head_says_what_was_put_into_it) {
    SpoolId spool{};
    spool[3] = std::byte{0x7f};
    const auto head = decode_segment_head(encode_segment_head(spool, 4711));
    BOOST_REQUIRE(head.has_value());
    BOOST_TEST((head->spool == spool));
    BOOST_TEST(head->first_record == 4711);
    BOOST_REQUIRE(head->columns_at.size() == columns_count);
    for (size_t column = 0; column < columns_count; ++column)
        BOOST_TEST(head->columns_at[column] == column);
}

BOOST_AUTO_TEST_CASE(segment_head_with_any_bit_turned_is_refused) {
    const SegmentHeadBytes sound = encode_segment_head({}, 1);
    for (size_t byte = 0; byte < sound.size(); byte += 7) {
        SegmentHeadBytes damaged = sound;
        damaged[byte] ^= std::byte{0x10};
        BOOST_TEST_REQUIRE(!decode_segment_head(damaged).has_value());
    }
    BOOST_TEST(!decode_segment_head(std::span(sound).first(100)).has_value());
}

BOOST_AUTO_TEST_CASE(segment_names_sort_by_number_and_are_read_back) {
    BOOST_TEST(segment_name(4711) == "00000000000000004711.segment");
    BOOST_TEST(segment_name(9) < segment_name(10));
    BOOST_TEST(segment_first_record(segment_name(UINT64_MAX)).value() == UINT64_MAX);
    for (const char* other : {"spare", "lock", "", "12.segmen", "x1.segment", "1.segment.old"})
        BOOST_TEST(!segment_first_record(other).has_value());
}

BOOST_AUTO_TEST_CASE(spool_id_is_written_as_a_uuid) {
    SpoolId id;
    for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(i);
    BOOST_TEST(to_text(id) == "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

BOOST_AUTO_TEST_CASE(record_takes_a_multiple_of_eight_bytes) {
    BOOST_TEST(record_bytes(0) == 32);
    BOOST_TEST(record_bytes(1) == 40);
    BOOST_TEST(record_bytes(8) == 40);
    BOOST_TEST(record_bytes(9) == 48);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
