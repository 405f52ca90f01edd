#include "daemon/net/tls_handshakes.h"

#include <boost/test/unit_test.hpp>

#include "daemon/net/tls_context.h"
#include "pipeline/base/cursor.h"
#include "tests/support/certificates.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/tcp_client.h"
#include "tests/support/tls_client.h"

namespace rollcall {

namespace {

// A session that sends back what it receives.
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

// A clock that advances by a millisecond each time it is read.
class SlowClock final : public Clock {
public:
    [[nodiscard]] int64_t steady_us() const override { return now_us_ += 1000; }

private:
    mutable int64_t now_us_ = 0;
};

// Plain and TLS clients of one loop.
struct HandshakesFixture : LoopFixture {
    HandshakesFixture() {
        static const Certificates certificates;
        static const auto files = certificates.issue("server");
        use_certificate(settings, files);
        ensure(tls.load().has_value());
        listen.tls = &tls;
    }
    ~HandshakesFixture() { close_loop(); }
    HandshakesFixture(const HandshakesFixture&) = delete;
    HandshakesFixture& operator=(const HandshakesFixture&) = delete;

    [[nodiscard]] int64_t ended(TlsHandshake result) const {
        return shard.read(Metric::tls_handshakes_total, label_of(result));
    }
    // Exchanges the pending bytes between the client and the server.
    static void exchange(Client& client, TlsEnd& end) {
        client.send(end.take_outgoing());
        end.receive(client.receive());
    }

    TlsContext tls{settings, clock};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_tls_handshakes, HandshakesFixture)

BOOST_AUTO_TEST_CASE(client_has_a_session_when_its_handshake_is_done) {
    Client client = connect();
    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    exchange(client, end);
    BOOST_TEST(script.events.empty());
    BOOST_TEST(table().handshakes().begun() == 1u);
    BOOST_TEST(end.shake_hands());
    end.send("hello");
    exchange(client, end);
    BOOST_TEST(script.taken == "hello");
    BOOST_TEST(table().handshakes().begun() == 0u);
    BOOST_TEST(ended(TlsHandshake::full) == 1);
}

BOOST_AUTO_TEST_CASE(handshake_waits_until_another_has_ended_if_as_many_have_begun_as_may) {
    options.handshakes_max = 1;
    Client first = connect();
    TlsEnd first_end({});
    BOOST_TEST(!first_end.shake_hands());
    exchange(first, first_end);
    Client second = connect();
    TlsEnd second_end({});
    BOOST_TEST(!second_end.shake_hands());
    exchange(second, second_end);
    Client third = connect();
    third.send("\x16");
    third.leave();  // A waiting client disconnects.
    BOOST_TEST(table().handshakes().begun() == 1u);
    BOOST_TEST(!second_end.shake_hands());
    BOOST_TEST(first_end.shake_hands());
    exchange(first, first_end);
    step();
    second_end.receive(second.receive());
    BOOST_TEST(second_end.shake_hands());
}

BOOST_AUTO_TEST_CASE(handshake_waits_until_the_memory_budget_has_room_for_it) {
    // The budget counts all handshakes together as one user. A user must leave as much memory free
    // as it uses. So a budget of twice handshake_bytes has room for one handshake.
    MemoryBudget budget(2 * TlsHandshakes::handshake_bytes);
    options.memory = &budget;
    Client first = connect();
    TlsEnd first_end({});
    BOOST_TEST(!first_end.shake_hands());
    exchange(first, first_end);
    BOOST_TEST(budget.used_by(MemoryUse::tls_handshakes) == TlsHandshakes::handshake_bytes);
    Client second = connect();
    TlsEnd second_end({});
    BOOST_TEST(!second_end.shake_hands());
    exchange(second, second_end);
    BOOST_TEST(table().handshakes().begun() == 1u);
    BOOST_TEST(first_end.shake_hands());
    exchange(first, first_end);
    step();
    second_end.receive(second.receive());
    BOOST_TEST(second_end.shake_hands());
    exchange(second, second_end);
    BOOST_TEST(budget.used_by(MemoryUse::tls_handshakes) == 0);
    // One handshake may begin even if the budget is exhausted.
    budget.add(MemoryUse::wills, 3 * TlsHandshakes::handshake_bytes);
    Client third = connect();
    TlsEnd third_end({});
    BOOST_TEST(!third_end.shake_hands());
    exchange(third, third_end);
    BOOST_TEST(table().handshakes().begun() == 1u);
    close_loop();
}

BOOST_AUTO_TEST_CASE(handshake_that_fails_is_counted_and_closes) {
    Client plain = connect();
    plain.send("GET / HTTP/1.1\r\n\r\n");
    BOOST_TEST(plain.ended());
    BOOST_TEST(refused(Code::tls_plaintext) == 1);
    Client cut = connect();
    TlsEnd end({});
    BOOST_TEST(!end.shake_hands());
    cut.send(end.take_outgoing());
    cut.leave();
    BOOST_TEST(refused(Code::tls_truncated) == 1);
    BOOST_TEST(ended(TlsHandshake::failed) == 2);
    BOOST_TEST(table().handshakes().begun() == 0u);
}

BOOST_AUTO_TEST_CASE(handshake_that_takes_too_long_is_ended) {
    settings.tls.handshake_timeout_max = Millis(1);
    Client silent = connect();
    Client slow = connect();
    slow.send("\x16");
    sweep();
    BOOST_TEST(silent.ended());
    BOOST_TEST(slow.ended());
    // The first client sent nothing, so no handshake began that could fail.
    BOOST_TEST(refused(Code::tls_timeout) == 1);
    BOOST_TEST(ended(TlsHandshake::failed) == 1);
}

// All clients connect before the first turn of the loop.
BOOST_AUTO_TEST_CASE(nobody_waits_for_more_than_one_handshake_that_takes_a_millisecond) {
    constexpr int handshakes = 200;
    const SlowClock slow;
    const Certificates certificates;
    use_certificate(settings, certificates.issue("server", Certificates::Kind::rsa));
    TlsContext tls_by_rsa(settings, slow);
    BOOST_REQUIRE(tls_by_rsa.load().has_value());

    int turns = 0;
    std::vector<int> served;  // Turns in which the client without TLS was served.
    Cursor over;              // Advanced by the clients' thread to 1 when all clients were
                              // answered.
    settings.tls.handshakes_max = handshakes;
    Loop its_loop(slow, shard, ConnectionTable::Options(settings), [&] {
        ++turns;
        if (over.read() == 1) its_loop.stop();
    });
    ListenOptions listen_options{Transport::http, [&](Connection& connection) {
                                     return std::make_unique<Echo>(
                                         connection, [&] { served.push_back(turns); });
                                 }};
    const uint16_t plain_port = listen_on_free_port(its_loop, listen_options);
    listen_options.tls = &tls_by_rsa;
    const uint16_t tls_port = listen_on_free_port(its_loop, listen_options);

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
        for (auto& client : many) (void)client->peek();  // Waits for the answer to ClientHello.
        over.advance(1);
        its_loop.wake();
    });
    its_loop.run();
    clients.join();
    BOOST_TEST(turns >= handshakes);
    BOOST_TEST(served.size() > 20);
    BOOST_TEST(served.front() < 10);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
