#include "daemon/net/connection_table.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "daemon/net/trusted_proxies.h"
#include "daemon/open_files.h"
#include "pipeline/base/cursor.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/tcp_client.h"

namespace rollcall {

namespace {

// A session whose deadline passes immediately.
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

// A session for which each byte is a check-in in the next slot. It sends the byte back when that
// slot is durable.
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

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_connection_table, LoopFixture)

BOOST_AUTO_TEST_CASE(new_connection_is_closed_if_there_are_too_many_and_none_may_be_evicted) {
    options.connections_max = 2;
    Client first = connect();
    Client second = connect();
    Client third = connect();
    BOOST_TEST(third.ended());
    BOOST_TEST(!first.ended());
    BOOST_TEST(!second.ended());
    BOOST_TEST(refused(Code::too_many_connections) == 1);
    second.leave();
    Client fourth = connect();
    BOOST_TEST(!fourth.ended());
}

BOOST_AUTO_TEST_CASE(limit_holds_for_all_tables_together) {
    SharedCount open;
    options.connections_max = 2;
    options.open_connections = &open;
    open.add(1);  // Counts a connection of another table.
    Client first = connect();
    BOOST_TEST(!first.ended());
    Client second = connect();
    BOOST_TEST(second.ended());
    BOOST_TEST(refused(Code::too_many_connections) == 1);
    BOOST_TEST(open.read() == 2);
    open.add(-1);
    Client third = connect();
    BOOST_TEST(!third.ended());
}

BOOST_AUTO_TEST_CASE(network_with_more_connections_makes_room_for_one_with_fewer) {
    constexpr uint32_t greedy = 0x0200007f;
    options.connections_max = 6;
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.mark_authenticated();
        bytes = {};
    };
    const auto connect_from = [this](uint32_t address) {
        Client client = connect(listen, address);
        client.send("a");
        return client;
    };
    std::vector<Client> of_greedy;
    for (int number = 0; number < 6; ++number) of_greedy.push_back(connect_from(greedy));
    const auto held = [&of_greedy] {
        return std::ranges::count_if(of_greedy, [](Client& one) { return !one.ended(); });
    };
    // Clients of other networks connect until the greedy network and each other network have the
    // same number of connections.
    std::vector<Client> others;
    for (uint32_t address = 0x1000007f; address < 0x1500007f; address += 0x01000000) {
        others.push_back(connect(listen, address));
        BOOST_TEST(!others.back().ended());
        others.back().send("a");
    }
    BOOST_TEST(held() == 1);
    BOOST_TEST(refused(Code::over_connection_share) == 5);
    BOOST_TEST(refused(Code::too_many_connections) == 0);
    // Now all networks have equally many connections, so every new connection is refused.
    Client late = connect(listen, 0x2000007f);
    BOOST_TEST(late.ended());
    Client again = connect(listen, greedy);
    BOOST_TEST(again.ended());
    BOOST_TEST(refused(Code::too_many_connections) == 2);
    for (Client& other : others) BOOST_TEST(!other.ended());
}

BOOST_AUTO_TEST_CASE(network_that_holds_a_large_table_makes_room) {
    constexpr uint32_t greedy = 0x0200007f;
    constexpr size_t connections = 400;
    BOOST_TEST_REQUIRE(open_files::raise_limit() > 3 * connections);
    options.connections_max = connections;
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.mark_authenticated();
        bytes = {};
    };
    std::vector<Client> clients;
    for (size_t number = 0; number < connections; ++number) {
        // A quarter of the clients have an address of their own.
        const bool is_greedy = number % 4 != 0;
        clients.push_back(connect(
            listen, is_greedy ? greedy : htonl(0x0a000000 + static_cast<uint32_t>(number))));
        clients.back().send("a");
    }
    for (uint32_t number = 0; number < 100; ++number) {
        Client newcomer = connect(listen, htonl(0x0b000000 + number));
        BOOST_TEST(!newcomer.ended());
        newcomer.send("a");
        clients.push_back(std::move(newcomer));
    }
    size_t evicted = 0;
    for (size_t number = 0; number < connections; ++number) {
        const bool is_greedy = number % 4 != 0;
        if (!clients[number].ended()) continue;
        ++evicted;
        BOOST_TEST(is_greedy);
    }
    BOOST_TEST(evicted == 100);
}

