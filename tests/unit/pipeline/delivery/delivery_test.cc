#include "pipeline/delivery/delivery.h"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <deque>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "pipeline/base/checksum.h"
#include "tests/support/memory_sink.h"
#include "tests/support/random.h"
#include "tests/support/spool_fixture.h"
#include "tests/support/transaction_sink.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

struct SinkThatIsDown final : Sink {
    Result<Position> open(const IncarnationId&) override { return fail(Code::sink_down); }
    Result<void> write(const Batch&) override { return fail(Code::sink_down); }
};

// A sink that takes 20 ms for each batch.
struct SlowSink final : Sink {
    Result<Position> open(const IncarnationId&) override { return Position{}; }
    Result<void> write(const Batch& batch) override {
        std::this_thread::sleep_for(20ms);
        rows += batch.rows.rows();
        return {};
    }
    size_t rows = 0;
};

struct DeliveryFixture : SpoolFixture {
    Delivery::Options options() {
        return {.name = SinkName::discard,
                .spool_directory = "spool",
                .spool = writer->id(),
                .rows_max = rows_max,
                .text_max = test_text_max,
                .age_max = 200ms,
                .retry_delay_max = 1000ms,
                .duplicate_window = window,
                .duplicates_max = 1'000'000,
                .counts_duplicates = true,
                .quarantine = std::make_shared<Quarantine>(files, "spool", 1 << 20),
                .dead_letters_size_max = dead_letters_size_max,
                .sync = true};
    }
    std::unique_ptr<Delivery> make(Sink& into) {
        return std::make_unique<Delivery>(files, clock, shard, writer->end(), into, options());
    }
    std::unique_ptr<Delivery> make() { return make(sink); }
    struct Report {
        int64_t fingerprint;
        int64_t seq;
        bool first_sending = false;
    };
    // Appends one record with these reports, which are received now, and syncs it.
    void report(std::initializer_list<Report> reports) {
        Columns record(16, 4 * test_text_max);
        for (const auto& [fingerprint, seq, first_sending] : reports)
            add_report(record, fingerprint, seq, clock.wall_us(), first_sending);
        if (!writer->append(record) || !writer->sync()) throw std::runtime_error("append");
    }
    [[nodiscard]] int64_t counted() const {
        return shard.read(Metric::checkins_duplicate_total, 0);
    }
    // Runs steps until there is nothing left to do.
    static void drain(Delivery& delivery) {
        for (int steps = 0; steps < 1000 && !delivery.caught_up(); ++steps)
            if (!delivery.step(true)) throw std::runtime_error("step");
    }

    size_t rows_max = 16;
    std::chrono::milliseconds window = 2min;
    uint64_t dead_letters_size_max = 1 << 20;
    MemorySink sink;
};

// A sink that several daemons share. It works unless a test marks it as down.
struct SharedTable : TransactionSink {
    SharedTable() {
        before = [this](Point) { return down ? fail(Code::sink_down) : Result<void>(); };
    }
    // Returns the reports among `seqs` that the table has not stored.
    [[nodiscard]] std::vector<int64_t> missing(const std::vector<int64_t>& seqs) const {
        std::vector<int64_t> absent;
        for (const int64_t seq : seqs)
            if (!holds(seq)) absent.push_back(seq);
        return absent;
    }
    [[nodiscard]] bool has(int64_t first, int64_t count) const {
        return missing(sequence(first, count)).empty();
    }
    bool down = false;
};

// A daemon with its own disk. The disk may be a copy of another daemon's disk.
struct Machine {
    explicit Machine(SharedTable& table) : sink(table) { start(); }
    Machine(SharedTable& table, const Machine& original, uint64_t inode) : sink(table) {
        files.copy(original.files);
        files.where.inode = inode;
        start();
    }
    void start() {
        delivery.reset();
        writer = std::make_unique<SpoolWriter>(files, clock, shard,
                                               SpoolWriter::Options{.directory = "spool",
                                                                    .size_max = 1 << 20,
                                                                    .segment_size = small_segment,
                                                                    .sync = true,
                                                                    .kept_for = 0ms,
                                                                    .has_runs = true});
        if (!writer->open()) throw std::runtime_error("open");
        Delivery::Options options{.name = SinkName::discard,
                                  .spool_directory = "spool",
                                  .spool = writer->id(),
                                  .rows_max = 16,
                                  .text_max = test_text_max,
                                  .age_max = 200ms,
                                  .retry_delay_max = 1000ms,
                                  .duplicate_window = 0ms,
                                  .duplicates_max = 1000,
                                  .dead_letters_size_max = 1 << 20,
                                  .sync = true,
                                  .lineage = &writer->lineage()};
        delivery = std::make_unique<Delivery>(files, clock, shard, writer->end(), sink, options);
    }
    void restore(const MemoryFiles& backup) {
        delivery.reset();
        writer.reset();
        files.copy(backup);
    }
    // Writes reports of one site in one minute to the spool, and syncs them.
    void report(int64_t first, int64_t count) {
        for (int64_t seq = first; seq < first + count; ++seq)
            if (!writer->append(one_row("S", seq))) throw std::runtime_error("append");
        if (!writer->sync()) throw std::runtime_error("sync");
    }
    void drain() {
        for (int steps = 0; steps < 1000 && !delivery->caught_up(); ++steps)
            if (!delivery->step(true)) throw std::runtime_error("step");
        BOOST_TEST(delivery->caught_up());
    }
    [[nodiscard]] int64_t counted(Metric metric) const {
        return shard.read(metric, label_of(SinkName::discard));
    }

