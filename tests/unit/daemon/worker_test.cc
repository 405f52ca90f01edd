#include "daemon/worker.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "config/metrics_snapshot.h"
#include "daemon/net/tls.h"
#include "daemon/open_files.h"
#include "tests/support/allocations.h"
#include "tests/support/certificates.h"
#include "tests/support/http_client.h"
#include "tests/support/mqtt_client.h"
#include "tests/support/tls_client.h"
#include "tests/support/worker_fixture.h"

namespace rollcall {

using namespace std::string_literals;

namespace {

// Says back what it hears.
class Echo final : public Session {
public:
    Echo(Connection& connection, std::function<void()> heard)
        : connection_(connection), heard_(std::move(heard)) {}
    void on_data(std::string_view& bytes) override {
        heard_();
        connection_.reply(std::exchange(bytes, {}));
    }
    void on_resume() override {}
    void on_deadline() override {}

private:
    Connection& connection_;
    std::function<void()> heard_;
};

// Says back what it hears, and cuts who is slow.
class Impatient final : public Session {
public:
    Impatient(Connection& connection, int& cut) : connection_(connection), cut_(cut) {}
    void on_data(std::string_view& bytes) override { connection_.reply(std::exchange(bytes, {})); }
    void on_resume() override {}
    void on_deadline() override {}
    void on_slow_input() override {
        ++cut_;
        connection_.close_after_replies(Linger::if_unread);
    }

private:
    Connection& connection_;
    int& cut_;
};

// Has no time at all.
class Expiring final : public Session {
public:
    Expiring(Connection& connection, size_t& expired) : connection_(connection), expired_(expired) {
        connection_.set_deadline(Millis(0));
    }
    void on_data(std::string_view&) override {}
    void on_resume() override {}
    void on_deadline() override {
        ++expired_;
        connection_.close();
    }

private:
    Connection& connection_;
    size_t& expired_;
};

// Acknowledges each byte as a check-in of its own, each in the next slot.
class Acknowledging final : public Session {
public:
    Acknowledging(Connection& connection, uint64_t& slot) : connection_(connection), slot_(slot) {}
    void on_data(std::string_view& bytes) override {
        for (; !bytes.empty(); bytes.remove_prefix(1))
            connection_.reply_when_durable(slot_++, 1, bytes.substr(0, 1));
    }
    void on_resume() override {}
    void on_deadline() override {}

private:
    Connection& connection_;
    uint64_t& slot_;
};

// Whoever looks at it has taken a millisecond.
class SlowClock final : public Clock {
public:
    [[nodiscard]] int64_t steady_us() const override { return now_us_ += 1000; }

private:
    mutable int64_t now_us_ = 0;
};

void certify(Settings& settings, const Certificates& certificates, Certificates::Kind kind) {
    const auto server = certificates.issue("server", kind);
    settings.tls.certificate = {server.certificate};
    settings.tls.key = {server.key};
}

uint16_t let_listen(Loop& loop, const ListenOptions& options) {
    ListeningSockets listening;
    std::string problem;
    ensure(listen_on("127.0.0.1:0", 1, listening, problem));
    loop.listen(listening.fds.front(), options);
    return static_cast<uint16_t>(
        std::stoi(listening.address.substr(listening.address.rfind(':') + 1)));
}

}  // namespace

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
    const auto is_full = [&] { return sum(pipeline->shards(), Metric::spool_full) == 1; };
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

// All of them have come before the loop turns for the first time.
BOOST_AUTO_TEST_CASE(nobody_waits_for_more_than_one_handshake_that_takes_a_millisecond) {
    constexpr int handshakes = 200;
    const SlowClock slow;
    const Certificates certificates;
    certify(settings, certificates, Certificates::Kind::rsa);
    TlsContext tls(settings, slow);
    BOOST_REQUIRE(tls.read().has_value());

    int turns = 0;
    std::vector<int> served;  // In which turns the client was that needs no handshake.
    Cursor over;              // Moved by the clients' thread: 1 when all have been answered.
    settings.tls.handshakes_max = handshakes;
    Loop loop(slow, shard, ConnectionTable::Options(settings), [&] {
        ++turns;
        if (over.read() == 1) loop.stop();
    });
    ListenOptions options{Transport::http, [&](Connection& connection) {
                              return std::make_unique<Echo>(connection,
                                                            [&] { served.push_back(turns); });
                          }};
    const uint16_t plain_port = let_listen(loop, options);
    options.tls = &tls;
    const uint16_t tls_port = let_listen(loop, options);

    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    const std::string hello = end.take_outgoing();
    std::vector<std::unique_ptr<TcpClient>> many;
    for (int number = 0; number < handshakes; ++number) {
        many.push_back(std::make_unique<TcpClient>(tls_port));
        many.back()->send(hello);
    }
    TcpClient plain(plain_port);
    plain.send("ping");
    std::thread clients([&] {
        for (int ping = 0; ping < 20; ++ping) {
            (void)plain.take(4);
            plain.send("ping");
        }
        for (auto& client : many) (void)client->peek();  // Its answer to the hello.
        over.advance(1);
        loop.wake();
    });
    loop.run();
    clients.join();
    BOOST_TEST(turns >= handshakes);
    BOOST_TEST(served.size() > 20);
    BOOST_TEST(served.front() < 10);
}

BOOST_AUTO_TEST_CASE(record_of_tls_that_trickles_is_cut_and_one_that_comes_in_time_is_not) {
    const Certificates certificates;
    certify(settings, certificates, Certificates::Kind::ecdsa);
    TlsContext tls(settings, clock);
    BOOST_REQUIRE(tls.read().has_value());
    int cut = 0;
    Cursor over;
    Loop loop(clock, shard, ConnectionTable::Options(settings), [&] {
        if (over.read() == 1) loop.stop();
    });
    const uint16_t port = let_listen(
        loop,
        {.transport = Transport::mqtt,
         .make_session =
             [&](Connection& connection) { return std::make_unique<Impatient>(connection, cut); },
         .tls = &tls,
         .input_rate_min = {.grace = Millis(500), .bytes_per_s = Tls::record_bytes_max}});
    std::thread clients([&] {
        TlsClient slow(port, {});
        TlsClient idle(port, {});
        for (auto* client : {&slow, &idle}) {
            client->send("ping");
            BOOST_TEST(client->take(4) == "ping");
        }
        slow.end().send("ping");
        const std::string record = slow.end().take_outgoing();
        for (int at = 0; at < 4; ++at) {
            slow.connection().send(record.substr(static_cast<size_t>(at), 1));
            std::this_thread::sleep_for(std::chrono::milliseconds(300));
        }
        BOOST_TEST(slow.take_rest() == "");
        for (int round = 0; round < 3; ++round) {
            idle.end().send("pong");
            const std::string halves = idle.end().take_outgoing();
            idle.connection().send(halves.substr(0, 7));
            std::this_thread::sleep_for(std::chrono::milliseconds(700));
            idle.connection().send(halves.substr(7));
            BOOST_TEST(idle.take(4) == "pong");
        }
        over.advance(1);
        loop.wake();
    });
    loop.run();
    clients.join();
    BOOST_TEST(cut == 1);
}

// Their deadline has passed before the first sweep.
BOOST_AUTO_TEST_CASE(nobody_waits_for_more_than_a_step_of_a_sweep_that_misses_nobody) {
    constexpr size_t clients = 3 * ConnectionTable::sweep_step;
    BOOST_TEST_REQUIRE(open_files::raise_limit() > 2 * clients + 100);
    size_t expired = 0;
    size_t most_in_a_turn = 0;
    std::vector<int64_t> when_us;
    Loop loop(clock, shard, ConnectionTable::Options(settings), [&, before = size_t{0}]() mutable {
        most_in_a_turn = std::max(most_in_a_turn, expired - before);
        if (expired > before) when_us.push_back(clock.steady_us());
        before = expired;
        if (expired == clients) loop.stop();
    });
    const ListenOptions options{Transport::http, [&](Connection& connection) {
                                    return std::make_unique<Expiring>(connection, expired);
                                }};
    std::vector<int> others;
    for (size_t client = 0; client < clients; ++client) {
        int ends[2];
        BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        others.push_back(ends[1]);
        sockaddr_storage peer{};
        peer.ss_family = AF_INET;
        loop.connections().accept(ends[0], peer, options);
    }
    loop.run();
    BOOST_TEST(most_in_a_turn == ConnectionTable::sweep_step);
    BOOST_TEST_REQUIRE(when_us.size() == 3u);
    BOOST_TEST(when_us.back() - when_us.front() < 900'000);  // One round.
    for (const int fd : others) close(fd);
}

// The slots become durable while the loop's turn fills them again.
BOOST_AUTO_TEST_CASE(turn_may_acknowledge_more_check_ins_than_the_ring_holds) {
    constexpr size_t check_ins = 10'000;
    uint64_t next_slot = 0;
    Cursor over;  // Moved by the clients' thread: 1 when both have left.
    ConnectionTable::Options options(settings);
    options.ring_rows_max = 8;
    options.durable = [&] { return next_slot - 5; };
    Loop loop(clock, shard, options, [&] {
        loop.connections().release_replies(next_slot);
        if (over.read() == 1 && loop.connections().empty()) loop.stop();
    });
    const ListenOptions endpoint{Transport::http, [&](Connection& connection) {
                                     return std::make_unique<Acknowledging>(connection, next_slot);
                                 }};
    const uint16_t port = let_listen(loop, endpoint);
    std::thread clients([&] {
        // One of them leaves at once: its entries in the queue outlive it.
        TcpClient stays(port);
        {
            TcpClient leaves(port);
            leaves.send(std::string(check_ins, 'x'));
        }
        std::string sent;
        for (size_t number = 0; number < check_ins; ++number)
            sent += static_cast<char>('a' + number % 26);
        stays.send(sent);
        BOOST_TEST(stays.take(check_ins) == sent);
        over.advance(1);
        loop.wake();
    });
    loop.run();
    clients.join();
    BOOST_TEST(counted(Metric::checkins_accepted_total, label_of(Transport::http)) ==
               static_cast<int64_t>(next_slot));
    BOOST_TEST(next_slot >= check_ins);
}

// --- too many ---

BOOST_AUTO_TEST_CASE(silent_connections_make_way_for_new_ones_and_who_was_heard_stays) {
    settings.general.connections_max = 4;
    start();
    HttpClient known(http_port);
    BOOST_TEST(known.post("{}").status == 200);
    MqttClient router(mqtt_port, "MT1");
    // Each listening socket has a queue of its own, so one has to be let in before the next knocks.
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
    // Who has just come has two seconds.
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
    // On a machine that is busy with other things more may be under way at once than ever before,
    // and what holds it grows; but not each time.
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
    settings.quotas.network_checkins_max = 1;  // A minute for each.
    settings.quotas.burst = Millis(120'000);
    settings.quotas.grace = Millis(270'000);
    settings.replies.next = Millis(10'000);
    settings.replies.next_jitter = 0;
    start();
    HttpClient client(http_port);
    for (int taken = 0; taken < 6; ++taken) {
        const HttpResponse answer = client.post("{}");
        BOOST_TEST(answer.status == 200);
        // Within the burst it is asked for what all are, then for the time it is ahead.
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

// --- full pressure ---

BOOST_AUTO_TEST_CASE(new_client_under_full_pressure_waits_and_is_told_when_to_come_again) {
    settings.general.overload_wait_max = Millis(1);
    start();
    HttpClient old(http_port);
    BOOST_TEST(old.post("{}").status == 200);
    second_shard.set(Metric::spool_backlog_bytes,
                     static_cast<int64_t>(settings.spool.size_max.count), 0);
    overload->watch({&second_shard});
    overload->measure(2'000'000);
    BOOST_TEST(overload->overloaded());
    HttpClient refused(http_port);
    HttpClient patient(http_port);
    refused.send(post_request("{}"));
    const HttpResponse answer = refused.receive();
    BOOST_TEST(answer.status == 503);
    BOOST_TEST(answer.body.find("overloaded") != std::string::npos);
    BOOST_TEST(std::stoi(answer.header("Retry-After")) >= 3600);
    BOOST_TEST(refused.connection().ends_within(std::chrono::seconds(5)));
    // Who was there before is served, and so is who finds the pressure gone.
    BOOST_TEST(old.post("{}").status == 200);
    second_shard.set(Metric::spool_backlog_bytes, 0, 0);
    overload->measure(4'000'000);
    BOOST_TEST(patient.post("{}").status == 200);
    BOOST_TEST(counted(Metric::connections_throttled_total, label_of(Transport::http)) == 2);
}

// --- behind a balancer ---

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
