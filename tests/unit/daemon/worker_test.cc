#include "daemon/worker.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>

#include "daemon/overload/controller.h"
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

BOOST_AUTO_TEST_CASE(stopping_worker_lets_a_request_whose_body_is_half_sent_finish) {
    settings.general.drain_timeout_max = Millis(5000);
    start();
    HttpClient client(http_port);
    client.send(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n"
        "Expect: 100-continue\r\n\r\n");
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    BOOST_TEST(client.connection().take(go_on.size()) == go_on);
    client.send("{");
    worker->begin_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    client.send("}");
    const HttpResponse last = client.receive();
    BOOST_TEST(last.status == 200);
    BOOST_TEST(last.header("Connection") == "close");
    BOOST_TEST(client.connection().ends_within(std::chrono::seconds(1)));
    worker->join();
    pipeline->stop();
    worker.reset();
}

BOOST_AUTO_TEST_CASE(stopping_worker_closes_a_request_that_is_not_finished_in_time) {
    settings.general.drain_timeout_max = Millis(200);
    start();
    HttpClient client(http_port);
    BOOST_TEST(client.post("{}").status == 200);
    client.send("POST /v1/checkins HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    worker->begin_stop();
    worker->join();
    BOOST_TEST(client.connection().ends_within(std::chrono::seconds(1)));
    pipeline->stop();
    worker.reset();
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
    // Some of the waiting replies belong to a client that has disconnected.
    auto gone = std::make_unique<HttpClient>(http_port);
    gone->send(many);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto is_full = [&] { return pipeline->load().full; };
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

// --- limits ---

BOOST_AUTO_TEST_CASE(silent_connections_make_way_for_new_ones_and_who_was_heard_stays) {
    settings.general.connections_max = 4;
    start();
    HttpClient known(http_port);
    BOOST_TEST(known.post("{}").status == 200);
    MqttClient router(mqtt_port, "MT1");
    // The two listening sockets have separate queues. To know the order of the connections, the
    // test waits until each connection is accepted before it opens the next connection.
    const auto wait_until_opened = [this](Transport transport, int64_t connections) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        const auto opened = [&] {
            return counted(Metric::connections_opened_total, label_of(transport));
        };
        while (opened() < connections && std::chrono::steady_clock::now() < give_up)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
    };
    TcpClient silent(http_port);
    wait_until_opened(Transport::http, 2);
    TcpClient silent_too(mqtt_port);
    wait_until_opened(Transport::mqtt, 2);
    // The silent connections are not closed in their first two seconds. Until then, the newest
    // connection is closed instead.
    BOOST_TEST(TcpClient(http_port).ends_within(std::chrono::seconds(1)));
    BOOST_TEST(!silent.ends_within(std::chrono::milliseconds(2200)));
    HttpClient next(http_port);
    BOOST_TEST(next.post("{}").status == 200);
    BOOST_TEST(silent.ends_within(std::chrono::seconds(1)));
    HttpClient after_that(http_port);
    BOOST_TEST(after_that.post("{}").status == 200);
    BOOST_TEST(silent_too.ends_within(std::chrono::seconds(1)));
    BOOST_TEST(TcpClient(mqtt_port).ends_within(std::chrono::seconds(1)));
    BOOST_TEST(known.post("{}").status == 200);
    const auto rejected = [this](Transport transport, Code code) {
        return counted(Metric::checkins_rejected_total, label_of(transport, code));
    };
    BOOST_TEST(rejected(Transport::http, Code::evicted) == 1);
    BOOST_TEST(rejected(Transport::mqtt, Code::evicted) == 1);
    BOOST_TEST(rejected(Transport::http, Code::too_many_connections) == 1);
    BOOST_TEST(rejected(Transport::mqtt, Code::too_many_connections) == 1);
}

BOOST_AUTO_TEST_CASE(limit_of_connections_is_that_of_all_workers) {
    settings.general.connections_max = 3;
    start(2);
    MqttClient first(mqtt_port, "a");
    MqttClient second(mqtt_port, "b");
    MqttClient third(second_mqtt_port, "c");
    TcpClient fourth(mqtt_port);
    BOOST_TEST(fourth.ends_within(std::chrono::seconds(2)));
    TcpClient fifth(second_mqtt_port);
    BOOST_TEST(fifth.ends_within(std::chrono::seconds(2)));
}

// Counts the calls of operator new in all threads: the worker, the committer, the delivery, and
// this thread. The clients in this thread only wait for replies and discard them.
BOOST_AUTO_TEST_CASE(steady_state_allocates_nothing_for_a_check_in) {
    start();
    gate.advance(1);
    HttpClient http(http_port);
    const std::string request =
        post_request(R"({"serial":"S1","uptime":"1w2d","cpu_load":"many","version":"7.17"})");
    const HttpResponse answer = http.exchange(request);
    BOOST_TEST(answer.status == 200);
    const size_t answer_bytes = answer.head.size() + answer.body.size();
    // Two requests in one packet, so that replies wait for each other.
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
    // On a busy machine, more requests than in all earlier runs can be pending at once. Then the
    // queues of pending requests grow. At least one run of ten must allocate nothing.
    constexpr int rounds = 500;
    int runs = 0;
    for (size_t before = 0; before != allocations() && runs < 10; ++runs) {
        before = allocations();
        exchange(rounds);
    }
    BOOST_TEST(runs < 10);
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::http)) ==
               1 + 2 * rounds * runs);
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::mqtt)) ==
               rounds * runs);
}