BOOST_AUTO_TEST_CASE(address_holds_as_many_connections_as_it_may_and_others_hold_theirs) {
    constexpr uint32_t other_address = 0x0200007f;
    options.connections_per_address_max = 2;
    Client first = connect();
    Client second = connect();
    Client third = connect();
    BOOST_TEST(third.ended());
    BOOST_TEST(refused(Code::too_many_from_address) == 1);
    Client other = connect(listen, other_address);
    BOOST_TEST(!other.ended());
    first.leave();
    Client fourth = connect();
    BOOST_TEST(!fourth.ended());
}

BOOST_AUTO_TEST_CASE(clients_behind_a_trusted_proxy_share_the_table_and_the_proxy_has_no_limit) {
    constexpr uint32_t proxy_address = 0x0200007f;
    const TrustedProxies proxies({"127.0.0.2"});
    listen.trusted_proxies = &proxies;
    options.connections_per_address_max = 2;
    options.connections_max = 6;
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.mark_authenticated();
        if (connection.is_from_proxy()) connection.set_peer(bytes);
        bytes = {};
    };
    std::vector<Client> clients;
    for (const char* address : {"198.51.100.7", "203.0.113.1", "198.51.100.7", "203.0.113.2",
                                "198.51.100.7", "198.51.100.7"}) {
        clients.push_back(connect(listen, proxy_address));
        clients.back().send(address);
    }
    BOOST_TEST(refused(Code::too_many_from_address) == 0);
    Client other = connect(listen, 0x1000007f);
    BOOST_TEST(!other.ended());
    BOOST_TEST(refused(Code::over_connection_share) == 1);
    BOOST_TEST((!clients[1].ended() && !clients[3].ended()));
    other.leave();
    // The limit of one address must not affect other addresses. Closed connections must not count.
    clients.clear();
    Client first = connect();
    Client second = connect();
    Client third = connect();
    BOOST_TEST((!first.ended() && !second.ended() && third.ended()));
    BOOST_TEST(refused(Code::too_many_from_address) == 1);
}

BOOST_AUTO_TEST_CASE(acknowledged_check_ins_are_counted_when_their_slot_is_durable) {
    script.on_data = [slot = uint64_t{0}](Connection& connection, std::string_view& bytes) mutable {
        connection.reply_when_durable(slot++, 3, {});
        bytes = {};
    };
    const auto accepted = [this] {
        return shard.read(Metric::checkins_accepted_total, label_of(Transport::mqtt));
    };
    Client client = connect();
    client.send("a");
    table().release_replies(0);
    BOOST_TEST(accepted() == 0);
    client.send("b");
    table().release_replies(1);
    BOOST_TEST(accepted() == 3);
    // The second reply still waits, although the client has disconnected.
    client.leave();
    BOOST_TEST(!table().empty());
    table().release_replies(2);
    BOOST_TEST(accepted() == 6);
    step();
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(draining_ends_each_connection_after_its_replies_and_closing_does_not_wait) {
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.reply_when_durable(0, 1, bytes);
        bytes = {};
    };
    Client idle = connect();
    Client busy = connect();
    busy.send("a");
    table().drain_all();
    BOOST_TEST(idle.ended());
    BOOST_TEST(!busy.ended());
    BOOST_TEST((script.events == std::vector<std::string>{"open", "open", "shutdown", "shutdown"}));
    table().close_all();
    step();
    BOOST_TEST(busy.receive() == "");
    BOOST_TEST(busy.ended());
    BOOST_TEST(table().empty());
    BOOST_TEST(shard.read(Metric::connections, label_of(Transport::mqtt)) == 0);
}