    MemoryFiles files;
    ManualClock clock;
    MetricShard shard;
    std::unique_ptr<SpoolWriter> writer;
    TransactionSink::Endpoint sink;
    std::unique_ptr<Delivery> delivery;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(delivery, DeliveryFixture)

BOOST_AUTO_TEST_CASE(records_are_merged_into_batches_that_fill) {
    append_and_sync(0, 40);
    const auto delivery = make();
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(sink.batches == std::vector<size_t>({16, 16}), boost::test_tools::per_element());
    BOOST_TEST(sink.position == 32);
    BOOST_TEST(delivery->stored().read() == 32);
}

BOOST_AUTO_TEST_CASE(batch_that_is_not_full_waits_until_its_oldest_row_is_old_enough) {
    append_and_sync(0, 3);
    const auto delivery = make();
    BOOST_TEST(delivery->step().value() == 200ms);
    BOOST_TEST(sink.seqs.empty());
    clock.pass(150ms);
    BOOST_TEST(delivery->step().value() == 50ms);
    clock.pass(50ms);
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(sink.seqs == sequence(0, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(draining_writes_at_once) {
    append_and_sync(0, 3);
    const auto delivery = make();
    BOOST_TEST(delivery->step(true).has_value());
    BOOST_TEST(sink.seqs == sequence(0, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_row_has_an_id_of_its_own_and_keeps_it_when_read_again) {
    append_and_sync(0, 20);
    drain(*make());
    const std::vector<int64_t> ids = sink.ids;
    BOOST_TEST(std::set<int64_t>(ids.begin(), ids.end()).size() == 20);

    sink = {};
    drain(*make());
    BOOST_TEST(sink.ids == ids, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(delivery_begins_where_the_sink_was) {
    append_and_sync(0, 20);
    sink.position = 12;
    drain(*make());
    BOOST_TEST(sink.seqs == sequence(12, 8), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(failure_before_the_commit_loses_nothing_and_doubles_nothing) {
    append_and_sync(0, 40);
    const auto delivery = make();
    BOOST_TEST(delivery->step().has_value());
    sink.fails = MemorySink::Failure::before_commit;
    BOOST_TEST(delivery->step().value() > 0ms);
    BOOST_TEST(delivery->health().shard().read(Metric::sink_up, label_of(SinkName::discard)) == 0);
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 40), boost::test_tools::per_element());
    BOOST_TEST(delivery->health().shard().read(Metric::sink_up, label_of(SinkName::discard)) == 1);
}

BOOST_AUTO_TEST_CASE(failure_after_the_commit_loses_nothing_and_doubles_nothing) {
    append_and_sync(0, 40);
    const auto delivery = make();
    sink.fails = MemorySink::Failure::after_commit;
    BOOST_TEST(delivery->step().value() > 0ms);
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 40), boost::test_tools::per_element());
    BOOST_TEST(sink.opened == 2);
}

BOOST_AUTO_TEST_CASE(batch_that_is_more_than_the_sink_takes_in_its_time_is_tried_by_halves) {
    append_and_sync(0, 60);
    sink.rows_in_time = 3;
    const auto delivery = make();
    for (int step = 0; step < 4; ++step) BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(sink.batches == std::vector<size_t>({2}), boost::test_tools::per_element());
    sink.rows_in_time = 16;
    sink.batches.clear();
    drain(*delivery);
    BOOST_TEST(sink.batches == std::vector<size_t>({4, 8, 16, 16, 14}),
               boost::test_tools::per_element());
    BOOST_TEST(sink.seqs == sequence(0, 60), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(row_that_is_refused_for_good_is_a_dead_letter_and_the_others_are_stored) {
    append_and_sync(0, 20);
    sink.refuses = {5, 17};
    drain(*make());
    std::vector<int64_t> others = sequence(0, 20);
    std::erase_if(others, [&](int64_t seq) { return sink.refuses.contains(seq); });
    BOOST_TEST(sink.seqs == others, boost::test_tools::per_element());
    BOOST_TEST(sink.position == 20);
    BOOST_TEST(shard.read(Metric::sink_rows_total, label_of(SinkName::discard)) == 18);
    BOOST_TEST(shard.read(Metric::dead_letters_total,
                          label_of(SinkName::discard, DeadReason::constraint)) == 2);

    MemorySink fixed;
    DeadLetters letters(files, clock, shard,
                        {SinkName::discard, "spool", writer->id(), dead_letters_size_max, true});
    BOOST_TEST(letters.replay(fixed, 16, test_text_max, [](uint64_t, uint64_t) {}).has_value());
    BOOST_TEST(fixed.seqs == std::vector<int64_t>({5, 17}), boost::test_tools::per_element());
    sink = {};
    drain(*make());  // The sink is empty again and stores all rows. Their ids must be the same.
    BOOST_TEST(sink.ids[5] == fixed.ids[0]);
    BOOST_TEST(sink.ids[17] == fixed.ids[1]);
}

BOOST_AUTO_TEST_CASE(place_in_a_letter_is_that_of_the_row_though_copies_before_it_are_left_out) {
    report({{1, 10}, {2, 20}});
    report({{1, 11}, {2, 21}, {3, 30}});
    sink.refuses = {30};
    drain(*make());
    const Cursor end(1);
    SpoolReader reader(files, "spool/dead/discard", end, nullptr);
    BOOST_TEST(reader.seek(0).has_value());
    const auto record = reader.peek().value().value();
    const auto letter = dead_letter_of(record).value();
    BOOST_TEST(letter.place.record == 1);
    BOOST_TEST(letter.place.row == 2);
}

BOOST_AUTO_TEST_CASE(sink_waits_and_says_why_while_a_refused_row_cannot_be_kept) {
    dead_letters_size_max = 0;
    append_and_sync(0, 20);
    sink.refuses = {5};
    const auto delivery = make();
    BOOST_TEST(delivery->step().value() > 0ms);
    BOOST_TEST(sink.position == 0);
    BOOST_TEST(delivery->health().status().cause.find("spool.dead_letters_size_max") !=
               std::string::npos);
    BOOST_TEST(delivery->health().shard().read(Metric::sink_up, label_of(SinkName::discard)) == 0);
    sink.refuses.clear();
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 20), boost::test_tools::per_element());
    BOOST_TEST(delivery->health().status().cause == "");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_until_a_batch_is_stored_or_nothing_waits) {
    append_and_sync(0, 20);
    const auto delivery = make();
    sink.explanation = "no power; see the wall";
    sink.fails = MemorySink::Failure::before_commit;
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(delivery->health().status().cause == "no power; see the wall");
    sink.explanation.clear();
    sink.fails = MemorySink::Failure::open;
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(delivery->health().status().cause == info(Code::sink_down).help);
    drain(*delivery);
    BOOST_TEST(delivery->health().status().cause == "");

    sink.fails = MemorySink::Failure::open;
    const auto idle = make();
    BOOST_TEST(idle->step().has_value());
    BOOST_TEST(idle->health().status().cause == info(Code::sink_down).help);
    BOOST_TEST(idle->step().has_value());
    BOOST_TEST(idle->health().status().cause == "");
}

BOOST_AUTO_TEST_CASE(pauses_between_attempts_grow_to_their_limit_and_begin_anew) {
    const auto delivery = make();
    std::vector<int64_t> pauses;
    for (int attempt = 0; attempt < 6; ++attempt) {
        sink.fails = MemorySink::Failure::open;
        pauses.push_back(delivery->step().value().count());
    }
    BOOST_TEST(pauses == std::vector<int64_t>({100, 200, 400, 800, 1000, 1000}),
               boost::test_tools::per_element());
    append_and_sync(0, 32);
    BOOST_TEST(delivery->step().value() == 0ms);
    sink.fails = MemorySink::Failure::before_commit;
    BOOST_TEST(delivery->step().value() == 100ms);
}

BOOST_AUTO_TEST_CASE(sink_is_polled_only_while_it_is_open) {
    const auto delivery = make();
    sink.fails = MemorySink::Failure::open;
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(sink.polled == 0);
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(sink.polled == 1);
    append_and_sync(0, 3);
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(sink.polled == 2);
}

BOOST_AUTO_TEST_CASE(sink_whose_table_is_gone_is_down_and_asked_again_without_a_batch) {
    append_and_sync(0, 3);
    const auto delivery = make();
    drain(*delivery);
    sink.poll_fails = true;
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(delivery->health().status().cause == "gone");
    BOOST_TEST(delivery->health().shard().read(Metric::sink_up, label_of(SinkName::discard)) == 0);
    sink.poll_fails = false;
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(sink.opened == 2);
    BOOST_TEST(delivery->health().status().cause == "");
}

BOOST_AUTO_TEST_CASE(records_that_the_sink_may_still_lose_are_not_settled) {
    append_and_sync(0, 40);
    sink.settled_end = 20;
    const auto delivery = make();
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(delivery->settled().read() == 16);
    drain(*delivery);
    BOOST_TEST(delivery->stored().read() == 40);
    BOOST_TEST(delivery->settled().read() == 20);
}

BOOST_AUTO_TEST_CASE(record_larger_than_a_batch_is_stored_all_the_same) {
    Columns large(100, 100 * row_text_max);
    for (int64_t seq = 0; seq < 100; ++seq) add_row(large, "S", seq);
    BOOST_TEST(writer->append(large).has_value());
    append_and_sync(100, 1);
    drain(*make());
    BOOST_TEST(sink.seqs == sequence(0, 101), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sink_that_is_ahead_of_the_spool_at_start_gets_every_record_from_then_on) {
    append_and_sync(0, 2);
    sink.position = 30;
    const auto delivery = make();
    append_and_sync(2, 40);
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(2, 40), boost::test_tools::per_element());
    BOOST_TEST(sink.position == 42);
}

BOOST_AUTO_TEST_CASE(sink_that_another_daemon_has_moved_on_gets_every_record_of_this_one) {
    append_and_sync(0, 60);
    for (const uint64_t elsewhere : {33, 59, 1000}) {
        sink = {};
        const auto delivery = make();
        BOOST_TEST(delivery->step().has_value());
        BOOST_TEST(sink.position == 16);
        sink.position = elsewhere;
        sink.fails = MemorySink::Failure::before_commit;
        drain(*delivery);
        BOOST_TEST(sink.seqs == sequence(0, 60), boost::test_tools::per_element());
        BOOST_TEST(sink.position == 60);
    }
}

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_a_sink_that_is_down_longer_than_it_may) {
    append_and_sync(0, 3);
    Delivery::Options patient = options();
    patient.retry_delay_max = 1h;
    SinkThatIsDown down;
    const Clock real;
    Delivery delivery(files, real, shard, writer->end(), down, patient);
    for (int attempts = 0; attempts < 10; ++attempts) BOOST_TEST(delivery.step().has_value());
    delivery.start();
    const auto begin = std::chrono::steady_clock::now();
    delivery.begin_stop(100ms);
    delivery.join();
    // After ten failed attempts, the delivery would wait 102 s until the next one.
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 20s));
}

BOOST_AUTO_TEST_CASE(stop_does_not_wait_for_a_sink_that_is_down_if_it_lacks_nothing) {
    append_and_sync(0, 3);
    const Clock real;
    Delivery delivery(files, real, shard, writer->end(), sink, options());
    drain(delivery);
    sink.poll_fails = true;
    BOOST_TEST(delivery.step().has_value());
    BOOST_TEST(delivery.health().shard().read(Metric::sink_up, label_of(SinkName::discard)) == 0);
    delivery.start();
    const auto begin = std::chrono::steady_clock::now();
    delivery.begin_stop(10min);
    delivery.join();
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 1min));
}

BOOST_AUTO_TEST_CASE(age_of_the_backlog_grows_while_the_sink_is_down_and_lacks_records) {
    const size_t label = label_of(SinkName::discard);
    const auto delivery = make();
    drain(*delivery);
    sink.poll_fails = true;
    BOOST_TEST(delivery->step().has_value());
    clock.pass(60s);
    BOOST_TEST(delivery->step().has_value());
    // The sink has stored everything.
    BOOST_TEST(shard.read(Metric::spool_backlog_seconds, label) == 0);
    append_and_sync(0, 3);
    BOOST_TEST(delivery->step().has_value());
    clock.pass(90s);
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(shard.read(Metric::spool_backlog_seconds, label) == 90);
    sink.poll_fails = false;
    drain(*delivery);
    BOOST_TEST(delivery->step().has_value());
    BOOST_TEST(shard.read(Metric::spool_backlog_seconds, label) == 0);
}

BOOST_AUTO_TEST_CASE(stop_stores_what_the_spool_holds) {
    append_and_sync(0, 50);
    const auto delivery = make();
    delivery->start();
    delivery->begin_stop(10s);
    delivery->join();
    BOOST_TEST(sink.seqs == sequence(0, 50), boost::test_tools::per_element());
}

// With a backlog of hours, a stop must not take the whole delivery.stop_timeout_max.
BOOST_AUTO_TEST_CASE(stop_gives_a_delivery_that_is_far_behind_a_part_of_its_time) {
    rows_max = 1;
    segment_size = size_max = 64 << 20;
    BOOST_TEST(open().has_value());
    append_and_sync(0, 5'000);  // The sink takes 100 s for these records.
    const Clock real;
    SlowSink slow;
    Delivery delivery(files, real, shard, writer->end(), slow, options());
    delivery.start();
    const auto begin = std::chrono::steady_clock::now();
    delivery.begin_stop(10s);
    delivery.join();
    BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
    BOOST_TEST(slow.rows > 0);
    BOOST_TEST(slow.rows < 400);
    BOOST_TEST(delivery.stored().read() == slow.rows);
}

BOOST_AUTO_TEST_CASE(stop_gives_a_delivery_that_lacks_little_all_of_its_time) {
    rows_max = 1;
    append_and_sync(0, 50);  // The sink takes a second for these records.
    const Clock real;
    SlowSink slow;
    Delivery delivery(files, real, shard, writer->end(), slow, options());
    delivery.start();
    // A delivery that is far behind would get only a twentieth of these 19 s, less than a second.
    delivery.begin_stop(19s);
    delivery.join();
    BOOST_TEST(slow.rows == 50);
}

BOOST_AUTO_TEST_CASE(report_sent_twice_is_stored_once) {
    const auto delivery = make();
    report({{7, 0}, {8, 1}, {7, 2}});  // Repeated in the same record.
    report({{8, 3}, {9, 4}});          // Repeated in the same batch.
    drain(*delivery);
    report({{7, 5}, {10, 6}});  // Repeated in another batch.
    drain(*delivery);
    BOOST_TEST(sink.seqs == std::vector<int64_t>({0, 1, 4, 6}), boost::test_tools::per_element());
    BOOST_TEST(std::set<int64_t>(sink.ids.begin(), sink.ids.end()).size() == 4);
    BOOST_TEST(counted() == 3);
}

BOOST_AUTO_TEST_CASE(message_that_looks_like_another_is_a_copy_only_if_it_says_so) {
    const auto delivery = make();
    report({{7, 0, true}, {7, 1, true}});
    report({{7, 2}, {7, 3, true}, {8, 4}, {8, 5, true}});
    drain(*delivery);
    BOOST_TEST(sink.seqs == std::vector<int64_t>({0, 1, 3, 4, 5}),
               boost::test_tools::per_element());
    sink.is_shared = true;
    report({{9, 6, true}, {9, 7, true}});
    drain(*delivery);
    BOOST_TEST(std::set<int64_t>(sink.ids.begin(), sink.ids.end()).size() == 7);
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_fingerprint_tells_reports_apart) {
    const auto delivery = make();
    for (int bit = 0; bit < 64; ++bit) report({{static_cast<int64_t>(uint64_t{1} << bit), bit}});
    report({{0, 64}, {-1, 65}, {INT64_MIN, -1}, {0, -1}, {-1, -1}});
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 66), boost::test_tools::per_element());
}

