#include "pipeline/delivery.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/support/manual_clock.h"
#include "tests/support/memory_sink.h"
#include "tests/support/spool_fixture.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

struct DeliveryFixture : SpoolFixture {
    Delivery::Options options() const {
        return {SinkName::discard, writer->id(), rows_max, test_text_max, 200ms, 1000ms};
    }
    std::unique_ptr<Delivery> make() {
        return std::make_unique<Delivery>(files, "spool", writer->end(), sink, time, slab,
                                          options(), [](const Error&) {});
    }
    // Steps until there is nothing to do.
    static void drain(Delivery& delivery) {
        for (int steps = 0; steps < 1000 && !delivery.caught_up(); ++steps)
            if (!delivery.step(true)) throw std::runtime_error("step");
    }

    size_t rows_max = 16;
    ManualClock time;
    MemorySink sink;
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
    time.pass(150ms);
    BOOST_TEST(delivery->step().value() == 50ms);
    time.pass(50ms);
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
    BOOST_TEST(slab.read(Metric::sink_up, label_of(SinkName::discard)) == 0);
    drain(*delivery);
    BOOST_TEST(sink.seqs == sequence(0, 40), boost::test_tools::per_element());
    BOOST_TEST(slab.read(Metric::sink_up, label_of(SinkName::discard)) == 1);
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

BOOST_AUTO_TEST_CASE(record_larger_than_a_batch_is_stored_all_the_same) {
    Columns large(100, 100 * row_text_max);
    for (int64_t seq = 0; seq < 100; ++seq) add_row(large, "S", seq);
    BOOST_TEST(writer->append(large).has_value());
    append_and_sync(100, 1);
    drain(*make());
    BOOST_TEST(sink.seqs == sequence(0, 101), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sink_that_is_ahead_of_the_spool_stops_the_daemon) {
    append_and_sync(0, 2);
    sink.position = 3;
    const auto step = make()->step();
    BOOST_TEST((step.error().move() == Move::halt));
}

BOOST_AUTO_TEST_CASE(stop_stores_what_the_spool_holds) {
    append_and_sync(0, 50);
    const auto delivery = make();
    delivery->start();
    delivery->stop(10s);
    BOOST_TEST(sink.seqs == sequence(0, 50), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
