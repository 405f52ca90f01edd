#include "pipeline/spool/lost_records.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/memory_files.h"

namespace rollcall {

namespace {

struct LossesFixture {
    LossesFixture() {
        const auto file = files.open("spool/a", Files::Open::create);
        std::vector<std::byte> bytes(10'000, std::byte{'x'});
        if (!(*file)->write(0, bytes)) throw std::runtime_error("write");
    }
    void add(uint64_t first, uint64_t end) { lost_records.add({first, end, "a", 100, 200}); }
    [[nodiscard]] int64_t counted() const {
        return shard.read(Metric::spool_lost_records_total, 0);
    }

    MemoryFiles files;
    MetricShard shard;
    LostRecords lost_records{files, "spool", 1000, shard};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spool_lost_records, LossesFixture)

BOOST_AUTO_TEST_CASE(each_record_is_counted_once_whoever_meets_it) {
    add(3, 5);
    BOOST_TEST(counted() == 2);
    add(3, 5);
    BOOST_TEST(counted() == 2);
    MetricShard other_shard;
    // The object of another sink, or of the same sink after a restart.
    LostRecords other(files, "spool", 1000, other_shard);
    other.add({3, 5, "a", 100, 200});
    BOOST_TEST(other_shard.read(Metric::spool_lost_records_total, 0) == 0);
    add(2, 7);  // The damage has grown in the meantime.
    BOOST_TEST(counted() == 5);
    add(4, 6);
    BOOST_TEST(counted() == 5);
}

BOOST_AUTO_TEST_CASE(loss_is_counted_again_if_the_process_ended_at_any_step_of_counting_it) {
    struct Killed {};
    const auto count_until_killed_at = [](int step) {
        MemoryFiles disk;
        MetricShard its_shard;
        int steps = 0;
        disk.before = [&](MemoryFiles::Operation, const std::string&) -> Result<void> {
            if (steps++ == step) throw Killed{};
            return {};
        };
        bool killed = false;
        try {
            LostRecords(disk, "spool", 1000, its_shard).add({3, 5, "", 0, 0});
        } catch (const Killed&) {
            killed = true;
        }
        disk.before = nullptr;
        LostRecords(disk, "spool", 1000, its_shard).add({3, 5, "", 0, 0});
        BOOST_TEST_CONTEXT("killed at step " << step)
        BOOST_TEST(its_shard.read(Metric::spool_lost_records_total, 0) >= 2);
        return killed;
    };
    int step = 0;
    while (count_until_killed_at(step)) ++step;
    BOOST_TEST(step >= 4);
}

BOOST_AUTO_TEST_CASE(losses_that_touch_are_one_loss_with_one_file) {
    for (uint64_t record = 0; record < 100; ++record)
        lost_records.note({record, record + 1, "a", 10 * record, 10 * record + 10});
    BOOST_TEST(counted() == 0);
    lost_records.flush();
    BOOST_TEST(counted() == 100);
    BOOST_TEST(files.size("spool/quarantine/00000000000000000000-00000000000000000100.damaged") ==
               1000);
}

BOOST_AUTO_TEST_CASE(many_losses_share_a_file_that_tells_the_next_start_which_records_they_are) {
    for (uint64_t record = 0; record < 40; record += 2)
        lost_records.note({record, record + 1, "a", 10 * record, 10 * record + 10});
    lost_records.flush();
    BOOST_TEST(counted() == 20);
    const std::vector<std::string> kept = {"00000000000000000000-00000000000000000039.20.damaged"};
    BOOST_TEST(files.names("spool/quarantine") == kept, boost::test_tools::per_element());
    BOOST_TEST(files.size("spool/quarantine/" + kept[0]) == 20 * 24 + 20 * 10);
    MetricShard later_shard;
    LostRecords later(files, "spool", 1000, later_shard);
    for (uint64_t record = 0; record < 40; record += 2)
        later.note({record, record + 1, "a", 10 * record, 10 * record + 10});
    later.flush();
    BOOST_TEST(later.records() == 0);
    later.add({3, 4, "a", 30, 40});  // Record 3 was undamaged before, so it counts as a new loss.
    BOOST_TEST(later.records() == 1);
}

BOOST_AUTO_TEST_CASE(deliveries_that_share_a_quarantine_count_each_record_once) {
    const auto quarantine = std::make_shared<Quarantine>(files, "spool", 1000);
    MetricShard other_shard;
    LostRecords one(quarantine, shard);
    LostRecords other(quarantine, other_shard);
    other.add({90, 91, "a", 0, 10});
    one.add({3, 5, "a", 100, 200});
    other.add({2, 6, "a", 50, 250});
    BOOST_TEST(one.records() == 2);
    BOOST_TEST(other.records() == 3);
}

BOOST_AUTO_TEST_CASE(each_loss_takes_as_many_operations_however_many_there_were_before) {
    size_t lists = 0;
    size_t operations = 0;
    files.before = [&](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        lists += operation == MemoryFiles::Operation::list;
        ++operations;
        return {};
    };
    LostRecords unlimited(files, "spool", 1 << 20, shard);
    unlimited.add({0, 1, "a", 100, 200});
    operations = 0;
    unlimited.add({2, 3, "a", 100, 200});
    const size_t each = operations;
    for (uint64_t record = 4; record < 2000; record += 2)
        unlimited.add({record, record + 1, "a", 100, 200});
    BOOST_TEST(operations == 999 * each);
    BOOST_TEST(lists == 1);
    BOOST_TEST(counted() == 1000);
}

BOOST_AUTO_TEST_CASE(bytes_are_set_aside_as_far_as_they_are_there) {
    lost_records.add({1, 2, "a", 100, 200});
    lost_records.add({2, 3, "a", 9'950, UINT64_MAX});
    lost_records.add({3, 4, "", 0, 0});
    const std::string name = "spool/quarantine/0000000000000000000";
    BOOST_TEST(files.size(name + "1-00000000000000000002.damaged") == 100);
    BOOST_TEST(files.size(name + "2-00000000000000000003.damaged") == 50);
    BOOST_TEST(files.size(name + "3-00000000000000000004.damaged") == 0);
}

BOOST_AUTO_TEST_CASE(beyond_its_limit_the_quarantine_keeps_no_bytes_but_counts) {
    for (uint64_t record = 0; record < 5; ++record)
        lost_records.add({record, record + 1, "a", 0, 300});
    uint64_t bytes = 0;
    for (const auto& name : files.names("spool/quarantine"))
        bytes += files.size("spool/quarantine/" + name);
    BOOST_TEST(bytes == 1000);
    BOOST_TEST(counted() == 5);
}

BOOST_AUTO_TEST_CASE(loss_that_cannot_be_quarantined_is_counted) {
    files.capacity = files.used();
    add(1, 4);
    BOOST_TEST(counted() == 3);
    files.capacity = UINT64_MAX;
    files.before = [](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        if (operation == MemoryFiles::Operation::open) return fail(Code::too_many_files, EMFILE);
        return {};
    };
    add(7, 8);
    BOOST_TEST(counted() == 4);
}

BOOST_AUTO_TEST_CASE(block_that_the_disk_does_not_give_back_is_zeros_and_the_rest_is_read) {
    files.before = [](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        static int reads = 0;
        // The first read is that of the whole range, and fails. Then each of the three blocks is
        // read alone, and the read of the second block fails.
        if (operation != MemoryFiles::Operation::read) return {};
        const int now = reads++;
        if (now == 0 || now == 2) return fail(Code::disk_failed, EIO);
        return {};
    };
    const auto file = files.open("spool/a", Files::Open::existing_read_only);
    std::vector<std::byte> bytes(10'000);
    BOOST_TEST(read_around_bad_blocks(**file, 0, bytes).value() == 10'000);
    for (size_t at = 0; at < bytes.size(); ++at)
        BOOST_TEST_REQUIRE((bytes[at] == std::byte{'x'}) == (at < 4096 || at >= 8192));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
