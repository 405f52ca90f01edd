#include "pipeline/spool/inspection.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/spool_fixture.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct SurveyFixture : SpoolFixture {
    SpoolReport inspect(bool deep) {
        return inspect_spool(files, "spool", deep,
                             [this](uint64_t done, uint64_t all) {
                                 read = done;
                                 to_read = all;
                             })
            .value();
    }
    uint64_t read = 0;
    uint64_t to_read = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_inspection, SurveyFixture)

BOOST_AUTO_TEST_CASE(every_durable_record_is_in_one_segment_and_no_other_is_in_any) {
    append_and_sync(0, 100);
    // This record is not synced, as if a daemon was writing it.
    BOOST_TEST(append(100).has_value());
    for (const bool deep : {false, true}) {
        const auto spool = inspect(deep);
        BOOST_TEST(spool.end == 100);
        BOOST_TEST((spool.id == writer->id()));
        uint64_t next = 0;
        uint64_t rows = 0;
        for (const auto& segment : spool.segments) {
            BOOST_TEST(segment.first_record == next);
            BOOST_TEST(segment.bytes == files.size("spool/" + segment.name));
            next = segment.end_record;
            rows += segment.rows;
        }
        BOOST_TEST(next == 100);
        BOOST_TEST(rows == (deep ? 100 : 0));
        BOOST_TEST(spool.damaged_records() == 0);
    }
    BOOST_TEST(read == to_read);
    BOOST_TEST(read > 10'000);
}

BOOST_AUTO_TEST_CASE(damage_is_found_where_it_is) {
    append_and_sync(0, 100);
    const auto sound = inspect(true);
    BOOST_TEST_REQUIRE(sound.segments.size() > 2);
    const auto& second = sound.segments[1];
    files.flip("spool/" + second.name, segment_head_bytes + 60);
    BOOST_TEST(files.remove("spool/" + sound.segments[0].name).has_value());
    const auto damaged = inspect(true);
    BOOST_TEST(damaged.damaged_records() == second.first_record + 1);
    const auto& ranges = damaged.segments.front().damage;
    BOOST_TEST_REQUIRE(ranges.size() == 2);
    BOOST_TEST(ranges[0].first == 0);
    BOOST_TEST(ranges[0].end == second.first_record);
    BOOST_TEST(ranges[1].end == second.first_record + 1);
}

BOOST_AUTO_TEST_CASE(what_every_sink_has_and_was_dropped_is_no_damage) {
    append_and_sync(0, 100);
    BOOST_TEST(writer->drop(90).has_value());
    const auto spool = inspect(true);
    BOOST_TEST(spool.begin > 0);
    BOOST_TEST(spool.damaged_records() == 0);
}

BOOST_AUTO_TEST_CASE(files_that_only_read_change_nothing) {
    const TemporaryDirectory directory;
    const std::string path = directory.path() / "a";
    BOOST_TEST(Files().open(path, Files::Open::create).has_value());
    ReadOnlyFiles files_read;
    BOOST_TEST(files_read.open(path, Files::Open::existing).has_value());
    BOOST_TEST(!files_read.open(path + "b", Files::Open::create).has_value());
    BOOST_TEST(!files_read.remove(path).has_value());
    BOOST_TEST(!files_read.rename(path, path + "b").has_value());
    BOOST_TEST(!files_read.make_directories(path + "c").has_value());
    BOOST_TEST(Files().list(directory.path()).value().size() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
