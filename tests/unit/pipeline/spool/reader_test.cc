#include "pipeline/spool/reader.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/spool_fixture.h"

namespace rollcall {

namespace {

int64_t lost(const MetricShard& shard) { return shard.read(Metric::spool_lost_records_total, 0); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_reader, SpoolFixture)

BOOST_AUTO_TEST_CASE(nothing_is_read_beyond_the_end) {
    append_and_sync(0, 2);
    BOOST_TEST(append(2).has_value());
    BOOST_TEST(read_from(0) == sequence(0, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(reader_that_waits_at_the_end_gets_what_comes) {
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    for (int64_t seq = 0; seq < 100; ++seq) {
        BOOST_TEST_REQUIRE(!from.peek()->has_value());
        append_and_sync(seq, 1);
        const auto record = from.peek();
        BOOST_TEST_REQUIRE(record->has_value());
        BOOST_TEST_REQUIRE((*record)->number == static_cast<uint64_t>(seq));
        from.advance();
    }
}

// Segments are recycled and overwritten, so old records may follow the newest one.
BOOST_AUTO_TEST_CASE(reader_one_record_behind_never_takes_old_bytes_for_new_ones) {
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    append_and_sync(0, 1);
    for (int64_t seq = 1; seq < 1000; ++seq) {
        append_and_sync(seq, 1);
        const auto record = from.peek();
        BOOST_TEST_REQUIRE(record->has_value());
        BOOST_TEST_REQUIRE((*record)->number == static_cast<uint64_t>(seq - 1));
        from.advance();
        BOOST_TEST_REQUIRE(writer->drop(static_cast<uint64_t>(seq)).has_value());
    }
    BOOST_TEST(lost(shard) == 0);
}

BOOST_AUTO_TEST_CASE(seek_finds_any_record_in_any_segment) {
    append_and_sync(0, 120);
    for (uint64_t number = 0; number <= 120; ++number)
        BOOST_TEST_REQUIRE(read_from(number) == sequence(static_cast<int64_t>(number),
                                                         120 - static_cast<int64_t>(number)),
                           boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(seek_to_a_dropped_record_finds_the_oldest_kept) {
    append_and_sync(0, 100);
    BOOST_TEST(writer->drop(70).has_value());
    const auto found = read_from(0);
    BOOST_TEST_REQUIRE(!found.empty());
    BOOST_TEST(found.front() > 0);
    BOOST_TEST(found.front() <= 70);
    BOOST_TEST(found.back() == 99);
}

BOOST_AUTO_TEST_CASE(record_with_a_turned_bit_is_lost_alone_counted_and_set_aside) {
    append_and_sync(0, 10);
    const uint64_t each = writer->bytes_from(0) / 10;
    // Damages the payload of record 4 and the head of record 7.
    for (const auto& [number, byte] : {std::pair(4, 60), std::pair(7, 9)})
        files.flip(last_segment(), segment_head_bytes + number * each + byte);
    const std::vector<int64_t> expected = {0, 1, 2, 3, 5, 6, 8, 9};
    BOOST_TEST(read_from(0) == expected, boost::test_tools::per_element());
    BOOST_TEST(lost(shard) == 2);
    BOOST_TEST(read_from(0) == expected, boost::test_tools::per_element());
    BOOST_TEST(lost(shard) == 2);  // A second reader must not count the lost records again.
    const std::vector<std::string> kept = {"00000000000000000004-00000000000000000005.damaged",
                                           "00000000000000000007-00000000000000000008.damaged"};
    BOOST_TEST(files.names("spool/quarantine") == kept, boost::test_tools::per_element());
    for (const auto& name : kept) BOOST_TEST(files.size("spool/quarantine/" + name) == each);
}

BOOST_AUTO_TEST_CASE(missing_segment_is_counted_and_stepped_over) {
    append_and_sync(0, 200);
    const auto firsts = first_records();
    BOOST_TEST_REQUIRE(firsts.size() > 3);
    BOOST_TEST(files.remove("spool/" + segment_name(firsts[1])).has_value());
    const auto found = read_from(0);
    BOOST_TEST(lost(shard) == static_cast<int64_t>(firsts[2] - firsts[1]));
    BOOST_TEST(found.size() + static_cast<size_t>(lost(shard)) == 200);
}

BOOST_AUTO_TEST_CASE(seek_by_time_leaves_out_nothing_that_was_written_then_or_later) {
    const int64_t begin_us = clock.wall_us();
    for (int64_t seq = 0; seq < 200; ++seq) {
        append_and_sync(seq, 1);
        clock.pass(std::chrono::seconds(1));
    }
    for (int64_t second = -1; second < 210; ++second) {
        SpoolReader from = reader();
        BOOST_TEST_REQUIRE(from.seek_written(begin_us + second * 1'000'000).has_value());
        BOOST_TEST_REQUIRE(static_cast<int64_t>(from.position()) <= std::max<int64_t>(second, 0));
        BOOST_TEST_REQUIRE(static_cast<int64_t>(from.position()) >
                           std::min<int64_t>(second, 200) - 50);
    }
}

BOOST_AUTO_TEST_CASE(segments_of_one_record_are_listed_once) {
    segment_size = segment_head_bytes + 1;
    size_max = 64 << 20;
    BOOST_TEST(open().has_value());
    append_and_sync(0, 1000);
    Operations done;
    count_operations(done);
    BOOST_TEST(read_from(0) == sequence(0, 1000), boost::test_tools::per_element());
    BOOST_TEST(done.lists == 1);
    BOOST_TEST(done.opens == 1000);
}

// The writer begins new segments while the reader reads. The reader computes the name of each new
// segment.
BOOST_AUTO_TEST_CASE(segments_that_are_begun_meanwhile_are_found_without_a_listing) {
    segment_size = segment_head_bytes + 1;
    size_max = 64 << 20;
    BOOST_TEST(open().has_value());
    append_and_sync(0, 1);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    Operations done;
    count_operations(done);
    for (int64_t seq = 0; seq < 100; ++seq) {
        BOOST_TEST_REQUIRE(from.peek()->has_value());
        from.advance();
        append_and_sync(seq + 1, 1);
    }
    BOOST_TEST(done.lists == 0);
}

BOOST_AUTO_TEST_CASE(damaged_records_cost_a_fixed_number_of_operations_each) {
    append_damaged(4000, 4000, 2);
    Operations done;
    count_operations(done);
    BOOST_TEST(read_from(0).size() == 2000);
    BOOST_TEST(lost(shard) == 2000);
    BOOST_TEST(done.lists <= 2);
    BOOST_TEST(done.opens <= 2000 + 3);
    BOOST_TEST(files.names("spool/quarantine").size() == 1);
}

BOOST_AUTO_TEST_CASE(much_damage_is_passed_over_in_parts) {
    append_damaged(10'000, 9'999, 1);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    int parts = 0;
    uint64_t before = 0;
    while (!from.peek_bounded()->has_value()) {
        BOOST_TEST_REQUIRE(from.has_more());
        BOOST_TEST_REQUIRE(from.position() > before);
        BOOST_TEST(lost(shard) == static_cast<int64_t>(from.position()));
        before = from.position();
        ++parts;
    }
    BOOST_TEST(parts >= 2);
    BOOST_TEST(from.position() == 9999);
    BOOST_TEST(!from.has_more());
}

// A delivery reads a batch until peek_bounded() returns nothing. So after much damage
// peek_bounded() must return nothing, even if there are whole records between the damaged ones.
BOOST_AUTO_TEST_CASE(damage_between_whole_records_is_passed_over_in_parts) {
    append_damaged(20'000, 20'000, 2);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    int parts = 0;
    for (int in_part = 0; from.position() < 20'000;) {
        if (from.peek_bounded()->has_value()) {
            from.advance();
            BOOST_TEST_REQUIRE(++in_part < 5'000);
        } else {
            in_part = 0;
            ++parts;
        }
    }
    BOOST_TEST(parts >= 2);
    BOOST_TEST(!from.peek_bounded()->has_value());
    BOOST_TEST(lost(shard) == 10'000);
}

// When the segment is dropped, the reader has met damage in it and has read only a part of it.
BOOST_AUTO_TEST_CASE(damaged_segment_that_is_overwritten_while_it_is_read_is_not_lost) {
    append_damaged(4'000, 10, 2);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    for (; from.position() < 20; from.advance()) BOOST_TEST_REQUIRE(from.peek()->has_value());
    BOOST_TEST(writer->roll().has_value());
    append_and_sync(4'000, 1);
    BOOST_TEST(writer->drop(4'000).has_value());
    BOOST_TEST(writer->roll().has_value());  // The next segment overwrites the dropped one.
    append_and_sync(4'001, 4'000);
    uint64_t last = 0;
    while (const auto record = from.peek().value()) {
        last = record->number;
        from.advance();
    }
    BOOST_TEST(last == 8'000);
    BOOST_TEST(from.take_dropped().has_value());
    lost_records->flush();
    BOOST_TEST(lost(shard) == 5);
}

// Records of a dropped segment do not count as lost, even if the reader has opened or listed the
// segment before.
BOOST_AUTO_TEST_CASE(segment_that_is_dropped_after_it_was_listed_is_not_lost) {
    append_and_sync(0, 200);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    BOOST_TEST(from.peek()->has_value());
    BOOST_TEST(writer->drop(150).has_value());
    append_and_sync(200, 100);
    uint64_t last = 0;
    while (const auto record = from.peek().value()) {
        last = record->number;
        from.advance();
    }
    BOOST_TEST(last == 299);
    BOOST_TEST(lost(shard) == 0);
    BOOST_TEST(from.take_dropped().has_value());
}

// The file of the open segment gets the name of a later segment, so the record that is needed next
// belongs to a segment that is not open. The reader must not list the segments forever.
BOOST_AUTO_TEST_CASE(open_segment_that_gets_another_name_does_not_stop_the_reader) {
    append_and_sync(0, 200);
    const auto firsts = first_records();
    BOOST_TEST_REQUIRE(firsts.size() > 2);
    const std::string first = segments().front();
    for (size_t at = segment_head_bytes + writer->bytes_from(0) / 40;
         at < files.content_size(first); ++at)
        files.flip(first, at);
    SpoolReader from = reader();
    BOOST_TEST(from.seek(0).has_value());
    size_t read = 0;
    for (int steps = 0; steps < 10 && from.position() < 250; ++steps) {
        while (true) {
            const auto record = from.peek_bounded();
            BOOST_TEST_REQUIRE(record.has_value());
            if (!*record) break;
            from.advance();
            ++read;
            if (read != 2) continue;
            BOOST_TEST(files.rename(first, "spool/" + segment_name(1)).has_value());
            append_and_sync(200, 50);
        }
    }
    BOOST_TEST(from.position() == 250);
    BOOST_TEST(read >= 250 - firsts[1]);
}

// For example, a symbolic link can have the name of the segment although the file that it leads to
// does not exist.
BOOST_AUTO_TEST_CASE(segment_whose_name_leads_to_no_file_is_missing) {
    append_and_sync(0, 200);
    const auto paths = segments();
    BOOST_TEST_REQUIRE(paths.size() >= 3);
    files.before = [&](MemoryFiles::Operation operation, const std::string& path) -> Result<void> {
        if (path != paths[1] || operation == MemoryFiles::Operation::list) return {};
        return fail(Code::disk_failed, ENOENT);
    };
    const size_t read = read_from(0).size();
    BOOST_TEST(read < 200);
    BOOST_TEST(lost(shard) == static_cast<int64_t>(200 - read));
}

BOOST_AUTO_TEST_CASE(look_back_stops_at_its_end_and_counts_no_loss) {
    append_and_sync(0, 100);
    files.flip("spool/" + segment_name(0), segment_head_bytes);  // Damages the magic of record 0.
    const Cursor end(90);
    SpoolReader back(files, "spool", end, nullptr);
    BOOST_TEST(back.seek_written(0).has_value());
    uint64_t last = 0;
    while (const auto record = back.peek().value()) {
        last = record->number;
        back.advance();
    }
    BOOST_TEST(last == 89);
    BOOST_TEST(lost(shard) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
