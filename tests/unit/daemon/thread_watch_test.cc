#include "daemon/thread_watch.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/standard_error.h"

using namespace rollcall;

namespace {

struct ThreadWatchFixture {
    ThreadWatchFixture() {
        watch.add("worker 0", ThreadWatch::Role::worker, worker);
        watch.add("sink kafka", ThreadWatch::Role::delivery, sink);
    }
    // Measures `seconds` times, once per second, and returns the log.
    std::string pass(int seconds) {
        return standard_error_of([&] {
            for (; seconds > 0; --seconds) (void)watch.measure(now_us += 1'000'000);
        });
    }
    [[nodiscard]] bool worker_stuck() const { return watch.has_stuck(ThreadWatch::Role::worker); }

    ThreadWatch watch;
    Heartbeat worker;
    Heartbeat sink;
    int64_t now_us = 1'000'000;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(thread_watch, ThreadWatchFixture)

BOOST_AUTO_TEST_CASE(thread_that_waits_for_work_is_never_stuck) {
    worker.begin_step();
    worker.end_step();
    BOOST_TEST(pass(60) == "");
    BOOST_TEST(!worker_stuck());
    BOOST_TEST(watch.in_step() == "");
}

BOOST_AUTO_TEST_CASE(thread_that_begins_a_new_step_each_second_is_never_stuck) {
    worker.begin_step();
    for (int second = 0; second < 60; ++second) {
        worker.end_step();
        worker.begin_step();
        BOOST_TEST(pass(1) == "");
    }
    BOOST_TEST(!worker_stuck());
    BOOST_TEST(watch.in_step() == "worker 0");
}

BOOST_AUTO_TEST_CASE(step_that_takes_five_seconds_is_logged_and_named_until_it_ends) {
    (void)pass(1);
    worker.begin_step();
    (void)pass(1);
    BOOST_TEST(pass(4) == "");
    BOOST_TEST(!worker_stuck());
    BOOST_TEST(pass(1).find("worker 0: no progress for 5 s; acknowledged check-ins are safe") !=
               std::string::npos);
    BOOST_TEST(worker_stuck());
    BOOST_TEST(!watch.has_stuck(ThreadWatch::Role::delivery));
    BOOST_TEST(pass(2) == "");
    BOOST_TEST(watch.health_messages() ==
               std::vector<std::string>{"worker 0: no progress for 7 s"});
    BOOST_TEST(watch.shard().read(Metric::stuck_threads, 0) == 1);
    worker.end_step();
    BOOST_TEST(pass(1).find("worker 0: makes progress again\n") != std::string::npos);
    BOOST_TEST(!worker_stuck());
    BOOST_TEST(watch.health_messages().empty());
    BOOST_TEST(watch.shard().read(Metric::stuck_threads, 0) == 0);
}

BOOST_AUTO_TEST_CASE(time_in_which_main_did_not_measure_does_not_count) {
    worker.begin_step();
    (void)pass(2);
    now_us += 3600'000'000LL;
    BOOST_TEST(pass(1) == "");
    BOOST_TEST(!worker_stuck());
}

BOOST_AUTO_TEST_CASE(measurements_are_a_second_apart) {
    worker.begin_step();
    BOOST_TEST(watch.measure(now_us));
    for (int calls = 0; calls < 20; ++calls) BOOST_TEST(!watch.measure(now_us + calls));
    BOOST_TEST(!worker_stuck());
}

BOOST_AUTO_TEST_CASE(threads_in_a_step_are_listed_until_they_are_forgotten) {
    worker.begin_step();
    sink.begin_step();
    BOOST_TEST(watch.in_step() == "worker 0, sink kafka");
    watch.forget_all();
    BOOST_TEST(watch.in_step() == "");
}

BOOST_AUTO_TEST_SUITE_END()
