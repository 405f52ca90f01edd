#include "pipeline/spool/lineage.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "tests/support/memory_files.h"

namespace rollcall {

namespace {

struct LineageFixture {
    // Simulates the next start of a daemon.
    Lineage& start(uint64_t next_record, std::vector<Lineage::Segment> segments = {}) {
        lineage = std::make_unique<Lineage>(files, "spool");
        BOOST_TEST_REQUIRE(lineage->open(spool, segments, next_record).has_value());
        return *lineage;
    }

    MemoryFiles files;
    SpoolId spool = new_spool_id();
    std::unique_ptr<Lineage> lineage;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_lineage, LineageFixture)

BOOST_AUTO_TEST_CASE(each_start_is_a_run_that_begins_where_the_one_before_it_ends) {
    const RunId first = start(0).run();
    const RunId second = start(50).run();
    BOOST_TEST((first != second));
    BOOST_TEST((lineage->run_of(49) == first));
    BOOST_TEST((lineage->run_of(50) == second));
    BOOST_TEST((lineage->end_of(first) == 50));
    BOOST_TEST((lineage->end_of(second) == UINT64_MAX));
    BOOST_TEST(!lineage->end_of(new_spool_id()).has_value());
}

BOOST_AUTO_TEST_CASE(run_that_wrote_nothing_is_forgotten) {
    const RunId idle = start(0).run();
    const RunId second = start(0).run();
    BOOST_TEST(!lineage->end_of(idle).has_value());
    BOOST_TEST((lineage->run_of(0) == second));
}

BOOST_AUTO_TEST_CASE(first_incarnation_is_the_spool_and_a_restart_or_reboot_makes_no_other) {
    files.where.boot[0] = 'a';
    start(0);
    start(10);
    files.where.boot[0] = 'b';
    files.where.device = 7;
    start(20);
    BOOST_TEST((lineage->incarnations() == std::vector{spool}));
}

BOOST_AUTO_TEST_CASE(another_place_makes_an_incarnation_once) {
    start(0);
    files.where.inode = 2;
    const auto moved = start(10).incarnations();
    BOOST_TEST_REQUIRE(moved.size() == 2);
    BOOST_TEST((moved[1] == spool));
    BOOST_TEST((start(20).incarnations() == moved));
}

BOOST_AUTO_TEST_CASE(incarnation_is_renewed_once_for_all_who_ask_and_lasts) {
    start(0);
    BOOST_TEST(lineage->renew(spool).has_value());
    const auto renewed = lineage->incarnations();
    BOOST_TEST(lineage->renew(spool).has_value());
    BOOST_TEST((lineage->incarnations() == renewed));
    BOOST_TEST(renewed.size() == 2);
    files.crash();
    BOOST_TEST((start(0).incarnations() == renewed));
}

BOOST_AUTO_TEST_CASE(incarnation_that_cannot_be_noted_is_none) {
    start(0);
    files.before = [](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        if (operation == MemoryFiles::Operation::write) return fail(Code::disk_full, ENOSPC);
        return {};
    };
    BOOST_TEST(!lineage->renew(spool).has_value());
    BOOST_TEST((lineage->incarnations() == std::vector{spool}));
}

BOOST_AUTO_TEST_CASE(run_is_durable_when_open_returns) {
    const RunId first = start(0).run();
    files.crash();
    const RunId second = start(10).run();
    files.crash();
    start(20);
    BOOST_TEST((lineage->run_of(9) == first));
    BOOST_TEST((lineage->run_of(19) == second));
}

BOOST_AUTO_TEST_CASE(slot_that_was_torn_leaves_the_one_before_it) {
    const RunId first = start(0).run();
    start(10);
    const size_t slot = 32 << 10;
    files.flip("spool/lineage", 5);  // Damages the slot at offset 0, which the second start wrote.
    start(10);
    BOOST_TEST((lineage->run_of(9) == first));
    for (const size_t at : {size_t{5}, slot + 5}) files.flip("spool/lineage", at);
    BOOST_TEST((start(10).run_of(9) == spool));
}

BOOST_AUTO_TEST_CASE(segments_count_more_than_an_older_file) {
    const RunId first = start(0).run();
    MemoryFiles backup;
    backup.copy(files);
    const Origin origin{start(50).run(), spool};
    files.copy(backup);  // The backup is restored over a folder that keeps its newer segments.
    start(60, {{{first, spool}, 0}, {origin, 50}});
    BOOST_TEST((lineage->run_of(55) == origin.run));
    BOOST_TEST((lineage->end_of(first) == 50));
    BOOST_TEST((lineage->end_of(origin.run) == 60));
}

BOOST_AUTO_TEST_CASE(file_that_is_missing_is_made_from_the_segments_under_a_new_incarnation) {
    const RunId first = new_spool_id();
    const RunId second = new_spool_id();
    const IncarnationId moved = new_spool_id();
    start(30, {{{first, spool}, 0}, {{second, moved}, 10}});
    BOOST_TEST((lineage->run_of(9) == first));
    BOOST_TEST((lineage->run_of(29) == second));
    const auto incarnations = lineage->incarnations();
    BOOST_TEST_REQUIRE(incarnations.size() == 3);
    BOOST_TEST((incarnations[1] == moved));
    BOOST_TEST((incarnations[2] == spool));
}

BOOST_AUTO_TEST_CASE(spool_of_a_version_without_runs_keeps_its_incarnation) {
    start(30, {{{spool, spool}, 0}, {{spool, spool}, 10}});
    BOOST_TEST((lineage->incarnations() == std::vector{spool}));
    BOOST_TEST((lineage->run_of(29) == spool));
    BOOST_TEST((lineage->end_of(spool) == 30));
}

BOOST_AUTO_TEST_CASE(file_of_another_spool_is_ignored) {
    start(40);
    spool = new_spool_id();
    start(10);
    BOOST_TEST((lineage->run_of(9) == spool));
    BOOST_TEST((lineage->incarnations() == std::vector{spool}));
}

BOOST_AUTO_TEST_CASE(file_grows_no_further_than_its_limits) {
    for (uint64_t i = 0; i < Lineage::runs_max + 5; ++i) start(i);
    for (size_t i = 0; i < Lineage::incarnations_max + 5; ++i)
        BOOST_TEST_REQUIRE(lineage->renew(lineage->incarnations().front()).has_value());
    const RunId last = lineage->run();
    const auto incarnations = lineage->incarnations();
    BOOST_TEST(incarnations.size() == Lineage::incarnations_max);
    start(Lineage::runs_max + 6);
    BOOST_TEST((lineage->incarnations() == incarnations));
    BOOST_TEST((lineage->run_of(Lineage::runs_max + 5) == last));
    BOOST_TEST((lineage->run_of(1) == spool));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
