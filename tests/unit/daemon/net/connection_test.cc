#include "daemon/net/connection.h"

#include <boost/test/unit_test.hpp>

#include "daemon/net/tls_session.h"
#include "pipeline/base/cursor.h"
#include "tests/support/certificates.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/tls_client.h"

namespace rollcall {

using namespace std::string_literals;

namespace {

// A session that returns its input, and closes the connection if the client is too slow.
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

// Answers each line with the line itself.
void answer_lines(Connection& connection, std::string_view& bytes) {
    for (size_t end; (end = bytes.find('\n')) != std::string_view::npos && connection.ready();) {
        connection.reply(bytes.substr(0, end + 1));
        bytes.remove_prefix(end + 1);
    }
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(net_connection, LoopFixture)

// The socket is libuv's uv_tcp_t, which has 248 bytes.
BOOST_AUTO_TEST_CASE(connection_takes_at_most_144_bytes_besides_its_socket) {
    BOOST_TEST(sizeof(Connection) - sizeof(uv_tcp_t) <= 144u);
}

// --- input ---

BOOST_AUTO_TEST_CASE(input_that_the_session_leaves_comes_again_with_more_behind_it) {
    script.on_data = answer_lines;
    Client client = connect();
    client.send("one\ntw");
    BOOST_TEST(client.receive() == "one\n");
    client.send("o");
    BOOST_TEST(client.receive() == "");
    client.send("\nthree\n");
    BOOST_TEST(client.receive() == "two\nthree\n");
}

BOOST_AUTO_TEST_CASE(paused_connection_reads_nothing_until_it_is_resumed) {
    bool ring_is_full = true;
    script.on_data = [&](Connection& connection, std::string_view& bytes) {
        if (ring_is_full) return connection.pause();
        answer_lines(connection, bytes);
    };
    Client client = connect();
    client.send("one\n");
    BOOST_TEST(script.last->paused());
    BOOST_TEST(!script.last->ready());
    client.send("two\n");
    BOOST_TEST(script.taken == "");
    ring_is_full = false;
    table().resume_paused();
    step();
    BOOST_TEST(script.events.back() == "resume");
    BOOST_TEST(client.receive() == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(throttled_connection_is_tried_again_after_its_time) {
    bool is_over_quota = true;
    script.on_data = [&](Connection& connection, std::string_view& bytes) {
        if (is_over_quota) return connection.throttle(Millis(1));
        answer_lines(connection, bytes);
    };
    Client client = connect();
    client.send("one\n");
    BOOST_TEST(script.last->throttled());
    is_over_quota = false;
    client.send("two\n");
    BOOST_TEST(client.receive() == "");
    sweep();
    BOOST_TEST(client.receive() == "one\ntwo\n");
    BOOST_TEST(shard.read(Metric::connections_throttled_total, label_of(Transport::mqtt)) == 1);
}

BOOST_AUTO_TEST_CASE(throttled_connection_whose_client_has_left_is_closed) {
    script.on_data = [](Connection& connection, std::string_view&) {
        connection.throttle(Millis(1));
    };
    {
        Client client = connect();
        client.send("one\n");
    }
    BOOST_TEST(!table().empty());
    sweep();
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(new_connection_under_overload_is_throttled_and_asked_for_rejection_once) {
    Millis delay{1};
    options.overload_delay = [&] { return delay; };
    std::vector<bool> rejects;
    script.on_data = [&](Connection& connection, std::string_view& bytes) {
        rejects.push_back(connection.should_reject_for_overload());
        bytes = {};
    };
    Client early = connect();
    Client late = connect();
    Connection& second = *script.last;
    early.send("a");
    BOOST_TEST(rejects.empty());
    sweep();
    early.send("b");
    BOOST_TEST(second.ready());
    delay = Millis(0);  // The overload has ended before the second connection.
    late.send("c");
    BOOST_TEST((rejects == std::vector<bool>{true, false, false}));
}

BOOST_AUTO_TEST_CASE(connection_is_known_by_the_address_of_its_proxy_header) {
    listen.proxy_protocol = true;
    script.on_data = answer_lines;
    const std::string header =
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s + "\xc0\x00\x02\x07\xc6\x33\x64\x01\x04\x00\x01\xbb"s;
    Client client = connect();
    client.send(header.substr(0, 20));
    BOOST_TEST(script.events.empty());
    client.send(header.substr(20) + "one\n");
    BOOST_TEST(script.last->peer() == "192.0.2.7");
    BOOST_TEST(client.receive() == "one\n");
    Client other = connect();
    other.send("one\n");
    BOOST_TEST(other.ended());
    BOOST_TEST(refused(Code::bad_proxy_header) == 1);
}

// --- output ---

BOOST_AUTO_TEST_CASE(reply_that_waits_for_its_slot_holds_back_those_behind_it) {
    script.on_data = [slot = uint64_t{0}](Connection& connection, std::string_view& bytes) mutable {
        for (; !bytes.empty(); bytes.remove_prefix(1)) {
            if (bytes.front() == 'd')
                connection.reply_when_durable(slot++, 1, "durable ");
            else
                connection.reply("plain ");
        }
    };
    Client client = connect();
    client.send("pdpdp");
    BOOST_TEST(client.receive() == "");
    BOOST_TEST(script.last->sendable_end() == 6u);
    BOOST_TEST(script.last->output_end() == 34u);
    table().release_replies(1);
    BOOST_TEST(client.receive() == "plain durable ");
    table().release_replies(2);
    BOOST_TEST(client.receive() == "plain durable plain ");
    client.send("p");
    BOOST_TEST(client.receive() == "plain ");
}

BOOST_AUTO_TEST_CASE(connection_with_too_much_output_is_not_read_from) {
    options.output_bytes_max = 10;
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        for (; !bytes.empty() && connection.ready(); bytes.remove_prefix(1))
            connection.reply_when_durable(0, 1, "12345678");
    };
    Client client = connect();
    client.send("abc");
    client.send("d");
    BOOST_TEST(script.taken == "ab");
    table().release_replies(1);
    step();
    BOOST_TEST(script.taken == "abcd");
}

BOOST_AUTO_TEST_CASE(client_that_reads_no_replies_is_closed_after_its_time) {
    options.output_timeout_max = Millis(1);
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.reply(std::string(4'000'000, 'x'));
        bytes = {};
    };
    Client client = connect();
    client.send("a");
    sweep();
    BOOST_TEST(refused(Code::responses_not_read) == 1);
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(client_that_reads_slowly_gets_all_of_a_large_reply) {
    constexpr size_t bytes_sent = 4'000'000;
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        if (!bytes.empty()) connection.reply(std::string(bytes_sent, 'x'));
        bytes = {};
    };
    Client client = connect();
    client.send("a");
    size_t received = 0;
    for (int turn = 0; turn < 1000 && received < bytes_sent; ++turn) {
        received += client.receive().size();
        step();
    }
    BOOST_TEST(received == bytes_sent);
}

// --- deadlines ---

BOOST_AUTO_TEST_CASE(deadline_that_has_passed_is_told_once) {
    Client client = connect();
    script.last->set_deadline(Millis(0));
    sweep();
    sweep();
    BOOST_TEST((script.events == std::vector<std::string>{"open", "deadline"}));
    BOOST_TEST(!client.ended());
}

BOOST_AUTO_TEST_CASE(request_that_comes_too_slowly_is_told_and_one_in_time_is_not) {
    listen.input_rate_min = {.grace = Millis(0), .bytes_per_s = 1'000'000};
    script.on_data = answer_lines;
    Client client = connect();
    client.send("one\n");
    sweep();
    BOOST_TEST(script.events.back() == "open");
    client.send("tw");
    sweep();
    BOOST_TEST(script.events.back() == "slow_input");
}

BOOST_AUTO_TEST_CASE(record_of_tls_that_trickles_is_cut_and_one_that_comes_in_time_is_not) {
    const Certificates certificates;
    use_certificate(settings, certificates.issue("server"));
    TlsContext tls(settings, clock);
    BOOST_REQUIRE(tls.load().has_value());
    int cut = 0;
    Cursor over;
    Loop its_loop(clock, shard, ConnectionTable::Options(settings), [&] {
        if (over.read() == 1) its_loop.stop();
    });
    const uint16_t port = listen_on_free_port(
        its_loop,
        {.transport = Transport::mqtt,
         .make_session =
             [&](Connection& connection) { return std::make_unique<Impatient>(connection, cut); },
         .tls = &tls,
         .input_rate_min = {.grace = Millis(1000), .bytes_per_s = 16 * 1024}});
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
        its_loop.wake();
    });
    its_loop.run();
    clients.join();
    BOOST_TEST(cut == 1);
}

// --- closing ---

BOOST_AUTO_TEST_CASE(lingering_connection_discards_input_until_its_client_closes) {
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.reply("bye");
        connection.close_after_replies(Linger::always);
        bytes = {};
    };
    Client client = connect();
    client.send("a");
    BOOST_TEST(client.receive() == "bye");
    BOOST_TEST(client.ended());
    client.send("b");
    BOOST_TEST(!table().empty());
    BOOST_TEST(script.taken == "a");
    client.leave();
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(connection_without_unread_bytes_closes_after_its_last_reply) {
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.reply_when_durable(0, 1, "bye");
        connection.close_after_replies(Linger::if_unread);
        bytes = {};
    };
    Client client = connect();
    client.send("a");
    BOOST_TEST(!table().empty());
    table().release_replies(1);
    step();
    BOOST_TEST(client.receive() == "bye");
    BOOST_TEST(table().empty());
    BOOST_TEST(script.events.back() == "close");
}

BOOST_AUTO_TEST_CASE(client_that_ends_its_side_gets_the_replies_that_wait) {
    script.on_data = [](Connection& connection, std::string_view& bytes) {
        connection.reply_when_durable(0, 1, "late");
        bytes = {};
    };
    Client client = connect();
    client.send("a");
    client.end_sending();
    table().release_replies(1);
    step();
    BOOST_TEST(client.receive() == "late");
    BOOST_TEST(table().empty());
    // Without pending replies, the connection closes at once.
    Client other = connect();
    other.end_sending();
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(client_that_holds_more_than_the_budget_leaves_is_not_read_from_meanwhile) {
    constexpr size_t sent = 100'000;
    MemoryBudget budget(sent);
    options.memory = &budget;
    size_t seen = 0;
    script.on_data = [&seen](Connection&, std::string_view& bytes) { seen = bytes.size(); };
    const auto waits = [this] {
        return shard.read(Metric::memory_waits_total, label_of(Transport::mqtt));
    };
    {
        Client greedy = connect();
        for (size_t piece = 0; piece < 10; ++piece) greedy.send(std::string(sent / 10, 'x'));
        BOOST_TEST(seen >= sent / 5);
        BOOST_TEST(seen < sent);
        BOOST_TEST(budget.used() <= static_cast<int64_t>(sent));
        BOOST_TEST(waits() == 1);
        const size_t seen_of_greedy = seen;
        // A client that holds no memory must still be served.
        Client modest = connect();
        modest.send("a");
        BOOST_TEST(seen == 1U);
        modest.leave();
        sweep();
        BOOST_TEST(waits() == 1);
        seen = seen_of_greedy;
        // Now other users of the budget free memory.
        budget.add(MemoryUse::wills, -2 * static_cast<int64_t>(sent));
        sweep();
        BOOST_TEST(seen == sent);
        budget.add(MemoryUse::wills, 2 * static_cast<int64_t>(sent));
    }
    step();
    BOOST_TEST(budget.used() <= 16 * 1024);  // Only idle buffers are left.
    close_loop();
    BOOST_TEST(budget.used() == 0);
}

BOOST_AUTO_TEST_CASE(client_that_leaves_while_it_is_not_read_from_gives_its_memory_back) {
    MemoryBudget budget(100'000);
    options.memory = &budget;
    script.on_data = [](Connection&, std::string_view&) {};
    Client greedy = connect();
    for (int piece = 0; piece < 10; ++piece) greedy.send(std::string(10'000, 'x'));
    BOOST_TEST(budget.used() > 20'000);
    greedy.leave();
    sweep();
    BOOST_TEST(budget.used() <= 16 * 1024);
    BOOST_TEST(table().empty());
}

BOOST_AUTO_TEST_CASE(client_whose_unread_responses_hold_the_budget_is_not_read_from) {
    MemoryBudget budget(100'000);
    options.memory = &budget;
    size_t requests = 0;
    script.on_data = [&requests](Connection& connection, std::string_view& bytes) {
        for (; !bytes.empty() && connection.ready(); bytes.remove_prefix(1)) {
            ++requests;
            connection.reply_when_durable(0, 1, std::string(1000, 'r'));
        }
    };
    Client client = connect();
    client.send(std::string(200, 'a'));
    BOOST_TEST(requests > 20U);
    BOOST_TEST(requests < 80U);
    BOOST_TEST(budget.used() <= 110'000);
    table().release_replies(1);
    step();
    BOOST_TEST(client.receive().size() >= 20'000U);
    close_loop();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
