#include "daemon/mqtt/sessions.h"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <thread>

#include "tests/support/mqtt_session_fixture.h"

namespace rollcall {

using namespace mqtt_fixture;

namespace {

// Waits for at most 30 seconds.
void expect_soon(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (!condition() && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(5ms);
    BOOST_TEST(condition());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(mqtt_sessions, MqttSessionFixture)

// [MQTT-3.1.4-2] [MQTT5-3.1.4-3]
BOOST_AUTO_TEST_CASE(client_that_connects_again_ends_its_last_connection_which_leaves_no_will) {
    start();
    for (const int level : levels) {
        TcpClient first(mqtt_port);
        first.send(connect_with_will(level) + publish(level, 1, 1));
        expect(first, connack(level) + puback(1));
        TcpClient second(mqtt_port);
        second.send(connect_with_will(level));
        expect(second, connack(level));
        BOOST_TEST(first.take_rest() == dismissal(level, Reason::session_taken_over));
        second.send(publish(level, 1, 1) + disconnect());
        BOOST_TEST(second.take_rest() == puback(1));
    }
    BOOST_TEST(shared->mqtt_clients.shard().read(Metric::mqtt_takeovers_total, 0) >= 2);
    BOOST_TEST(sites(4) == "r1 r1 r1 r1");
}

BOOST_AUTO_TEST_CASE(client_may_connect_again_to_another_worker) {
    start(2);
    for (const int level : levels) {
        TcpClient first(mqtt_port);
        first.send(connect_with_will(level));
        expect(first, connack(level));
        TcpClient second(second_mqtt_port);
        second.send(connect_with_will(level));
        expect(second, connack(level));
        BOOST_TEST(first.take_rest() == dismissal(level, Reason::session_taken_over));
        TcpClient third(mqtt_port);
        third.send(connect_with_will(level));
        expect(third, connack(level));
        BOOST_TEST(second.take_rest() == dismissal(level, Reason::session_taken_over));
        third.send(publish(level, 1, 1) + disconnect());
        BOOST_TEST(third.take_rest() == puback(1));
    }
    mark();
    BOOST_TEST(sites(3) == "r1 r1 r1");
}

// [MQTT-3.1.2-8] [MQTT5-3.1.2-8]
BOOST_AUTO_TEST_CASE(connection_that_is_taken_over_for_another_site_leaves_its_will) {
    start(2);
    const std::string no_delay = property(24, four(0));
    size_t rows = 0;
    for (const int level : levels)
        for (const bool has_will : {false, true}) {
            TcpClient first(mqtt_port);
            first.send(connect_with_will(level));
            expect(first, connack(level));
            TcpClient second(second_mqtt_port);
            const std::string other_will =
                has_will ? will(level, "checkins/other", "offline", no_delay) : "";
            second.send(connect(
                "MT1",
                {.level = level, .flags = has_will ? 2 | will_flag : 2, .behind_id = other_will}));
            expect(second, connack(level));
            BOOST_TEST(first.take_rest() == dismissal(level, Reason::session_taken_over));
            (void)sites(++rows);
            second.send(disconnect());
            BOOST_TEST(second.take_rest() == "");
        }
    mark();
    BOOST_TEST(sites(5) == "-gone -gone -gone -gone r1");
}

BOOST_AUTO_TEST_CASE(wills_are_charged_to_the_quotas_of_their_client) {
    limit_network(2, Millis(60'000));
    start();
    const auto leave_will = [this](std::string_view site) {
        TcpClient client(mqtt_port);
        client.send(connect(
            site, {.flags = 2 | will_flag, .behind_id = will(4, "checkins/" + std::string(site))}));
        expect(client, connack(4));
    };
    leave_will("a");
    BOOST_TEST(sites(1) == "-a");
    leave_will("b");
    BOOST_TEST(sites(2) == "-a -b");
    leave_will("c");
    for (int tries = 0; tries < 1000 && rejected(Code::over_network_quota) == 0; ++tries)
        std::this_thread::sleep_for(10ms);
    BOOST_TEST(rejected(Code::over_network_quota) == 1);
    BOOST_TEST(sites(2) == "-a -b");
}

BOOST_AUTO_TEST_CASE(will_that_finds_the_ring_full_waits_for_room) {
    settings.spool.size_max = Bytes{64 * 1024};
    start();
    auto leaving = std::make_unique<TcpClient>(mqtt_port);
    leaving->send(connect_with_will(4));
    expect(*leaving, connack(4));
    TcpClient busy(mqtt_port);
    constexpr size_t reports = 1500;
    std::string sent = connect("busy");
    std::string answers = connack(4);
    for (size_t number = 1; number <= reports; ++number) {
        sent += publish(4, 1, number);
        answers += puback(number);
    }
    std::thread sender([&] { busy.send(sent); });
    expect_soon([&] { return pipeline->load().full && counted(Metric::ring_full_total) > 0; });
    leaving.reset();
    expect_soon([&] { return counted(Metric::connections, label_of(Transport::mqtt)) == 1; });
    BOOST_TEST(shared->mqtt_clients.shard().read(Metric::mqtt_wills_waiting, 0) == 1);
    gate.advance(1);
    expect(busy, answers);
    sender.join();
    BOOST_TEST(sites(reports + 1).find("-gone") != std::string::npos);
    BOOST_TEST(rejected(Code::ring_full) == 0);
}

BOOST_AUTO_TEST_CASE(will_that_finds_the_ring_full_and_may_not_wait_is_counted) {
    settings.spool.size_max = Bytes{64 * 1024};
    settings.mqtt.delayed_wills_max = 0;
    start();
    auto leaving = std::make_unique<TcpClient>(mqtt_port);
    leaving->send(connect_with_will(4));
    expect(*leaving, connack(4));
    TcpClient busy(mqtt_port);
    std::string sent = connect("busy");
    for (size_t number = 1; number <= 1500; ++number) sent += publish(4, 1, number);
    std::thread sender([&] { busy.send(sent); });
    expect_soon([&] { return pipeline->load().full && counted(Metric::ring_full_total) > 0; });
    leaving.reset();
    expect_soon([&] { return rejected(Code::ring_full) == 1; });
    gate.advance(1);
    sender.join();
}

// The client sends the message again before the connection that received it has closed.
BOOST_AUTO_TEST_CASE(session_that_is_taken_over_knows_what_was_received) {
    start(2);
    for (const int level : levels)
        for (const uint16_t port : {mqtt_port, second_mqtt_port}) {
            const std::string hello = connect_to_stay(level, 0, std::to_string(port));
            TcpClient first(mqtt_port);
            first.send(hello + publish(level, 2, 7));
            expect(first, connack(level, false) + pubrec(7));
            TcpClient second(port);
            second.send(hello + publish(level, 2, 7, {.dup = true}) + pubrel(7) + disconnect());
            BOOST_TEST(second.take_rest() == connack(level, true) + pubrec(7) + pubcomp(7));
        }
    mark();
    BOOST_TEST(sites(5) == "r1 r1 r1 r1 r1");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace rollcall
