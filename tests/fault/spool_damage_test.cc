// A small spool is damaged in every possible place: each byte is inverted, and each file is
// removed, or cut at each byte. After each damage the spool is opened, read and written. It must
// not crash or hang. It must return only rows that were written, count each lost record, and store
// the record that is written after the damage.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "pipeline/base/log.h"
#include "tests/support/spool_fixture.h"

namespace rollcall {

namespace {

constexpr int64_t records = 10;
// A release build damages every byte. With sanitizers that would take minutes.
#ifdef __SANITIZE_ADDRESS__
constexpr uint64_t stride = 7;
#else
constexpr uint64_t stride = 1;
#endif

struct SmallSpool : SpoolFixture {
    SmallSpool() : SpoolFixture() {
        set_log_level("error");
        segment_size = segment_head_bytes + 500;
        if (!open()) throw std::runtime_error("open");
        append_and_sync(0, records);
        // The destructor makes everything durable, as in a clean stop.
        writer.reset();
        files.crash(UINT64_MAX);
    }

    [[nodiscard]] std::vector<std::string> paths() const {
        std::vector<std::string> all;
        for (const auto& name : files.names("spool")) all.push_back("spool/" + name);
        return all;
    }
};

// Damages a copy of the spool. Returns the first rule that the damaged spool violates, or an empty
// string.
std::string wrong_with(const SmallSpool& sound, const auto& damage) {
    static int64_t lost_before = 0;
    static SpoolFixture spool;
    spool.segment_size = sound.segment_size;
    spool.writer.reset();
    spool.files.copy(sound.files);
    damage(spool.files);
    if (const auto opened = spool.open(); !opened)
        return fmt::format("does not open: {}", to_text(opened.error().code));
    if (spool.writer->end().read() != records)
        return fmt::format("ends at {}", spool.writer->end().read());
    spool.append_and_sync(records, 1);

    SpoolReader reader = spool.reader();
    if (!reader.seek(0)) return "seek";
    int64_t read = 0;
    for (;;) {
        const auto record = reader.peek();
        if (!record) return fmt::format("not read on: {}", to_text(record.error().code));
        if (!*record) break;
        Columns rows(4, test_text_max);
        if (!rows.append_record((*record)->payload, (*record)->columns_at).value_or(false))
            return "a record contradicts itself";
        const bool as_written =
            rows.rows() == 1 &&
            payload_of(rows) == payload_of(one_row("S", static_cast<int64_t>((*record)->number)));
        if (!as_written) return fmt::format("record {} is not what was written", (*record)->number);
        ++read;
        reader.advance();
    }
    if (reader.position() != records + 1) return fmt::format("read to {}", reader.position());
    const int64_t lost = spool.shard.read(Metric::spool_lost_records_total, 0) - lost_before;
    lost_before += lost;
    if (read + lost != records + 1) return fmt::format("{} are read, {} are lost", read, lost);
    return {};
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_damage, SmallSpool)

BOOST_AUTO_TEST_CASE(any_byte_may_be_turned_over) {
    BOOST_TEST(paths().size() == 4);  // Three segments and the checkpoint.
    for (const auto& path : paths())
        for (uint64_t byte = 0; byte < files.size(path); byte += stride) {
            const auto bits = static_cast<std::byte>(1 << byte % 8);
            BOOST_TEST_REQUIRE(
                wrong_with(*this, [&](auto& disk) { disk.flip(path, byte, bits); }) == "",
                fmt::format("{}, byte {}", path, byte));
        }
}

BOOST_AUTO_TEST_CASE(any_file_may_be_cut_at_any_byte_or_missing) {
    for (const auto& path : paths()) {
        BOOST_TEST_REQUIRE(wrong_with(*this, [&](auto& disk) { (void)disk.remove(path); }) == "",
                           path);
        for (uint64_t bytes = 0; bytes < files.size(path); bytes += stride)
            BOOST_TEST_REQUIRE(wrong_with(*this, [&](auto& disk) { disk.cut(path, bytes); }) == "",
                               fmt::format("{}, cut to {} bytes", path, bytes));
    }
}

BOOST_AUTO_TEST_CASE(spool_that_a_new_one_has_replaced_is_as_good_as_the_old) {
    for (const auto& path : paths()) (void)files.remove(path);
    BOOST_TEST(open().has_value());
    append_and_sync(0, 3);
    BOOST_TEST(read_from(0) == sequence(0, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