// Older spools have no column `first_sending`. They mark a first sending by a negative fingerprint.
BOOST_AUTO_TEST_CASE(spool_of_an_older_daemon_says_first_sending_by_a_negative_fingerprint) {
    report({{-7, 0}, {-7, 1}, {7, 2}, {-7, 3}, {8, 4}, {-8, 5}, {9, 6}, {9, 7}});
    // Remove the columns that an older daemon did not have.
    const auto segment = files.open("spool/" + segment_name(0), Files::Open::existing).value();
    std::array<std::byte, 2048> head{};
    BOOST_TEST_REQUIRE(segment->read(0, head).value() == head.size());
    const auto number_at = [&](size_t at) {
        uint32_t number = 0;
        std::memcpy(&number, &head[at], sizeof number);
        return number;
    };
    const auto set_number = [&](size_t at, uint32_t number) {
        std::memcpy(&head[at], &number, sizeof number);
    };
    constexpr size_t checksum_at = 12;
    constexpr size_t text_bytes_at = 44;
    constexpr size_t text_at = 80;
    std::string text(reinterpret_cast<const char*>(head.data()) + text_at,
                     number_at(text_bytes_at));
    const size_t later = text.find("text tenant\n");
    BOOST_TEST_REQUIRE(later != text.npos);
    std::ranges::fill(std::span(head).subspan(text_at + later), std::byte{});
    text.resize(later);
    set_number(40, static_cast<uint32_t>(std::ranges::count(text, '\n')));
    set_number(text_bytes_at, static_cast<uint32_t>(later));
    set_number(checksum_at, 0);
    set_number(checksum_at, checksum(head));
    for (const uint64_t copy : {0, 2048})
        BOOST_TEST_REQUIRE(segment->write(copy, std::span<const std::byte>(head)).has_value());

    drain(*make());
    BOOST_TEST(sink.seqs == std::vector<int64_t>({0, 1, 3, 4, 5, 6}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(reports_that_cannot_be_told_apart_are_all_stored) {
    append_and_sync(0, 20);
    append_and_sync(0, 20);
    drain(*make());
    BOOST_TEST(sink.seqs.size() == 40);
    BOOST_TEST(counted() == 0);
}

BOOST_AUTO_TEST_CASE(first_report_after_a_reboot_that_equals_one_of_last_week_is_stored) {
    sink.is_shared = true;
    const auto delivery = make();
    report({{7, 0}});
    drain(*delivery);
    clock.pass(std::chrono::hours(7 * 24));
    report({{7, 1}});
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 2), boost::test_tools::per_element());
    BOOST_TEST(sink.ids[0] != sink.ids[1]);
}

BOOST_AUTO_TEST_CASE(duplicates_alone_move_the_position_at_once) {
    const auto delivery = make();
    report({{7, 0}});
    drain(*delivery);
    report({{7, 1}});
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(sink.position == 2);
    BOOST_TEST(delivery->stored().read() == 2);
    BOOST_TEST(counted() == 1);
}

BOOST_AUTO_TEST_CASE(step_reads_no_more_than_a_batch_of_duplicates) {
    const auto delivery = make();
    for (int64_t seq = 0; seq < 100; ++seq) report({{7, seq}});
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(sink.position == rows_max);
}

BOOST_AUTO_TEST_CASE(row_whose_batch_failed_is_not_a_duplicate_of_itself) {
    for (const auto failure :
         {MemorySink::Failure::before_commit, MemorySink::Failure::after_commit}) {
        const int64_t seq = static_cast<int64_t>(sink.seqs.size());
        const auto delivery = make();
        clock.pass(1h);
        report({{7, seq}, {7, -1}});
        sink.fails = failure;
        BOOST_TEST(delivery->step(true).value() > 0ms);
        drain(*delivery);
        report({{7, -1}});
        drain(*delivery);
        BOOST_TEST(sink.seqs == sequence(0, seq + 1), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(delivery_that_begins_anew_knows_what_came_before_it) {
    report({{7, 0}, {8, 1}});
    drain(*make());
    clock.pass(119s);
    BOOST_TEST(open().has_value());
    report({{7, 2}, {9, 3}});
    drain(*make());
    clock.pass(2s);
    report({{8, 4}});
    drain(*make());
    BOOST_TEST(sink.seqs == std::vector<int64_t>({0, 1, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(record_from_before_that_cannot_be_read_is_not_lost_again) {
    report({{7, 0}});
    drain(*make());
    files.flip(last_segment(), segment_head_bytes + sizeof(RecordHead) + 20);
    report({{8, 1}});
    drain(*make());
    BOOST_TEST(sink.seqs == sequence(0, 2), boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 0);
}

BOOST_AUTO_TEST_CASE(record_that_contradicts_itself_is_lost_alone) {
    // The record has valid checksums and invalid contents. Only a bug of the writer could cause
    // such a record.
    append_and_sync(0, 3);
    Columns wrong(4, test_text_max);
    add_row(wrong, "S", 3);
    std::string payload = payload_of(wrong);
    payload[8] = 2;  // Changes PayloadHead::rows.
    const uint32_t sum = checksum_end(
        checksum_add(payload_checksum_start(writer->id()), std::as_bytes(std::span(payload))));
    BOOST_TEST(append(3).has_value());
    const auto head = encode_record_head(
        {3, 3, clock.wall_us(), static_cast<uint32_t>(payload.size()), 1, sum}, writer->id());
    const uint64_t at = segment_head_bytes + writer->bytes_from(0) - record_bytes(payload.size());
    const auto file = files.open(last_segment(), Files::Open::existing);
    BOOST_TEST((*file)->write(at, head).has_value());
    BOOST_TEST((*file)->write(at + head.size(), std::as_bytes(std::span(payload))).has_value());
    BOOST_TEST(writer->sync().has_value());
    append_and_sync(4, 2);
    drain(*make());
    BOOST_TEST(sink.seqs == std::vector<int64_t>({0, 1, 2, 4, 5}),
               boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 1);
}

BOOST_AUTO_TEST_CASE(step_passes_over_a_bounded_part_of_much_damage_and_stores_how_far_it_is) {
    append_damaged(10'000, 9'999, 1);
    const auto delivery = make();
    int steps = 0;
    for (; !delivery->caught_up(); ++steps) {
        BOOST_TEST_REQUIRE(steps < 100);
        BOOST_TEST_REQUIRE(delivery->step(true).has_value());
    }
    BOOST_TEST(steps >= 3);
    BOOST_TEST(sink.seqs == sequence(9'999, 1), boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 9'999);
}

BOOST_AUTO_TEST_CASE(step_reads_a_bounded_part_of_a_large_window) {
    segment_size = 4 << 20;
    size_max = 64 << 20;
    BOOST_TEST(open().has_value());
    for (int64_t seq = 0; seq < 5'000; ++seq) {
        Columns record(16, 4 * test_text_max);
        add_report(record, seq + 1, seq, clock.wall_us(), false);
        BOOST_TEST_REQUIRE(writer->append(record).has_value());
    }
    BOOST_TEST(writer->sync().has_value());
    drain(*make());
    report({{1, 5'000}, {7'000, 5'001}});  // The first one is a duplicate.
    const auto delivery = make();
    int steps = 0;
    for (; !delivery->caught_up(); ++steps) {
        BOOST_TEST_REQUIRE(steps < 100);
        BOOST_TEST_REQUIRE(delivery->step(true).has_value());
    }
    BOOST_TEST(steps >= 4);
    BOOST_TEST(sink.seqs.size() == 5'001);
}

BOOST_AUTO_TEST_CASE(for_want_of_file_descriptors_nothing_is_lost_and_the_sink_waits) {
    append_and_sync(0, 200);  // Several segments.
    const auto delivery = make();
    bool none_left = false;
    files.before = [&](MemoryFiles::Operation operation, const std::string&) -> Result<void> {
        if (none_left && operation == MemoryFiles::Operation::open)
            return fail(Code::too_many_files, EMFILE);
        return {};
    };
    for (int steps = 0; !delivery->caught_up(); ++steps) {
        BOOST_TEST_REQUIRE(steps < 1000);
        none_left = steps % 3 == 1;
        BOOST_TEST_REQUIRE(delivery->step(true).has_value());
    }
    BOOST_TEST(sink.seqs == sequence(0, 200), boost::test_tools::per_element());
    BOOST_TEST(shard.read(Metric::spool_lost_records_total, 0) == 0);
}

BOOST_AUTO_TEST_CASE(clock_that_is_set_back_holds_up_no_batch) {
    append_and_sync(0, 3);
    clock.wall -= std::chrono::microseconds(24h).count();
    const auto delivery = make();
    BOOST_TEST(delivery->step().value() == 200ms);
    clock.pass(200ms);
    BOOST_TEST(delivery->step().value() == 0ms);
    BOOST_TEST(sink.seqs == sequence(0, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_sink_leaves_out_the_same_rows) {
    MemorySink other;
    const auto delivery = make();
    const auto second = make(other);
    for (int64_t seq = 0; seq < 60; ++seq) {
        clock.pass(1s);
        report({{1 + seq % 25, seq}});
        drain(*delivery);
        if (seq % 20 == 0) drain(*second);
    }
    drain(*second);
    BOOST_TEST(sink.seqs == sequence(0, 25), boost::test_tools::per_element());
    BOOST_TEST(other.seqs == sink.seqs, boost::test_tools::per_element());
    BOOST_TEST(other.ids == sink.ids, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(window_of_0_stores_every_row_and_names_it_by_its_place) {
    window = 0ms;
    sink.is_shared = true;
    report({{7, 0}, {7, 1}});
    report({{7, 2}});
    drain(*make());
    BOOST_TEST(sink.seqs == sequence(0, 3), boost::test_tools::per_element());
    BOOST_TEST(std::set<int64_t>(sink.ids.begin(), sink.ids.end()).size() == 3);
}

BOOST_AUTO_TEST_CASE(copy_that_went_through_another_daemon_has_the_same_id_in_a_shared_sink) {
    DeliveryFixture other;
    for (const bool shared : {false, true}) {
        clock.pass(1h);
        other.clock.pass(1h);
        sink.is_shared = other.sink.is_shared = shared;
        report({{7, 0}});
        other.report({{6, 0}, {7, 0}});
        drain(*make());
        drain(*other.make());
        BOOST_TEST((sink.ids.back() == other.sink.ids.back()) == shared);
    }
}

BOOST_AUTO_TEST_CASE(row_that_the_sink_had_already_does_not_count_as_stored) {
    report({{1, 0}, {2, 1}, {3, 2}});
    sink.had = 2;
    drain(*make());
    BOOST_TEST(shard.read(Metric::sink_rows_total, label_of(SinkName::discard)) == 1);
    BOOST_TEST(shard.read(Metric::sink_duplicate_rows_total, label_of(SinkName::discard)) == 2);
}

// Routers repeat reports within the window. Every report must be stored once, whatever fails.
BOOST_AUTO_TEST_CASE(no_failure_and_no_restart_changes_which_rows_are_stored) {
    Random random("delivery.failures");
    for (int round = 0; round < 20; ++round) {
        DeliveryFixture spool;
        spool.kept_for = spool.window;
        BOOST_TEST_REQUIRE(spool.open().has_value());
        std::vector<int64_t> firsts;
        struct Sent {
            int64_t fingerprint;
            int64_t us;
        };
        std::deque<Sent> lately;
        auto delivery = spool.make();
        for (int64_t seq = 0; seq < 600; ++seq) {
            spool.clock.pass(std::chrono::milliseconds(random.below(2000)));
            const int64_t now_us = spool.clock.wall_us();
            while (!lately.empty() && now_us - lately.front().us > 119'000'000) lately.pop_front();
            if (!lately.empty() && random.below(3) == 0) {
                spool.report({{lately[random.below(lately.size())].fingerprint, -1}});
            } else {
                spool.report({{seq + 1, seq}});
                lately.push_back({seq + 1, now_us});
                firsts.push_back(seq);
            }
            constexpr MemorySink::Failure kinds[] = {MemorySink::Failure::open,
                                                     MemorySink::Failure::before_commit,
                                                     MemorySink::Failure::after_commit};
            if (random.below(10) == 0) spool.sink.fails = kinds[random.below(3)];
            if (random.below(20) == 0) delivery = spool.make();
            if (random.below(50) == 0) {
                delivery.reset();
                BOOST_TEST_REQUIRE(spool.open().has_value());
                delivery = spool.make();
            }
            if (random.below(3) == 0) BOOST_TEST_REQUIRE(delivery->step().has_value());
            BOOST_TEST_REQUIRE(spool.writer->drop(delivery->stored().read()).has_value());
        }
        drain(*delivery);
        BOOST_TEST_REQUIRE(spool.sink.seqs == firsts, boost::test_tools::per_element());
    }
}

// --- positions that went back, spools that were copied or restored ---

BOOST_AUTO_TEST_CASE(copy_of_a_spool_and_its_original_are_both_stored_in_full) {
    // A copy in another directory has another inode (2). A clone of the whole disk has the same
    // inode (0).
    for (const uint64_t inode : {2, 0}) {
        SharedTable table;
        Machine original(table);
        original.report(0, 10);
        original.drain();
        original.report(10, 10);  // Both spools contain these rows, but the table does not yet.
        Machine copy(table, original, inode);
        for (int64_t turn = 0; turn < 5; ++turn) {
            original.report(1000 + 40 * turn, 40);
            copy.report(2000 + 40 * turn, 40);
            if (turn % 2 == 0) original.drain();
            copy.drain();
            if (turn == 3) copy.start();
        }
        original.drain();
        BOOST_TEST(table.has(0, 20));
        BOOST_TEST(table.has(1000, 200));
        BOOST_TEST(table.has(2000, 200));
        BOOST_TEST(!table.repeated().has_value());
        BOOST_TEST(table.content().positions.size() == 2);
        for (const Machine* machine : {&original, &copy}) {
            BOOST_TEST(machine->counted(Metric::sink_missing_records_total) == 0);
            BOOST_TEST(machine->shard.read(Metric::spool_lost_records_total, 0) == 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(restart_or_reboot_leaves_one_position) {
    SharedTable table;
    Machine machine(table);
    for (int64_t start = 0; start < 5; ++start) {
        machine.files.where.boot[0] = static_cast<char>('a' + start);
        machine.files.where.device = static_cast<uint64_t>(start);
        machine.start();
        machine.report(10 * start, 10);
        machine.drain();
    }
    BOOST_TEST(table.has(0, 50));
    BOOST_TEST(table.content().positions.size() == 1);
    BOOST_TEST(machine.counted(Metric::sink_setbacks_total) == 0);
}

// Records that are acknowledged after the restore get numbers that the sink regards as stored.
BOOST_AUTO_TEST_CASE(
    older_spool_restored_while_the_sink_is_down_is_stored_in_full_after_a_restart) {
    for (const bool restarted_before : {false, true}) {
        SharedTable table;
        Machine machine(table);
        machine.report(0, 10);
        machine.drain();
        MemoryFiles backup;
        backup.copy(machine.files);
        if (restarted_before) machine.start();
        machine.report(10, 30);
        machine.drain();

        machine.restore(backup);
        table.down = true;
        machine.start();
        machine.report(100, 15);
        BOOST_TEST(machine.delivery->step(true).value() > 0ms);
        machine.start();
        machine.report(115, 15);
        BOOST_TEST(machine.delivery->step(true).value() > 0ms);
        machine.start();
        table.down = false;
        machine.drain();
        BOOST_TEST(table.has(100, 30));
        BOOST_TEST(!table.repeated().has_value());
        BOOST_TEST(machine.counted(Metric::sink_missing_records_total) == 0);
    }
}

BOOST_AUTO_TEST_CASE(position_that_goes_back_is_no_reason_to_end_and_all_is_sent_again) {
    SharedTable table;
    Machine machine(table);
    machine.report(0, 3);
    machine.drain();
    const TransactionSink::Content backup = table.content();
    machine.report(3, 10);
    machine.drain();
    table.restore(backup);
    machine.report(13, 1);
    machine.drain();
    BOOST_TEST(table.has(0, 14));
    BOOST_TEST(!table.repeated().has_value());
    BOOST_TEST(machine.counted(Metric::sink_setbacks_total) == 1);
    BOOST_TEST(machine.counted(Metric::sink_missing_records_total) == 0);
}

BOOST_AUTO_TEST_CASE(committer_drops_nothing_that_is_sent_again) {
    SharedTable table;
    Machine machine(table);
    machine.report(0, 100);
    machine.drain();
    table.restore({});
    machine.report(100, 1);
    BOOST_TEST(machine.delivery->step(true).has_value());  // Reads the changed position.
    BOOST_TEST(machine.delivery->step(true).has_value());
    BOOST_TEST(machine.delivery->stored().read() < 100);
    BOOST_TEST(
        machine.writer->drop(machine.delivery->stored().read(), machine.delivery->settled().read())
            .has_value());
    machine.drain();
    BOOST_TEST(table.has(0, 101));
}

BOOST_AUTO_TEST_CASE(records_that_neither_sink_nor_spool_holds_are_counted_once) {
    SharedTable table;
    Machine machine(table);
    machine.report(0, 100);
    machine.drain();
    BOOST_TEST(machine.writer->drop(100, 100).has_value());
    table.restore({});
    machine.report(100, 1);
    machine.drain();
    const auto lost = static_cast<int64_t>(table.missing(sequence(0, 101)).size());
    BOOST_TEST(lost > 0);
    BOOST_TEST(machine.counted(Metric::sink_missing_records_total) == lost);
    BOOST_TEST(machine.shard.read(Metric::spool_lost_records_total, 0) == 0);
    table.restore({});
    machine.report(101, 1);
    machine.drain();
    BOOST_TEST(machine.counted(Metric::sink_missing_records_total) == lost);
}

BOOST_AUTO_TEST_CASE(rows_keep_the_ids_of_the_run_that_wrote_them) {
    SharedTable table;
    Machine machine(table);
    machine.report(0, 20);
    machine.drain();
    const auto keys = table.content().keys;
    table.restore({});
    machine.start();
    machine.drain();
    BOOST_TEST((table.content().keys == keys));
    table.restore({});
    Machine copy(table, machine, 2);
    copy.drain();
    BOOST_TEST((table.content().keys == keys));
}

// The segment has format 2. This format does not record the runs of the daemon (a run is the time
// from a start to its end, lineage.h). The sink has already stored the first two records of the
// segment.
BOOST_AUTO_TEST_CASE(spool_of_an_older_version_is_read_and_its_rows_keep_their_ids) {
    std::ifstream file(ROLLCALL_SOURCE_DIR "/tests/spools/format_2.segment", std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    BOOST_TEST_REQUIRE(bytes.size() == 4856);
    MemoryFiles older;
    {
        const auto segment = older.open("spool/" + segment_name(0), Files::Open::create).value();
        BOOST_TEST(segment->write(0, std::as_bytes(std::span(bytes))).has_value());
        BOOST_TEST(segment->sync().has_value());
        BOOST_TEST(older.sync_directory("spool").has_value());
    }
    const SpoolId id = spool_id_of("1caa36db-4d33-43dc-838c-5f839526ca8f").value();
    SharedTable table;
    TransactionSink::Content stored;
    stored.positions[id] = {2, id};
    table.restore(stored);
    Machine machine(table);
    machine.restore(older);
    machine.start();
    machine.report(6, 1);
    machine.drain();
    BOOST_TEST(table.has(3, 4));
    BOOST_TEST(!table.holds(2));
    for (const int64_t old_id : {842276620720604714, 842276620720621098, 842276620720637482})
        BOOST_TEST(table.content().keys.contains({old_id, "A"}));
    BOOST_TEST(table.content().positions.size() == 1);
    BOOST_TEST(table.content().positions.at(id).next_record == 6);
    BOOST_TEST((machine.writer->id() == id));
}

BOOST_AUTO_TEST_CASE(dead_letters_of_a_restored_spool_are_those_of_its_own_rows) {
    SharedTable table;
    table.refuses = [](int64_t seq) { return seq % 10 == 5; };
    Machine machine(table);
    MemoryFiles backup;
    backup.copy(machine.files);
    machine.report(0, 10);
    // Row 5 becomes a dead letter. It must stay when an older spool is copied over the spool.
    machine.drain();
    MemoryFiles later;
    later.copy(machine.files);
    machine.restore(backup);
    for (const auto& name : later.names("spool/dead/discard"))
        machine.files.take("spool/dead/discard/" + name, later);
    machine.start();
    machine.report(100, 10);
    machine.drain();
    table.refuses = nullptr;
    DeadLetters letters(machine.files, machine.clock, machine.shard,
                        {.sink = SinkName::discard,
                         .spool_directory = "spool",
                         .spool = machine.writer->id(),
                         .size_max = 1 << 20,
                         .sync = true});
    const auto replayed =
        letters.replay(machine.sink, 16, test_text_max, [](uint64_t, uint64_t) {});
    BOOST_TEST(replayed.value().stored == 2);
    BOOST_TEST(table.has(0, 10));
    BOOST_TEST(table.has(100, 10));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
