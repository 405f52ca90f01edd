#include "daemon/worker.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/http_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

BOOST_FIXTURE_TEST_SUITE(worker, WorkerFixture)

BOOST_AUTO_TEST_CASE(stopping_worker_answers_what_it_has_taken_and_ends_its_connections) {
    settings.general.drain_timeout_max = Millis(5000);
    start();
    HttpClient idle(http_port);
    HttpClient busy(http_port);
    BOOST_TEST(busy.post("{}").status == 200);
    busy.send(post_request("{}"));
    BOOST_TEST(busy.receive().status == 200);
    worker->begin_stop();
    worker->join();
    BOOST_TEST(idle.connection().ends_within(std::chrono::seconds(1)));
    BOOST_TEST(busy.connection().ends_within(std::chrono::seconds(1)));
    pipeline->stop();
    worker.reset();
    BOOST_TEST(counted(Metric::connections, label_of(Transport::http)) == 0);
}

BOOST_AUTO_TEST_CASE(stopping_worker_does_not_wait_for_ever_for_a_full_spool) {
    settings.spool.size_max = Bytes{64 * 1024};
    settings.general.drain_timeout_max = Millis(300);
    start();
    HttpClient client(http_port);
    for (int report = 0; report < 2000; ++report) client.send(post_request("{}"));
    const auto begun = std::chrono::steady_clock::now();
    worker->begin_stop();
    worker->join();
    BOOST_TEST((std::chrono::steady_clock::now() - begun < std::chrono::seconds(5)));
    pipeline->stop();
    worker.reset();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
