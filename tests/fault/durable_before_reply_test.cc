// Tests that an acknowledged check-in is on disk. After a check-in has arrived, the daemon must
// write its record to the spool. Then it must call fdatasync(2), and this call must return before
// the daemon sends the answer. strace shows the system calls.
#include <fmt/core.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <optional>

#include "tests/support/mqtt_client.h"
#include "tests/support/mqtt_packets.h"
#include "tests/support/syscalls.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;

namespace {

constexpr int reports = 20;
constexpr std::string_view calls =
    "listen,pwritev,pwrite64,fdatasync,read,recvmsg,recvfrom,write,writev,sendmsg,sendto";

constexpr std::string_view http_request = "POST /v1/checkins";
constexpr std::string_view http_answer = "HTTP/1.1 200";
constexpr std::string_view mqtt_request = "checkins/S";
constexpr std::string_view mqtt_answer = R"(@\2\0)";  // The first three bytes of PUBACK.
constexpr std::string_view qos_2_request = "checkins/T";
constexpr std::string_view qos_2_answer = R"(P\2\0)";  // The first three bytes of PUBREC.

// Sends reports one by one over both protocols, and returns the system calls of the daemon.
std::vector<Syscall> trace_of_reports(std::vector<std::string> settings) {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "trace";
    // The leak check of a sanitizer build cannot run under strace, because both need ptrace(2).
    TestDaemon daemon({.settings = std::move(settings),
                       .wrapper = traced_into(file, calls),
                       .environment = {"ASAN_OPTIONS=detect_leaks=0"}});
    HttpClient http(daemon.http_port());
    MqttClient mqtt(daemon.mqtt_port(), "S");
    for (uint16_t id = 1; id <= reports; ++id) {
        BOOST_TEST(http.post(R"({"serial_number":"S","cpu_load":7})").status == 200);
        mqtt.publish(mqtt_request, R"({"cpu_load":7})", id);
        BOOST_TEST(mqtt.puback() == id);
        mqtt.connection().send(packets::publish(4, 2, id, {.topic = std::string(qos_2_request)}));
        BOOST_TEST(mqtt.connection().take(4) == packets::pubrec(id));
    }
    BOOST_TEST((daemon.stop() == 0), daemon.log());
    return read_trace(file);
}

bool is_one_of(const Syscall& call, std::initializer_list<std::string_view> names) {
    return std::ranges::any_of(names, [&](auto name) { return call.is(name); });
}

bool in_spool(const Syscall& call) { return call.holds("/spool/") && call.holds(".segment>"); }

// Returns true if a record was written after line `from` of the trace and synced before line `to`.
bool synced_between(const std::vector<Syscall>& trace, size_t from, size_t to) {
    std::optional<size_t> written;
    for (const auto& call : trace) {
        if (call.begun < from || call.ended > to || !in_spool(call)) continue;
        if (!written && call.is("pwritev")) written = call.ended;
        if (written && call.is("fdatasync") && call.begun > *written && call.text.ends_with("= 0"))
            return true;
    }
    return false;
}

struct Answers {
    int all = 0;
    int after_sync = 0;
};

Answers count_answers(const std::vector<Syscall>& trace, std::string_view request,
                      std::string_view answer) {
    Answers answers;
    size_t asked = 0;
    for (const auto& call : trace) {
        if (is_one_of(call, {"read", "recvmsg", "recvfrom"}) && call.holds(request))
            asked = call.ended;
        if (!is_one_of(call, {"write", "writev", "sendmsg", "sendto"}) || !call.holds(answer))
            continue;
        ++answers.all;
        if (synced_between(trace, asked, call.begun)) ++answers.after_sync;
    }
    return answers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(durable_before_reply)

BOOST_AUTO_TEST_CASE(every_200_puback_and_pubrec_follows_a_sync_of_its_record) {
    const auto trace = trace_of_reports({});
    const auto http = count_answers(trace, http_request, http_answer);
    BOOST_TEST(http.all == reports);
    BOOST_TEST(http.after_sync == reports);
    const auto mqtt = count_answers(trace, mqtt_request, mqtt_answer);
    BOOST_TEST(mqtt.all == reports);
    BOOST_TEST(mqtt.after_sync == reports);
    const auto qos_2 = count_answers(trace, qos_2_request, qos_2_answer);
    BOOST_TEST(qos_2.all == reports);
    BOOST_TEST(qos_2.after_sync == reports);
}

// Shows that the previous test case can fail.
BOOST_AUTO_TEST_CASE(without_spool_sync_no_answer_follows_a_sync) {
    const auto trace = trace_of_reports({"spool.sync = false"});
    const auto http = count_answers(trace, http_request, http_answer);
    BOOST_TEST(http.all == reports);
    BOOST_TEST(http.after_sync == 0);
    const auto mqtt = count_answers(trace, mqtt_request, mqtt_answer);
    BOOST_TEST(mqtt.all == reports);
    BOOST_TEST(mqtt.after_sync == 0);
    const auto qos_2 = count_answers(trace, qos_2_request, qos_2_answer);
    BOOST_TEST(qos_2.all == reports);
    BOOST_TEST(qos_2.after_sync == 0);
}

BOOST_AUTO_TEST_CASE(readiness_is_notified_after_the_last_port_listens) {
    const auto trace = trace_of_reports({"workers = 2"});
    size_t last_listen = 0;
    size_t listens = 0;
    size_t ready = 0;
    for (const auto& call : trace) {
        if (call.is("listen")) {
            last_listen = call.ended;
            ++listens;
        }
        if (call.holds("READY=1")) ready = call.begun;
    }
    BOOST_TEST(listens >= 5);  // HTTP and MQTT for each worker, and the admin server.
    BOOST_TEST(ready > last_listen);
}

BOOST_AUTO_TEST_SUITE_END()
