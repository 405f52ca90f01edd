// A daemon starts with a spool of many damaged records, or of many segments. It must store rows
// within seconds, and obey SIGTERM within a second at any moment. Its next start must continue the
// recovery.
#include <fmt/core.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "pipeline/spool/reader.h"
#include "pipeline/spool/writer.h"
#include "tests/support/rows.h"
#include "tests/support/test_daemon.h"

namespace rollcall {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A sanitizer makes everything several times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr auto stop_max = 5s;
constexpr int64_t segments = 4'000;
#else
constexpr auto stop_max = 1s;
constexpr int64_t segments = 32'767;  // As many as a spool of 128 GiB has.
#endif

struct RecoveryFixture {
    RecoveryFixture() { BOOST_TEST_REQUIRE(daemon.stop().value_or(-1) == 0); }

    [[nodiscard]] std::string spool_directory() const {
        return (daemon.state_dir() / "spool").string();
    }

    // Appends records of one row each to the daemon's spool.
    void append(int64_t count, uint64_t segment_size) {
        SpoolWriter writer(files, clock, shard,
                           {.directory = spool_directory(),
                            .size_max = uint64_t{1} << 40,
                            .segment_size = segment_size,
                            .sync = false,
                            .kept_for = 0ms,
                            .has_runs = true});
        BOOST_TEST_REQUIRE(writer.open().has_value());
        first = writer.end().own();
        for (int64_t seq = 0; seq < count; ++seq)
            if (!writer.append(one_row("S", seq))) throw std::runtime_error("append");
        BOOST_TEST_REQUIRE(writer.sync().has_value());
        end = writer.end().own();
    }

    // Damages the payload of every second record that append() has written.
    void damage() {
        uint64_t number = first;
        while (number < end) {
            auto segment = SegmentReader::open(files, spool_directory(), number);
            BOOST_TEST_REQUIRE(segment.has_value());
            const std::string path = spool_directory() + "/" + segment_name(number);
            const auto file = files.open(path, Files::Open::existing);
            BOOST_TEST_REQUIRE(file.has_value());
            for (uint64_t at = segment->offset(); segment->skip(number).value(); ++number) {
                constexpr std::array<std::byte, 8> damaged{std::byte{0xFF}};
                if (number % 2 == 1 && !(*file)->write(at + record_head_bytes, damaged))
                    throw std::runtime_error("write");
                at = segment->offset();
            }
        }
    }

    // Launches the daemon and waits until it handles SIGTERM. Before that, the signal kills it.
    void launch() {
        daemon.launch();
        BOOST_TEST_REQUIRE(before_long([&] { return has_thread("signals"); }));
    }

    // Returns whether a thread of the daemon has this name. Source: proc_pid_comm(5).
    bool has_thread(std::string_view wanted) {
        const fs::path threads = fmt::format("/proc/{}/task", daemon.process().pid());
        for (const auto& thread : fs::directory_iterator(threads)) {
            std::string name;
            if (std::ifstream(thread.path() / "comm") >> name && name == wanted) return true;
        }
        return false;
    }

    void stop_in_time() {
        const auto begin = std::chrono::steady_clock::now();
        daemon.process().send(SIGTERM);
        const auto status = daemon.process().wait(patience);
        const auto took = std::chrono::steady_clock::now() - begin;
        BOOST_TEST(status.value_or(-1) == 0, daemon.log());
        BOOST_TEST((took < stop_max), took / 1ms << " ms\n" << daemon.log());
    }

    [[nodiscard]] std::string stored() const {
        return daemon.query("SELECT COUNT(*) FROM site_checkins");
    }

    TestDaemon daemon;
    Files files;
    Clock clock;
    MetricShard shard;
    uint64_t first = 0;
    uint64_t end = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(long_recovery, RecoveryFixture)

BOOST_AUTO_TEST_CASE(stop_while_damaged_records_are_passed_over_takes_less_than_a_second) {
    append(400'000, 32 << 20);
    damage();
    for (const auto wait : {0ms, 100ms}) {
        daemon.start();
        while (daemon.metric("rollcall_spool_lost_records_total") == 0)
            std::this_thread::sleep_for(1ms);
        std::this_thread::sleep_for(wait);
        stop_in_time();
        // On a fast machine, the recovery may be complete before the second stop.
        BOOST_TEST_MESSAGE("rows that were stored before the stop: " << stored());
    }
    daemon.start();
    const std::string rows =
        "SELECT COUNT(*), COUNT(DISTINCT seq), SUM(seq % 2) FROM site_checkins";
    const std::string all = fmt::format("200000|200000|{}", first % 2 == 0 ? 0 : 200'000);
    BOOST_TEST(daemon.query_until(all, rows) == all);
    stop_in_time();
}

// Each segment has one record.
BOOST_AUTO_TEST_CASE(start_with_tens_of_thousands_of_segments_stores_rows_and_obeys_a_stop) {
    append(segments, segment_head_bytes + 1);
    launch();
    stop_in_time();
    BOOST_TEST(daemon.says("during the start"), daemon.log());
    for (const auto wait : {100ms, 300ms, 1000ms}) {
        launch();
        std::this_thread::sleep_for(wait);
        stop_in_time();
    }
    const auto begin = std::chrono::steady_clock::now();
    daemon.start();
    const auto ready = std::chrono::steady_clock::now();
    BOOST_TEST(daemon.query_until(std::to_string(segments), "SELECT COUNT(*) FROM site_checkins") ==
               std::to_string(segments));
    const auto done = std::chrono::steady_clock::now();
    BOOST_TEST_MESSAGE("ready after " << (ready - begin) / 1ms << " ms, all rows stored after "
                                      << (done - begin) / 1ms << " ms");
    stop_in_time();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
