#include "pipeline/spool/writer.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "pipeline/base/checksum.h"
#include "tests/support/spool_fixture.h"

namespace rollcall {

using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(spool_writer, SpoolFixture)

BOOST_AUTO_TEST_CASE(all_records_can_be_dropped_when_a_segment_was_begun_behind_them) {
    append_and_sync(0, 5);
    BOOST_TEST(writer->drop(5).has_value());
    BOOST_TEST(read_from(0) == sequence(0, 5), boost::test_tools::per_element());
    BOOST_TEST(writer->roll().has_value());
    BOOST_TEST(writer->roll().has_value());  // The last segment is empty, so there is nothing to
                                             // do.
    BOOST_TEST(writer->drop(5).has_value());
    BOOST_TEST(files.names("spool") ==
                   std::vector<std::string>({segment_name(5), "checkpoint", "recycled"}),
               boost::test_tools::per_element());
    append_and_sync(5, 2);
    BOOST_TEST(open().has_value());
    BOOST_TEST(read_from(0) == sequence(5, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(end_moves_with_the_sync_and_not_before) {
    BOOST_TEST(append(1).has_value());
    BOOST_TEST(append(2).has_value());
    BOOST_TEST(writer->end().read() == 0);
    BOOST_TEST(writer->sync().has_value());
    BOOST_TEST(writer->end().read() == 2);
}

BOOST_AUTO_TEST_CASE(one_sync_serves_all_records_before_it) {
    const uint64_t before = files.syncs();
    append_and_sync(0, 20);
    BOOST_TEST(files.syncs() == before + 1);
    BOOST_TEST(writer->sync().has_value());  // There is no new record, so there is nothing to sync.
    BOOST_TEST(files.syncs() == before + 1);
}

BOOST_AUTO_TEST_CASE(file_does_not_grow_with_each_record_but_before_it_is_needed) {
    append_and_sync(0, 1);
    const uint64_t size = files.size(last_segment());
    BOOST_TEST(size > files.content_size(last_segment()));
    BOOST_TEST(size <= segment_size);
    append_and_sync(1, 10);
    BOOST_TEST(files.size(last_segment()) == size);
    BOOST_TEST(open().has_value());
    BOOST_TEST(files.size(last_segment()) < size);
    append_and_sync(11, 1);
    BOOST_TEST(files.size(last_segment()) == size);
    BOOST_TEST(read_from(0) == sequence(0, 12), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(failed_sync_moves_nothing_and_is_the_end) {
    append_and_sync(0, 1);
    BOOST_TEST(append(1).has_value());
    files.sync_fails = true;
    const auto synced = writer->sync();
    BOOST_TEST((synced.error().code == Code::sync_failed));
    BOOST_TEST((synced.error().action() == Action::halt));
    BOOST_TEST(writer->end().read() == 1);
}

BOOST_AUTO_TEST_CASE(full_disk_keeps_what_was_there_and_goes_on_when_it_has_room) {
    append_and_sync(0, 3);
    fill_disk_but_for(50);
    const auto refused = append(3);
    BOOST_TEST((refused.error().code == Code::disk_full));
    BOOST_TEST((refused.error().action() == Action::retry));
    files.capacity = UINT64_MAX;
    append_and_sync(3, 2);
    BOOST_TEST(read_from(0) == sequence(0, 5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(segments_roll_and_the_records_go_on) {
    append_and_sync(0, 200);
    BOOST_TEST(files.names("spool").size() > 4);
    BOOST_TEST(read_from(0) == sequence(0, 200), boost::test_tools::per_element());
    BOOST_TEST(open().has_value());
    BOOST_TEST(writer->end().read() == 200);
}

BOOST_AUTO_TEST_CASE(record_larger_than_a_segment_has_one_to_itself) {
    Columns large(200, 200 * row_text_max);
    for (int64_t seq = 0; seq < 200; ++seq) add_row(large, std::string(100, 's'), seq);
    append_and_sync(-1, 1);
    BOOST_TEST(writer->append(large).has_value());
    append_and_sync(200, 1);
    BOOST_TEST(read_from(0) == sequence(-1, 202), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_segments_that_hold_nothing_else_are_dropped) {
    append_and_sync(0, 400);
    const size_t before = files.names("spool").size();
    BOOST_TEST(writer->drop(1).has_value());
    BOOST_TEST(files.names("spool").size() == before);
    BOOST_TEST(writer->drop(200).has_value());
    BOOST_TEST(files.names("spool").size() < before);
    BOOST_TEST(read_from(200) == sequence(200, 200), boost::test_tools::per_element());
    BOOST_TEST(writer->drop(400).has_value());
    append_and_sync(400, 1);  // The last segment stays, and the writer continues to write to it.
    BOOST_TEST(read_from(400) == sequence(400, 1), boost::test_tools::per_element());
}

// If one call removed all segments, a stop might have to wait until tens of thousands of files are
// removed.
BOOST_AUTO_TEST_CASE(drop_for_all_sinks_removes_some_segments_and_the_next_calls_the_rest) {
    segment_size = segment_head_bytes + 1;
    size_max = 64 << 20;
    BOOST_TEST(open().has_value());
    append_and_sync(0, 1'000);
    int calls = 0;
    size_t before = 0;
    for (size_t now = files.names("spool").size(); now != before; ++calls) {
        before = now;
        BOOST_TEST(writer->drop(1'000, 1'000).has_value());
        now = files.names("spool").size();
        BOOST_TEST(before - now <= 64);
    }
    BOOST_TEST(calls >= 1'000 / 64);
    BOOST_TEST(read_from(0) == sequence(999, 1), boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 0);
}

BOOST_AUTO_TEST_CASE(dropped_segment_is_written_over_and_its_old_records_never_come_back) {
    for (int64_t first = 0; first < 1000; first += 10) {
        append_and_sync(first, 10);
        BOOST_TEST_REQUIRE(writer->drop(static_cast<uint64_t>(first)).has_value());
        files.crash();
        BOOST_TEST_REQUIRE(open().has_value());
        BOOST_TEST_REQUIRE(writer->end().read() == static_cast<uint64_t>(first) + 10);
    }
    BOOST_TEST(files.names("spool").size() < 8);
}

BOOST_AUTO_TEST_CASE(spool_at_its_limit_is_full_until_segments_are_dropped) {
    int64_t seq = 0;
    while (append(seq).has_value()) ++seq;
    BOOST_TEST((append(seq).error().code == Code::disk_full));
    BOOST_TEST(writer->sync().has_value());
    BOOST_TEST(static_cast<uint64_t>(shard.read(Metric::spool_size_bytes, 0)) <= size_max);
    // One dropped segment is kept for recycling. Dropping the second one frees space.
    BOOST_TEST(writer->drop(writer->end().read()).has_value());
    append_and_sync(seq, 1);
    BOOST_TEST(read_from(static_cast<uint64_t>(seq)) == sequence(seq, 1),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(stored_segments_are_kept_for_the_window_and_dropped_after_it) {
    kept_for = std::chrono::minutes(2);
    BOOST_TEST(open().has_value());
    for (int64_t seq = 0; seq < 240; ++seq) {
        append_and_sync(seq, 1);
        clock.pass(std::chrono::seconds(1));
        BOOST_TEST_REQUIRE(writer->drop(static_cast<uint64_t>(seq) + 1).has_value());
        const auto kept = read_from(0);
        BOOST_TEST_REQUIRE(kept.front() <= std::max<int64_t>(seq - 119, 0));
        BOOST_TEST_REQUIRE(kept.front() >= seq - 200);
    }
    BOOST_TEST(open().has_value());  // The same must hold for a writer that did not write the
                                     // records.
    clock.pass(std::chrono::seconds(60));
    BOOST_TEST(writer->drop(240).has_value());
    BOOST_TEST(read_from(0).front() <= 180);
    BOOST_TEST(read_from(0).front() > 100);
    clock.pass(std::chrono::seconds(60));
    BOOST_TEST(writer->drop(240).has_value());
    BOOST_TEST(read_from(0).size() < 40);
}

BOOST_AUTO_TEST_CASE(window_before_what_is_not_stored_yet_is_kept_however_long_that_takes) {
    kept_for = std::chrono::minutes(2);
    BOOST_TEST(open().has_value());
    for (int64_t seq = 0; seq < 240; ++seq) {
        append_and_sync(seq, 1);
        clock.pass(std::chrono::seconds(1));
    }
    clock.pass(std::chrono::hours(24));
    BOOST_TEST(writer->drop(200).has_value());
    BOOST_TEST(read_from(0).front() <= 80);
    BOOST_TEST(read_from(0).front() > 0);
}

BOOST_AUTO_TEST_CASE(segments_kept_for_the_window_are_no_backlog_and_make_no_spool_full) {
    kept_for = std::chrono::hours(1);
    BOOST_TEST(open().has_value());
    for (int64_t seq = 0; seq < 5000; ++seq) {
        append_and_sync(seq, 1);
        BOOST_TEST_REQUIRE(writer->drop(writer->end().read()).has_value());
        BOOST_TEST_REQUIRE(static_cast<uint64_t>(shard.read(Metric::spool_size_bytes, 0)) <
                           size_max / 2 + 3 * small_segment);
    }
    BOOST_TEST(writer->bytes_from(5000) == 0);
    BOOST_TEST(read_from(0).size() > 500);
}

BOOST_AUTO_TEST_CASE(disk_that_is_full_gets_back_what_was_kept_for_the_window) {
    kept_for = std::chrono::hours(1);
    BOOST_TEST(open().has_value());
    append_and_sync(0, 300);
    BOOST_TEST(writer->drop(300).has_value());
    BOOST_TEST(read_from(0).front() == 0);
    fill_disk_but_for(0);
    BOOST_TEST((append(300).error().code == Code::disk_full));
    BOOST_TEST(writer->drop(300).has_value());
    BOOST_TEST(read_from(0).size() < 40);
}

BOOST_AUTO_TEST_CASE(clock_that_was_set_back_keeps_no_segment_for_long) {
    kept_for = std::chrono::minutes(2);
    BOOST_TEST(open().has_value());
    append_and_sync(0, 200);
    clock.pass(-std::chrono::hours(24));
    append_and_sync(200, 100);
    BOOST_TEST(writer->drop(300).has_value());
    BOOST_TEST(read_from(0).front() > 100);
}

BOOST_AUTO_TEST_CASE(segment_of_other_columns_is_not_written_on) {
    // The spool was written by a daemon whose table had fewer columns.
    append_and_sync(0, 1);
    const auto file = files.open(last_segment(), Files::Open::existing);
    SegmentHeadBytes bytes;
    BOOST_TEST((*file)->read(0, bytes).value() == bytes.size());
    for (const size_t copy : {size_t{0}, bytes.size() / 2}) {
        const std::string_view text(reinterpret_cast<char*>(bytes.data()) + copy, 2048);
        const size_t column = text.find("integer seq\n");
        BOOST_TEST_REQUIRE(column != std::string_view::npos);
        bytes[copy + column + 8] = std::byte{'x'};
        std::memset(bytes.data() + copy + 12, 0, 4);
        const uint32_t sum = checksum(std::span(bytes).subspan(copy, 2048));
        std::memcpy(bytes.data() + copy + 12, &sum, sizeof sum);
    }
    BOOST_TEST((*file)->write(0, bytes).has_value());
    BOOST_TEST((*file)->sync().has_value());
    const size_t before = files.names("spool").size();
    BOOST_TEST(open().has_value());
    BOOST_TEST(files.names("spool").size() == before + 1);
    append_and_sync(1, 1);
    BOOST_TEST(read_from(1) == sequence(1, 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(segment_that_cannot_be_opened_for_want_of_descriptors_is_begun_later) {
    bool none_left = true;
    files.before = [&](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        if (none_left && operation == MemoryFiles::Operation::open)
            return fail(Code::too_many_files, EMFILE);
        return {};
    };
    int64_t seq = 0;
    Result<void> appended;
    while ((appended = append(seq))) ++seq;
    BOOST_TEST((appended.error().code == Code::too_many_files));
    BOOST_TEST((appended.error().action() == Action::retry));
    none_left = false;
    append_and_sync(seq, 2);
    BOOST_TEST(read_from(0) == sequence(0, seq + 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(record_in_a_segment_without_a_name_is_never_durable) {
    append_and_sync(0, 1);
    BOOST_TEST(files.remove(last_segment()).has_value());
    BOOST_TEST(append(1).has_value());
    const auto synced = writer->sync();
    BOOST_TEST_REQUIRE(!synced.has_value());
    BOOST_TEST((synced.error().code == Code::file_replaced));
    BOOST_TEST((synced.error().action() == Action::halt));
    BOOST_TEST(describe(synced.error()).starts_with("spool/" + segment_name(0) + " was removed"));
    BOOST_TEST(writer->end().read() == 1);
}

BOOST_AUTO_TEST_CASE(names_are_compared_with_the_open_files_once_a_second_and_before_a_segment) {
    const std::vector<std::pair<std::string, std::string>> moved = {
        {"spool/" + segment_name(0), "elsewhere"}, {"spool/checkpoint", "elsewhere"}};
    for (const auto& [from, to] : moved) {
        const auto check = [&, from = from](const Result<void>& done) {
            BOOST_TEST_REQUIRE(!done.has_value());
            BOOST_TEST((done.error().code == Code::file_replaced));
            BOOST_TEST(describe(done.error()).starts_with(from + " was removed or moved"));
        };
        append_and_sync(0, 1);
        BOOST_TEST(files.rename(from, to).has_value());
        BOOST_TEST(writer->drop(0).has_value());
        check(writer->roll());
        clock.pass(1s);
        check(writer->drop(0));
        clock.pass(1s);
        BOOST_TEST(append(1).has_value());
        check(writer->sync());
        BOOST_TEST(writer->end().read() == 1);
        BOOST_TEST(files.rename(to, from).has_value());
        BOOST_TEST(writer->sync().has_value());
        files = MemoryFiles();
        BOOST_TEST(open().has_value());
    }
}

BOOST_AUTO_TEST_CASE(directory_that_is_replaced_is_noticed) {
    append_and_sync(0, 1);
    files.replace_directory("spool");
    clock.pass(1s);
    const auto dropped = writer->drop(0);
    BOOST_TEST_REQUIRE(!dropped.has_value());
    BOOST_TEST(describe(dropped.error()).starts_with("spool was replaced by another"));
}

BOOST_AUTO_TEST_CASE(segment_is_kept_while_a_sink_may_lose_a_record_of_it_and_the_spool_has_room) {
    size_max = 8 * small_segment;
    BOOST_TEST(open().has_value());
    append_and_sync(0, 100);
    const size_t all = files.names("spool").size();
    BOOST_TEST(writer->drop(100, 0).has_value());
    BOOST_TEST(files.names("spool").size() == all);
    BOOST_TEST(read_from(0) == sequence(0, 100), boost::test_tools::per_element());
    BOOST_TEST(writer->drop(100, 100).has_value());
    BOOST_TEST(read_from(0).size() < 40);
    append_and_sync(100, 200);
    BOOST_TEST(writer->drop(300, 0).has_value());
    BOOST_TEST(read_from(0).size() < 200);  // Kept segments fill at most half of the spool.
    BOOST_TEST(read_from(0).size() > 60);
}

BOOST_AUTO_TEST_CASE(backlog_is_nothing_at_the_end_and_all_at_the_start) {
    append_and_sync(0, 100);
    BOOST_TEST(writer->bytes_from(100) == 0);
    BOOST_TEST(writer->bytes_from(0) > writer->bytes_from(50));
    BOOST_TEST(writer->bytes_from(50) > 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
