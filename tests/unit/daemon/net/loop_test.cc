#include "daemon/net/loop.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "tests/support/loop_fixture.h"
#include "tests/support/tcp_client.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

// While an object exists, no file descriptor is free.
class NoFreeDescriptors {
public:
    NoFreeDescriptors() {
        ensure(getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const int next = dup(0);
        ensure(next >= 0);
        close(next);
        const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
        ensure(setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~NoFreeDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    NoFreeDescriptors(const NoFreeDescriptors&) = delete;
    NoFreeDescriptors& operator=(const NoFreeDescriptors&) = delete;

private:
    rlimit before_{};
};

struct Fixture : LoopFixture {
    // Runs turns of the loop, with pauses between them, until the condition holds or two sweeps
    // have ended.
    template <class Condition>
    bool turns_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + 3s;
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            loop().step();
            std::this_thread::sleep_for(1ms);
        }
        return condition();
    }
    [[nodiscard]] size_t accepted() const {
        return static_cast<size_t>(std::ranges::count(script.events, "open"));
    }
    [[nodiscard]] int64_t pauses() const { return shard.read(Metric::accept_pauses_total, 0); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_loop, Fixture)

BOOST_AUTO_TEST_CASE(more_clients_than_one_turn_accepts_are_all_accepted) {
    const uint16_t port = listen_on_free_port(loop(), listen);
    std::vector<std::unique_ptr<TcpClient>> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<TcpClient>(port));
    loop().step();
    BOOST_TEST(accepted() < 100U);
    BOOST_TEST(turns_until([this] { return accepted() == 100; }));
}

BOOST_AUTO_TEST_CASE(loop_without_free_descriptors_pauses_and_accepts_the_same_client_later) {
    const uint16_t port = listen_on_free_port(loop(), listen);
    const TcpClient client(port);
    {
        const NoFreeDescriptors none;
        BOOST_TEST(turns_until([this] { return pauses() == 1; }));
        for (int turn = 0; turn < 100; ++turn) loop().step();
        BOOST_TEST(pauses() == 1);  // The loop does not retry before the next sweep.
        BOOST_TEST(accepted() == 0U);
    }
    BOOST_TEST(turns_until([this] { return accepted() == 1; }));
}

BOOST_AUTO_TEST_CASE(wake_from_another_thread_begins_a_turn_before_the_next_sweep) {
    const auto begin = std::chrono::steady_clock::now();
    Loop* running = nullptr;
    Loop waiting(clock, shard, options, [&running] { running->stop(); });
    running = &waiting;
    std::thread other([&waiting] {
        std::this_thread::sleep_for(50ms);
        waiting.wake();
    });
    waiting.run();  // Returns at the end of the first turn.
    const auto waited = std::chrono::steady_clock::now() - begin;
    other.join();
    BOOST_TEST((waited >= 50ms));
    BOOST_TEST((waited < 900ms));  // The first sweep would come after 1 s.
}

BOOST_AUTO_TEST_CASE(loop_that_no_longer_listens_refuses_connections_and_keeps_those_it_has) {
    const uint16_t port = listen_on_free_port(loop(), listen);
    TcpClient client(port);
    BOOST_TEST(turns_until([this] { return accepted() == 1; }));
    loop().stop_listening();
    loop().step();
    BOOST_CHECK_THROW(TcpClient{port}, std::runtime_error);
    client.send("x");
    BOOST_TEST(turns_until([this] { return script.taken == "x"; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