// --- quotas ---

BOOST_AUTO_TEST_CASE(sender_over_its_quota_is_asked_to_come_later_and_then_refused_until_then) {
    settings.quotas.network_checkins_max = 1;  // For each network and minute.
    settings.quotas.burst = Millis(120'000);
    settings.quotas.grace = Millis(270'000);
    settings.replies.next = Millis(10'000);
    settings.replies.next_jitter = 0;
    start();
    HttpClient client(http_port);
    for (int taken = 0; taken < 6; ++taken) {
        const HttpResponse answer = client.post("{}");
        BOOST_TEST(answer.status == 200);
        // The first response has the usual interval. The other responses have the time after which
        // the site is within its quota.
        const bool is_later = answer.body.find("\"next\":10}") == std::string::npos;
        BOOST_TEST(is_later == (taken >= 1), answer.body);
    }
    const HttpResponse answer = client.post("{}");
    BOOST_TEST(answer.status == 429);
    BOOST_TEST(answer.body.find("over_network_quota") != std::string::npos);
    BOOST_TEST(std::stoi(answer.header("Retry-After")) > 240);
    BOOST_TEST(std::stoi(answer.header("Retry-After")) <= 450);
    BOOST_TEST(counted(Metric::checkins_rejected_total,
                       label_of(Transport::http, Code::over_network_quota)) == 1);
}

// --- overload ---

BOOST_AUTO_TEST_CASE(new_client_under_full_pressure_waits_and_is_told_when_to_come_again) {
    settings.general.overload_wait_max = Millis(1);
    settings.general.overload_retry_after_max = Millis(7'200'000);
    start();
    HttpClient old(http_port);
    BOOST_TEST(old.post("{}").status == 200);
    SpoolLoad load{.backlog_bytes = settings.spool.size_max.count, .sync_began_us = {}};
    OverloadController controller(settings, shared->overload);
    controller.watch({.spool_load = [&] { return load; }, .ack_times = {}});
    controller.measure(2'000'000);
    BOOST_TEST(shared->overload.overloaded());
    HttpClient refused(http_port);
    HttpClient patient(http_port);
    refused.send(post_request("{}"));
    const HttpResponse answer = refused.receive();
    BOOST_TEST(answer.status == 503);
    BOOST_TEST(answer.body.find("overloaded") != std::string::npos);
    BOOST_TEST(std::stoi(answer.header("Retry-After")) >= 3600);
    BOOST_TEST(refused.connection().ends_within(std::chrono::seconds(5)));
    // Earlier clients must be served during the overload, and a new one after it.
    BOOST_TEST(old.post("{}").status == 200);
    load.backlog_bytes = 0;
    controller.measure(4'000'000);
    BOOST_TEST(patient.post("{}").status == 200);
    BOOST_TEST(counted(Metric::connections_throttled_total, label_of(Transport::http)) == 2);
}

// --- behind a load balancer ---

BOOST_AUTO_TEST_CASE(client_behind_a_balancer_is_known_by_the_address_that_it_says) {
    settings.http.proxy_protocol = true;
    start();
    const std::string header =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s + "\xc0\x00\x02\x07\xc6\x33\x64\x01\x04\x00\x01\xbb"s;
    {
        HttpClient whole(http_port);
        whole.send(header + post_request("{}") + post_request("{}"));
        BOOST_TEST(whole.receive().status == 200);
        BOOST_TEST(whole.receive().status == 200);
    }
    HttpClient in_single_bytes(http_port);
    for (const char letter : header + post_request("{}")) in_single_bytes.send({&letter, 1});
    BOOST_TEST(in_single_bytes.receive().status == 200);
    BOOST_TEST(sites(3) == "192.0.2.7 192.0.2.7 192.0.2.7");
}

BOOST_AUTO_TEST_CASE(balancer_may_name_the_client_in_a_line_of_text) {
    settings.http.proxy_protocol = true;
    start();
    const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.1 1024 443\r\n";
    {
        HttpClient whole(http_port);
        whole.send(header + post_request("{}"));
        BOOST_TEST(whole.receive().status == 200);
    }
    HttpClient in_single_bytes(http_port);
    for (const char letter : header + post_request("{}")) in_single_bytes.send({&letter, 1});
    BOOST_TEST(in_single_bytes.receive().status == 200);
    BOOST_TEST(sites(2) == "192.0.2.7 192.0.2.7");
}

namespace {

std::string forwarded_request(std::string_view client) {
    return fmt::format(
        "POST /v1/checkins HTTP/1.1\r\nHost: r\r\nX-Forwarded-For: {}\r\nContent-Length: "
        "2\r\n\r\n{{}}",
        client);
}

}  // namespace

BOOST_AUTO_TEST_CASE(trusted_proxy_names_the_client_of_each_request) {
    settings.http.trusted_proxies = {"127.0.0.0/8"};
    start();
    HttpClient proxy(http_port);
    proxy.send(forwarded_request("203.0.113.9, 192.0.2.7") + forwarded_request("2001:db8::7"));
    proxy.send(post_request("{}") + forwarded_request("unknown"));
    proxy.send(
        "GET /poll?cpu=4 HTTP/1.1\r\nHost: r\r\n"
        "Forwarded: for=\"192.0.2.8:4711\";proto=http\r\n\r\n");
    for (int requests = 0; requests < 5; ++requests) BOOST_TEST(proxy.receive().status == 200);
    BOOST_TEST(sites(5) == "192.0.2.7 2001:db8::7 127.0.0.1 127.0.0.1 192.0.2.8");
}

BOOST_AUTO_TEST_CASE(header_fields_of_other_addresses_name_no_client) {
    settings.http.trusted_proxies = {"192.0.2.0/24"};
    start();
    HttpClient client(http_port);
    BOOST_TEST(client.exchange(forwarded_request("192.0.2.7")).status == 200);
    BOOST_TEST(sites(1) == "127.0.0.1");
}

BOOST_AUTO_TEST_CASE(balancer_that_names_a_trusted_proxy_and_this_proxy_name_the_client) {
    settings.http.trusted_proxies = {"192.0.2.7"};
    settings.http.proxy_protocol = true;
    start();
    HttpClient client(http_port);
    client.send("PROXY TCP4 192.0.2.7 198.51.100.1 1024 443\r\n" +
                forwarded_request("203.0.113.9"));
    BOOST_TEST(client.receive().status == 200);
    BOOST_TEST(sites(1) == "203.0.113.9");
}

BOOST_AUTO_TEST_CASE(quota_of_a_network_counts_the_clients_behind_a_trusted_proxy) {
    settings.http.trusted_proxies = {"127.0.0.1"};
    settings.quotas.network_checkins_max = 1;
    settings.quotas.burst = Millis(60'000);
    settings.quotas.grace = Millis(0);
    start();
    const auto status_for = [this](std::string_view client) {
        return HttpClient(http_port).exchange(forwarded_request(client)).status;
    };
    BOOST_TEST(status_for("192.0.2.7") == 200);
    BOOST_TEST(status_for("192.0.2.7") == 429);
    BOOST_TEST(status_for("192.0.2.8") == 200);
    BOOST_TEST(status_for("192.0.2.7") == 429);
}

BOOST_AUTO_TEST_CASE(client_that_comes_by_the_balancer_s_door_without_it_is_refused) {
    settings.http.proxy_protocol = true;
    start();
    HttpClient client(http_port);
    client.send(post_request("{}"));
    BOOST_TEST(client.connection().ends_within(std::chrono::seconds(5)));
    BOOST_TEST(counted(Metric::checkins_rejected_total,
                       label_of(Transport::http, Code::bad_proxy_header)) == 1);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
