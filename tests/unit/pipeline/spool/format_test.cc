#include "pipeline/spool/format.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "pipeline/columns/columns.h"

namespace rollcall {

BOOST_AUTO_TEST_SUITE(spool_format)

BOOST_AUTO_TEST_CASE(segment_head_says_what_was_put_into_it) {
    SpoolId spool{};
    spool[3] = std::byte{0x7f};
    const auto head = decode_segment_head(encode_segment_head(spool, 4711, {spool, {}}));
    BOOST_REQUIRE(head.has_value());
    BOOST_TEST((head->spool == spool));
    BOOST_TEST(head->first_record == 4711);
    BOOST_REQUIRE(head->columns_at.size() == spool_columns_count);
    for (size_t column = 0; column < spool_columns_count; ++column)
        BOOST_TEST(head->columns_at[column] == column);
}

BOOST_AUTO_TEST_CASE(segment_head_with_any_bit_turned_is_read_from_its_copy) {
    const SegmentHeadBytes sound = encode_segment_head({}, 1, {});
    for (size_t byte = 0; byte < sound.size(); ++byte)
        for (const int bit : {0x01, 0x02, 0x10}) {
            SegmentHeadBytes damaged = sound;
            damaged[byte] ^= static_cast<std::byte>(bit);
            const auto head = decode_segment_head(damaged);
            BOOST_TEST_REQUIRE(head.has_value());
            BOOST_TEST_REQUIRE(head->first_record == 1);
        }
}

BOOST_AUTO_TEST_CASE(segment_head_whose_copies_are_both_damaged_is_refused) {
    const SegmentHeadBytes sound = encode_segment_head({}, 1, {});
    for (size_t byte = 0; byte < sound.size() / 2; byte += 7) {
        SegmentHeadBytes damaged = sound;
        damaged[byte] ^= std::byte{0x10};
        damaged[sound.size() / 2 + 3] ^= std::byte{0x10};
        BOOST_TEST_REQUIRE((decode_segment_head(damaged).error().code == Code::spool_damaged));
    }
    BOOST_TEST(!decode_segment_head(std::span(sound).first(100)).has_value());
}

BOOST_AUTO_TEST_CASE(segment_of_a_later_version_is_told_from_a_damaged_one) {
    SegmentHeadBytes later = encode_segment_head({}, 1, {});
    for (const size_t copy : {size_t{0}, later.size() / 2}) later[copy + 8] = std::byte{4};
    BOOST_TEST((decode_segment_head(later).error().code == Code::spool_too_new));
}

BOOST_AUTO_TEST_CASE(segment_of_an_earlier_format_was_never_released_and_counts_as_damaged) {
    SegmentHeadBytes earlier = encode_segment_head({}, 1, {});
    for (const size_t copy : {size_t{0}, earlier.size() / 2}) earlier[copy + 8] = std::byte{1};
    BOOST_TEST((decode_segment_head(earlier).error().code == Code::spool_damaged));
}

BOOST_AUTO_TEST_CASE(record_head_says_what_was_put_into_it_unless_a_bit_is_turned) {
    SpoolId spool{};
    spool[3] = std::byte{0x7f};
    const auto bytes =
        encode_record_head({4711, 4700, 1'790'000'000'000'000, 1000, 7, 0x12345678}, spool);
    const auto head = decode_record_head(bytes, spool);
    BOOST_TEST_REQUIRE(head.has_value());
    BOOST_TEST(head->number == 4711);
    BOOST_TEST(head->synced == 4700);
    BOOST_TEST(head->written_us == 1'790'000'000'000'000);
    BOOST_TEST(head->payload_bytes == 1000);
    BOOST_TEST(head->rows == 7);
    BOOST_TEST(head->payload_checksum == 0x12345678);
    for (size_t byte = 0; byte < bytes.size(); ++byte) {
        auto damaged = bytes;
        damaged[byte] ^= std::byte{0x10};
        BOOST_TEST_REQUIRE(!decode_record_head(damaged, spool).has_value());
    }
}

BOOST_AUTO_TEST_CASE(record_of_another_spool_is_none_of_this_one) {
    SpoolId other{};
    other[0] = std::byte{1};
    const auto bytes = encode_record_head({1, 1, 0, 0, 0, 0}, other);
    BOOST_TEST(!decode_record_head(bytes, {}).has_value());
}

BOOST_AUTO_TEST_CASE(
    checkpoint_is_read_from_the_later_slot_and_with_any_bit_turned_from_the_other) {
    std::array<std::byte, 2 * checkpoint_slot_bytes> bytes{};
    BOOST_TEST(!decode_checkpoint(bytes).has_value());
    std::ranges::copy(encode_checkpoint({{}, 3, 10}), bytes.begin());
    std::ranges::copy(encode_checkpoint({{}, 4, 11}), bytes.begin() + checkpoint_slot_bytes);
    BOOST_TEST(decode_checkpoint(bytes)->begin == 4);
    BOOST_TEST(decode_checkpoint(bytes)->end == 11);
    for (size_t byte = 0; byte < bytes.size(); ++byte) {
        auto damaged = bytes;
        damaged[byte] ^= std::byte{0x10};
        const auto checkpoint = decode_checkpoint(damaged);
        BOOST_TEST_REQUIRE(checkpoint.has_value());
        BOOST_TEST_REQUIRE(checkpoint->end == (byte < checkpoint_slot_bytes ? 11 : 10));
    }
}

BOOST_AUTO_TEST_CASE(segment_names_sort_by_number_and_are_read_back) {
    BOOST_TEST(segment_name(4711) == "00000000000000004711.segment");
    BOOST_TEST(segment_name(9) < segment_name(10));
    BOOST_TEST(segment_first_record(segment_name(UINT64_MAX)).value() == UINT64_MAX);
    for (const char* other : {"recycled", "lock", "", "12.segmen", "x1.segment", "1.segment.old"})
        BOOST_TEST(!segment_first_record(other).has_value());
}

BOOST_AUTO_TEST_CASE(spool_id_is_written_as_a_uuid) {
    SpoolId id;
    for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<std::byte>(i);
    BOOST_TEST(to_text(id) == "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

BOOST_AUTO_TEST_CASE(record_takes_a_multiple_of_eight_bytes) {
    BOOST_TEST(record_bytes(0) == 48);
    BOOST_TEST(record_bytes(1) == 56);
    BOOST_TEST(record_bytes(8) == 56);
    BOOST_TEST(record_bytes(9) == 64);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