// The deadlines of all connections pass before the first sweep.
BOOST_AUTO_TEST_CASE(nobody_waits_for_more_than_a_step_of_a_sweep_that_misses_nobody) {
    constexpr size_t clients = 3 * ConnectionTable::sweep_step;
    BOOST_TEST_REQUIRE(open_files::raise_limit() > 2 * clients + 100);
    size_t expired = 0;
    size_t most_in_a_turn = 0;
    std::vector<int64_t> when_us;
    Loop its_loop(clock, shard, ConnectionTable::Options(settings),
                  [&, before = size_t{0}]() mutable {
                      most_in_a_turn = std::max(most_in_a_turn, expired - before);
                      if (expired > before) when_us.push_back(clock.steady_us());
                      before = expired;
                      if (expired == clients) its_loop.stop();
                  });
    const ListenOptions listen_options{Transport::http, [&](Connection& connection) {
                                           return std::make_unique<Expiring>(connection, expired);
                                       }};
    std::vector<int> others;
    for (size_t client = 0; client < clients; ++client) {
        int ends[2];
        BOOST_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        others.push_back(ends[1]);
        sockaddr_storage peer{};
        peer.ss_family = AF_INET;
        its_loop.connections().accept(ends[0], peer, listen_options);
    }
    its_loop.run();
    BOOST_TEST(most_in_a_turn == ConnectionTable::sweep_step);
    BOOST_TEST_REQUIRE(when_us.size() == 3u);
    BOOST_TEST(when_us.back() - when_us.front() < 900'000);  // Two sweeps would take longer.
    for (const int fd : others) close(fd);
}

// The slots become durable, and the same turn of the loop fills them again.
BOOST_AUTO_TEST_CASE(turn_may_acknowledge_more_check_ins_than_the_ring_holds) {
    constexpr size_t check_ins = 10'000;
    uint64_t next_slot = 0;
    Cursor over;  // Advanced by the clients' thread to 1 when both clients have disconnected.
    ConnectionTable::Options table_options(settings);
    table_options.ring_rows_max = 8;
    table_options.durable = [&] { return next_slot - 5; };
    Loop its_loop(clock, shard, table_options, [&] {
        its_loop.connections().release_replies(next_slot);
        if (over.read() == 1 && its_loop.connections().empty()) its_loop.stop();
    });
    const ListenOptions endpoint{Transport::http, [&](Connection& connection) {
                                     return std::make_unique<Acknowledging>(connection, next_slot);
                                 }};
    const uint16_t port = listen_on_free_port(its_loop, endpoint);
    std::thread clients([&] {
        // One client disconnects at once, while the queue still has entries for it.
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
        its_loop.wake();
    });
    its_loop.run();
    clients.join();
    BOOST_TEST(shard.read(Metric::checkins_accepted_total, label_of(Transport::http)) ==
               static_cast<int64_t>(next_slot));
    BOOST_TEST(next_slot >= check_ins);
}

// One answer always waits for the disk, so the output is never empty.
BOOST_AUTO_TEST_CASE(answers_that_were_sent_do_not_count_as_unread_while_a_later_one_waits) {
    constexpr size_t check_ins = 600;  // In each of ten rounds.
    uint64_t next_slot = 0;
    Cursor over;  // Advanced by the client's thread to 1 when the client has disconnected.
    ConnectionTable::Options table_options(settings);
    table_options.output_bytes_max = 2 * check_ins;
    Loop its_loop(clock, shard, table_options, [&] {
        its_loop.connections().release_replies(over.read() == 1 || next_slot == 0 ? next_slot
                                                                                  : next_slot - 1);
        if (over.read() == 1 && its_loop.connections().empty()) its_loop.stop();
    });
    const ListenOptions endpoint{Transport::http, [&](Connection& connection) {
                                     return std::make_unique<Acknowledging>(connection, next_slot);
                                 }};
    const uint16_t port = listen_on_free_port(its_loop, endpoint);
    std::thread clients([&] {
        {
            TcpClient client(port);
            client.send("x");
            for (int round = 0; round < 10; ++round) {
                client.send(std::string(check_ins, 'x'));
                BOOST_TEST(client.take(check_ins) == std::string(check_ins, 'x'));
            }
        }
        over.advance(1);
        its_loop.wake();
    });
    its_loop.run();
    clients.join();
}

// --- input ---

BOOST_AUTO_TEST_CASE(turn_reads_once_from_each_client_and_little_after_the_first_megabyte) {
    constexpr size_t bytes_of_each = 100'000;
    constexpr size_t clients_count = 40;
    size_t input_max_calls = 0;
    options.on_input_max = [&] { ++input_max_calls; };
    std::vector<size_t> reads;
    script.on_data = [&](Connection&, std::string_view& bytes) {
        reads.push_back(bytes.size());
        bytes = {};
    };
    std::vector<Client> clients;
    for (size_t number = 0; number < clients_count; ++number) clients.push_back(connect());
    for (Client& client : clients) client.fill(std::string(bytes_of_each, 'x'));
    loop().step();
    BOOST_TEST(reads.size() == clients_count);
    const size_t first_turn = std::accumulate(reads.begin(), reads.end(), size_t{0});
    BOOST_TEST(first_turn >= ConnectionTable::turn_bytes);
    BOOST_TEST(first_turn <=
               ConnectionTable::turn_bytes + clients_count * ConnectionTable::read_bytes_min);
    BOOST_TEST(reads.back() == ConnectionTable::read_bytes_min);
    BOOST_TEST(input_max_calls == 1u);
    for (int turn = 0; turn < 20; ++turn) loop().step();
    BOOST_TEST(script.taken.size() == clients_count * bytes_of_each);
    BOOST_TEST(input_max_calls > 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
