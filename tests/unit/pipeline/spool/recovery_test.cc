#include "pipeline/spool/recovery.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/random.h"
#include "tests/support/spool_fixture.h"

namespace rollcall {

BOOST_FIXTURE_TEST_SUITE(spool_recovery, SpoolFixture)

BOOST_AUTO_TEST_CASE(what_was_synced_is_there_after_a_crash_and_what_was_not_is_gone) {
    append_and_sync(0, 5);
    BOOST_TEST(append(5).has_value());
    files.crash();
    BOOST_TEST(open().has_value());
    BOOST_TEST(writer->end().read() == 5);
    BOOST_TEST(read_from(0) == sequence(0, 5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tail_torn_at_any_byte_is_cut) {
    Random random("spool_recovery.torn_tail");
    int64_t stored = 0;
    for (int round = 0; round < 200; ++round) {
        append_and_sync(stored, 1);
        ++stored;
        BOOST_TEST(append(-1).has_value());  // This record is never synced.
        files.crash(random.below(300));
        BOOST_TEST_REQUIRE(open().has_value());
        // A write that reached the disk completely before the crash is a valid record.
        std::vector<int64_t> found = read_from(0);
        std::erase(found, -1);
        BOOST_TEST_REQUIRE(found == sequence(0, stored), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(segment_whose_head_was_never_finished_is_replaced) {
    append_and_sync(0, 3);
    const SpoolId id = writer->id();
    // The crash came after the next segment was created, and before its head was written.
    BOOST_TEST(files.open("spool/" + segment_name(3), Files::Open::create).has_value());
    BOOST_TEST(open().has_value());
    BOOST_TEST((writer->id() == id));
    append_and_sync(3, 2);
    BOOST_TEST(read_from(0) == sequence(0, 5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(damaged_record_in_the_last_segment_is_no_torn_tail) {
    append_and_sync(0, 10);
    const uint64_t each = writer->bytes_from(0) / 10;
    for (const uint64_t number : {4, 9})  // A record in the middle, and the last one.
        files.flip(last_segment(), segment_head_bytes + number * each + 60);
    BOOST_TEST(open().has_value());
    BOOST_TEST(writer->end().read() == 10);  // No record number is used twice.
    append_and_sync(10, 1);
    const std::vector<int64_t> expected = {0, 1, 2, 3, 5, 6, 7, 8, 10};
    BOOST_TEST(read_from(0) == expected, boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 2);
}

BOOST_AUTO_TEST_CASE(record_behind_one_that_was_never_acknowledged_is_cut_with_it) {
    append_and_sync(0, 3);
    const uint64_t at = files.size(last_segment());
    BOOST_TEST((append(3) && append(4)));
    // Only the second record has reached the disk.
    files.crash(UINT64_MAX);
    files.flip(last_segment(), at + 60);
    BOOST_TEST(open().has_value());
    BOOST_TEST(writer->end().read() == 3);
    append_and_sync(5, 1);
    BOOST_TEST(read_from(0) == std::vector<int64_t>({0, 1, 2, 5}),
               boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 0);
}

BOOST_AUTO_TEST_CASE(what_a_failed_sync_left_in_memory_is_on_disk_before_it_is_read) {
    append_and_sync(0, 3);
    BOOST_TEST(append(3).has_value());
    files.sync_fails = true;
    BOOST_TEST(!writer->sync().has_value());
    files.sync_fails = false;
    BOOST_TEST(open().has_value());  // The next process sees the same page cache.
    BOOST_TEST(writer->end().read() == 4);
    files.crash();
    BOOST_TEST(open().has_value());
    BOOST_TEST(read_from(0) == sequence(0, 4), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(spool_keeps_its_identity_over_restarts) {
    const SpoolId id = writer->id();
    append_and_sync(0, 1);
    BOOST_TEST(open().has_value());
    BOOST_TEST((writer->id() == id));
    SpoolFixture other;
    BOOST_TEST((other.writer->id() != id));
}

BOOST_AUTO_TEST_CASE(tail_ends_behind_the_last_record_and_begins_with_those_not_known_durable) {
    append_and_sync(0, 2);
    append_and_sync(2, 1);  // This record states that the two records before it were durable.
    const uint64_t each = writer->bytes_from(2);
    const uint64_t size = segment_head_bytes + writer->bytes_from(0);
    writer.reset();
    for (const uint64_t durable : {0, 2, 3}) {
        auto segment = SegmentReader::open(files, "spool", 0);
        BOOST_TEST_REQUIRE(segment.has_value());
        const auto tail = find_tail(*segment, durable);
        BOOST_TEST_REQUIRE(tail.has_value());
        BOOST_TEST(tail->next == 3);
        BOOST_TEST(tail->bytes == size);
        BOOST_TEST(tail->appendable);
        BOOST_TEST(tail->unsynced == (durable == 3 ? size : size - each));
    }
}

BOOST_AUTO_TEST_CASE(segment_whose_durable_records_are_missing_is_not_appended_to) {
    append_and_sync(0, 3);
    writer.reset();
    auto segment = SegmentReader::open(files, "spool", 0);
    BOOST_TEST_REQUIRE(segment.has_value());
    const auto tail = find_tail(*segment, 7);
    BOOST_TEST_REQUIRE(tail.has_value());
    BOOST_TEST(tail->next == 7);
    BOOST_TEST(!tail->appendable);
}

BOOST_AUTO_TEST_CASE(end_is_found_without_the_head_of_the_segment) {
    append_and_sync(0, 3);
    const SpoolId id = writer->id();
    writer.reset();
    BOOST_TEST(find_end_without_head(files, "spool", 0, 0, id).value() == 3);
    BOOST_TEST(find_end_without_head(files, "spool", 0, 5, id).value() == 5);
    BOOST_TEST(find_end_without_head(files, "spool", 0, 0, SpoolId{}).value() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
