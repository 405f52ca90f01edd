#include "daemon/worker.h"

#include <boost/test/unit_test.hpp>

#include "daemon/exporter.h"
#include "tests/support/allocations.h"
#include "tests/support/http_client.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

using namespace std::string_literals;

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

BOOST_AUTO_TEST_CASE(stopping_worker_gives_up_answers_that_wait_for_a_full_spool) {
    settings.spool.size_max = Bytes{64 * 1024};
    settings.general.drain_timeout_max = Millis(100);
    start();
    std::string many;
    for (int report = 0; report < 1500; ++report) many += post_request("{}");
    HttpClient here(http_port);
    here.send(many);
    // One that has gone meanwhile has answers to get, too.
    auto gone = std::make_unique<HttpClient>(http_port);
    gone->send(many);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto is_full = [&] { return sum(pipeline->slabs(), Metric::spool_full) == 1; };
    while (!is_full() && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    BOOST_TEST_REQUIRE(is_full());
    gone.reset();
    worker->begin_stop();
    worker->join();
    pipeline->stop();
    worker.reset();
    BOOST_TEST(counted(Metric::connections, label_of(Transport::http)) == 0);
}

BOOST_AUTO_TEST_CASE(stopping_worker_hands_over_the_rows_that_nobody_waits_for) {
    settings.general.drain_timeout_max = Millis(5000);
    start();
    gate.advance(1);
    HttpClient client(http_port);
    constexpr uint64_t reports = 30;
    std::string requests;
    for (uint64_t number = 0; number < reports; ++number)
        requests += post_request("{", "/adopt/r" + std::to_string(number));
    client.send(requests);
    for (uint64_t number = 0; number < reports; ++number)
        BOOST_TEST(client.receive().status == 400);
    worker->begin_stop();
    worker->join();
    pipeline->stop();
    worker.reset();
    BOOST_TEST(rows_stored.read() == reports);
}

// Counts what all threads ask of operator new: worker, committer, delivery, and this one, whose
// client only waits and throws away.
BOOST_AUTO_TEST_CASE(steady_state_allocates_nothing_for_a_check_in) {
    start();
    gate.advance(1);
    HttpClient http(http_port);
    const std::string request =
        post_request(R"({"serial":"S1","uptime":"1w2d","cpu_load":"many","version":"7.17"})");
    const HttpResponse answer = http.exchange(request);
    BOOST_TEST(answer.status == 200);
    const size_t answer_bytes = answer.head.size() + answer.body.size();
    // Two in one packet, so that answers wait for each other too.
    const std::string requests = request + request;
    MqttClient mqtt(mqtt_port, "MT1");
    const std::string publish =
        "\x32\x1a\0\x0b"
        "checkins/r1"
        "\0\x01"
        R"({"seq":123})"s;

    const auto exchange = [&](int rounds) {
        for (int round = 0; round < rounds; ++round) {
            http.send(requests);
            mqtt.connection().send(publish);
            http.connection().drop(2 * answer_bytes);
            mqtt.connection().drop(4);
        }
    };
    exchange(500);
    const size_t before = allocations();
    exchange(2000);
    BOOST_TEST(allocations() == before);
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::http)) == 5001);
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) == 2500);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
