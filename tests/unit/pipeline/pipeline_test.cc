#include "pipeline/pipeline.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "tests/support/memory_sink.h"
#include "tests/support/spool_fixture.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

namespace {

struct PipelineFixture {
    PipelineFixture() {
        settings.ingest.slot_rows_max = 64;
        settings.delivery.batch_age_max = Millis(1);
        settings.spool.size_max = 64_MiB;
    }

    std::unique_ptr<Pipeline> make(std::unique_ptr<MemorySink> into) {
        sink = into.get();
        std::vector<NamedSink> sinks;
        sinks.push_back({SinkName::discard, std::move(into)});
        auto made = std::make_unique<Pipeline>(
            files, clock, settings,
            Pipeline::Options{.spool_directory = directory.path() / "spool",
                              .sinks = std::move(sinks),
                              .worker_shards = {&shards[0], &shards[1]},
                              .on_halt = [](const Error&) {}});
        for (size_t worker : {0, 1})
            made->on_durable(worker, [this, worker] { wakes[worker].notify(); });
        return made;
    }

    // Stores a report as a worker does, and waits until it is durable.
    void post(Pipeline& pipeline, size_t worker, int64_t seq) {
        std::string body = "seq=" + std::to_string(seq) + ";cpu-count=1";
        const size_t size = body.size();
        body.append(body_padding, '\0');
        Intake& intake = pipeline.intake(worker);
        Receipt receipt;
        const auto taken = intake.accept({body.data(), size}, BodyHint::unknown,
                                         {Transport::http, "::1", "", clock.wall_us()}, receipt);
        BOOST_TEST_REQUIRE(taken.has_value());
        intake.publish();
        while (intake.durable() <= receipt.slot) wakes[worker].wait(std::chrono::milliseconds(50));
    }

    Settings settings;
    TemporaryDirectory directory;
    Files files;
    Clock clock;
    MetricShard shards[2];
    Wakeup wakes[2];
    MemorySink* sink = nullptr;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pipeline, PipelineFixture)

BOOST_AUTO_TEST_CASE(reports_of_all_workers_reach_the_sink) {
    const auto pipeline = make(std::make_unique<MemorySink>());
    BOOST_TEST_REQUIRE(pipeline->open().has_value());
    pipeline->start();
    for (int64_t seq = 0; seq < 10; ++seq) post(*pipeline, static_cast<size_t>(seq % 2), seq);
    pipeline->stop();
    std::ranges::sort(sink->seqs);
    BOOST_TEST(sink->seqs == sequence(0, 10), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(counters_of_a_sink_are_exported) {
    const auto pipeline = make(std::make_unique<MemorySink>());
    const auto all = pipeline->shards();
    BOOST_TEST(std::ranges::count(all, sink->shard.get()) == 1);
}

BOOST_AUTO_TEST_CASE(rows_that_a_stopped_daemon_had_not_stored_are_stored_by_the_next_one) {
    auto down = std::make_unique<MemorySink>();
    settings.delivery.stop_timeout_max = Millis(0);
    {
        const auto pipeline = make(std::move(down));
        BOOST_TEST_REQUIRE(pipeline->open().has_value());
        pipeline->start();
        sink->fails = MemorySink::Failure::before_commit;
        for (int64_t seq = 0; seq < 5; ++seq) post(*pipeline, 0, seq);
        pipeline->stop();
    }
    settings.delivery.stop_timeout_max = Millis(10'000);
    const auto pipeline = make(std::make_unique<MemorySink>());
    BOOST_TEST_REQUIRE(pipeline->open().has_value());
    pipeline->start();
    pipeline->stop();
    BOOST_TEST(sink->seqs == sequence(0, 5), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(sink_ahead_of_a_new_spool_gets_every_report) {
    auto ahead = std::make_unique<MemorySink>();
    ahead->position = 1000;
    const auto pipeline = make(std::move(ahead));
    BOOST_TEST_REQUIRE(pipeline->open().has_value());
    pipeline->start();
    post(*pipeline, 0, 7);
    pipeline->stop();
    BOOST_TEST(sink->seqs == sequence(7, 1), boost::test_tools::per_element());
    BOOST_TEST(sink->position == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
