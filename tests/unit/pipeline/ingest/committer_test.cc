#include "pipeline/ingest/committer.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/spool_fixture.h"

namespace rollcall {

namespace {

struct CommitterFixture : SpoolFixture {
    CommitterFixture() {
        for (auto* ring : {&first, &second}) committer.add_source(*ring, [this] { ++wakes; });
        committer.add_reader(SinkName::discard, stored, stored);
    }

    static void publish(Ring<Columns>& ring, int64_t seq) {
        Columns* const slot = ring.claim();
        slot->clear();
        add_row(*slot, "S", seq);
        ring.publish();
    }

    Ring<Columns> first{4, 4, test_text_max};
    Ring<Columns> second{4, 4, test_text_max};
    Cursor stored;
    Wakeup wakeup;
    int wakes = 0;
    Committer committer{*writer, wakeup, shard, [](const Error&) {}};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(ingest_committer, CommitterFixture)

BOOST_AUTO_TEST_CASE(one_step_makes_all_rings_durable_with_one_sync) {
    publish(first, 1);
    publish(first, 2);
    publish(second, 3);
    const uint64_t syncs = files.syncs();
    BOOST_TEST(committer.step().value() == 3);
    BOOST_TEST(files.syncs() == syncs + 1);
    BOOST_TEST(first.durable() == 2);
    BOOST_TEST(second.durable() == 1);
    BOOST_TEST(wakes == 2);
    BOOST_TEST(read_from(0) == sequence(1, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(step_without_work_syncs_nothing_and_wakes_nobody) {
    const uint64_t syncs = files.syncs();
    BOOST_TEST(committer.step().value() == 0);
    BOOST_TEST(files.syncs() == syncs);
    BOOST_TEST(wakes == 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_durable_after_a_failed_sync) {
    publish(first, 1);
    files.sync_fails = true;
    const auto step = committer.step();
    BOOST_TEST((step.error().code == Code::sync_failed));
    BOOST_TEST(first.durable() == 0);
    BOOST_TEST(wakes == 0);
}

BOOST_AUTO_TEST_CASE(slot_that_finds_the_disk_full_waits_and_is_written_later) {
    publish(first, 1);
    BOOST_TEST(committer.step().value() == 1);
    fill_disk_but_for(150);
    publish(first, 2);
    publish(second, 3);
    BOOST_TEST((committer.step().error().code == Code::disk_full));
    BOOST_TEST(first.durable() == 2);   // The disk had room for both slots of `first`.
    BOOST_TEST(second.durable() == 0);  // The slot of `second` is neither dropped nor acknowledged.

    files.capacity = UINT64_MAX;
    BOOST_TEST(committer.step().value() == 1);
    BOOST_TEST(second.durable() == 1);
    BOOST_TEST(read_from(0) == sequence(1, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(segments_are_dropped_when_every_sink_has_stored_them) {
    for (int64_t seq = 0; seq < 400; ++seq) {
        publish(first, seq);
        BOOST_TEST_REQUIRE(committer.step().value() == 1);
    }
    const size_t before = files.names("spool").size();
    BOOST_TEST(committer.tidy_up().has_value());
    BOOST_TEST(files.names("spool").size() == before);
    const size_t sink = label_of(SinkName::discard);
    BOOST_TEST(shard.read(Metric::spool_backlog_bytes, sink) > 0);

    stored.advance(400);
    BOOST_TEST(committer.tidy_up().has_value());
    BOOST_TEST(files.names("spool").size() < before);
    BOOST_TEST(shard.read(Metric::spool_backlog_bytes, sink) == 0);
}

BOOST_AUTO_TEST_CASE(load_has_the_backlog_of_the_slowest_sink_and_the_written_bytes) {
    Cursor other_stored;
    committer.add_reader(SinkName::sqlite, other_stored, other_stored);
    publish(first, 1);
    BOOST_TEST(committer.load().written_bytes == 0);
    BOOST_TEST(committer.step().value() == 1);
    BOOST_TEST(committer.load().written_bytes > 0);
    BOOST_TEST(!committer.load().sync_began_us.has_value());
    BOOST_TEST(committer.load().backlog_bytes == 0);  // The backlog is not published yet.
    stored.advance(1);
    BOOST_TEST(committer.tidy_up().has_value());
    const uint64_t backlog = committer.load().backlog_bytes;
    BOOST_TEST(backlog > 0);
    BOOST_TEST(shard.read(Metric::spool_backlog_bytes, label_of(SinkName::discard)) == 0);
    BOOST_TEST(shard.read(Metric::spool_backlog_bytes, label_of(SinkName::sqlite)) ==
               static_cast<int64_t>(backlog));
    other_stored.advance(1);
    BOOST_TEST(committer.tidy_up().has_value());
    BOOST_TEST(committer.load().backlog_bytes == 0);
}

BOOST_AUTO_TEST_CASE(segments_kept_for_the_window_do_not_make_the_spool_full) {
    kept_for = std::chrono::hours(1);
    BOOST_TEST(open().has_value());
    Committer other(*writer, wakeup, shard, [](const Error&) {});
    other.add_source(first, [] {});
    other.add_reader(SinkName::discard, stored, stored);
    other.start();
    for (int64_t seq = 0; seq < 5000; ++seq) {
        publish(first, seq);
        wakeup.notify();
        while (first.durable() != first.next()) std::this_thread::yield();
        stored.advance(writer->end().read());
    }
    other.stop();
    BOOST_TEST(shard.read(Metric::spool_retries_total, 0) == 0);
    BOOST_TEST(shard.read(Metric::spool_backlog_bytes, label_of(SinkName::discard)) == 0);
}

// Whenever a slot becomes durable, the test publishes the next slot. So the committer is never
// idle.
BOOST_AUTO_TEST_CASE(committer_that_is_never_idle_still_publishes_the_backlog) {
    int64_t seq = 0;
    int64_t backlog_bytes = 0;
    Cursor done;
    Committer other(*writer, wakeup, shard, [](const Error&) {});
    other.add_reader(SinkName::discard, stored, stored);
    other.add_source(second, [&] {
        backlog_bytes = shard.read(Metric::spool_backlog_bytes, label_of(SinkName::discard));
        if (backlog_bytes > 0 || ++seq == 1000) return done.advance(1);
        publish(second, seq);
    });
    publish(second, seq);
    other.start();
    while (done.read() == 0) std::this_thread::yield();
    other.stop();
    BOOST_TEST(backlog_bytes > 0);
}

BOOST_AUTO_TEST_CASE(stop_makes_published_slots_durable) {
    committer.start();
    for (int64_t seq = 0; seq < 3; ++seq) publish(first, seq);
    committer.stop();
    BOOST_TEST(first.durable() == 3);
    BOOST_TEST(read_from(0) == sequence(0, 3), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(failed_sync_halts_the_process_and_ends_the_thread) {
    Cursor halted;
    Committer other(*writer, wakeup, shard, [&](const Error& error) {
        halted.advance(error.code == Code::sync_failed ? 1 : 2);
    });
    other.add_source(second, [] {});
    files.sync_fails = true;
    publish(second, 1);
    other.start();
    other.stop();
    BOOST_TEST(halted.read() == 1);
    BOOST_TEST(second.durable() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
