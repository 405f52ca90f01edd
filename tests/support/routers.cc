#include "tests/support/routers.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/mqtt_client.h"

namespace rollcall {

namespace {

constexpr uint64_t reports_on_the_way = 8;

// Some sinks store a row under the hash of its report. The hash has 39 bits, and two rows of one
// site in two minutes with the same hash count as one (row_id.h). Real sites report far too seldom
// for equal hashes, but these routers report 10,000 times a second. So each router uses many serial
// numbers.
constexpr uint64_t reports_of_a_serial_number = 200;

std::string report(std::string_view router, uint64_t seq) {
    return fmt::format(R"({{"serial_number":"{0}N{1}","identity":"{0}","seq":{2},)"
                       R"("cpu_load":7,"uptime":"1w2d03:04:05"}})",
                       router, seq / reports_of_a_serial_number, seq);
}

std::vector<uint64_t> seqs_in(const std::filesystem::path& database, const std::string& router) {
    const auto answer =
        run({"sqlite3", "-cmd", ".timeout 5000", database,
             fmt::format("SELECT seq FROM site_checkins WHERE identity = '{}'", router)});
    if (answer.status != 0)
        throw std::runtime_error("sqlite3 " + database.string() + ": " + answer.errors);
    std::istringstream rows(answer.output);
    std::vector<uint64_t> seqs;
    for (uint64_t seq = 0; rows >> seq;) seqs.push_back(seq);
    return seqs;
}

// Appends a line for each range of consecutive numbers. `seqs` must be sorted.
void append_ranges(std::string_view router, const std::vector<uint64_t>& seqs,
                   std::string_view fault, std::string& lines) {
    for (auto first = seqs.begin(); first != seqs.end();) {
        auto last = first;
        while (last + 1 != seqs.end() && *(last + 1) == *last + 1) ++last;
        lines += fmt::format("{} {} to {} {}\n", router, *first, *last, fault);
        first = last + 1;
    }
}

}  // namespace

Routers::Routers(const std::string& name)
    : over_http_{{.name = name + "H1"}, {.name = name + "H2"}, {.name = name + "H3"}},
      over_mqtt_{{.name = name + "M1"}, {.name = name + "M2"}} {}

void Routers::Router::heard() {
    const auto now = std::chrono::steady_clock::now();
    longest_wait = std::max(longest_wait, now - answered);
    answered = now;
}

void Routers::report_over_http(Router& router, uint16_t port) try {
    HttpClient client(port);
    router.connected();
    while (!leaving_) {
        const uint64_t first = router.sent;
        router.sent += reports_on_the_way;
        for (uint64_t seq = first; seq < router.sent; ++seq)
            client.send(post_request(report(router.name, seq)));
        for (uint64_t seq = first; seq < router.sent; ++seq)
            if (client.receive().status == 200) {
                router.heard();
                router.acknowledged.push_back(seq);
            }
    }
} catch (const ConnectionEnded&) {
    return;
}

void Routers::report_over_mqtt(Router& router, uint16_t port) try {
    MqttClient client(port, router.name);
    router.connected();
    while (!leaving_) {
        const uint64_t first = router.sent;
        router.sent += reports_on_the_way;
        for (uint64_t seq = first; seq < router.sent; ++seq)
            client.publish("checkins/" + router.name, report(router.name, seq),
                           static_cast<uint16_t>(1 + seq % 1000));
        for (uint64_t seq = first; seq < router.sent; ++seq)
            if (client.puback() == 1 + seq % 1000) {
                router.heard();
                router.acknowledged.push_back(seq);
            }
    }
} catch (const ConnectionEnded&) {
    return;
}

void Routers::connect(const TestDaemon& daemon) {
    for (auto& router : over_http_)
        threads_.emplace_back([&, port = daemon.http_port()] { report_over_http(router, port); });
    for (auto& router : over_mqtt_)
        threads_.emplace_back([&, port = daemon.mqtt_port()] { report_over_mqtt(router, port); });
}

void Routers::join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Routers::disconnect() {
    leaving_ = true;
    join();
    leaving_ = false;
}

uint64_t Routers::acknowledged() const {
    uint64_t all = 0;
    for (const auto* routers : {&over_http_, &over_mqtt_})
        for (const auto& router : *routers) all += router.acknowledged.size();
    return all;
}

std::chrono::milliseconds Routers::longest_wait() const {
    std::chrono::steady_clock::duration longest{};
    for (const auto* routers : {&over_http_, &over_mqtt_})
        for (const auto& router : *routers) longest = std::max(longest, router.longest_wait);
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
}

std::string Routers::losses_and_repeats(const TestDaemon& daemon) const {
    return losses_and_repeats(daemon.state_dir() / "rollcall.db");
}

std::string Routers::losses_and_repeats(const std::filesystem::path& database) const {
    return losses_and_repeats([&](const std::string& router) { return seqs_in(database, router); });
}

Routers::Stored Routers::in_any_of(std::vector<std::filesystem::path> databases) {
    return [databases = std::move(databases)](const std::string& router) {
        std::set<uint64_t> all;
        for (const auto& database : databases)
            if (std::filesystem::exists(database))
                for (const uint64_t seq : seqs_in(database, router)) all.insert(seq);
        return std::vector<uint64_t>(all.begin(), all.end());
    };
}

std::string Routers::losses_and_repeats(const Stored& stored_of) const {
    std::string wrong;
    for (const auto* routers : {&over_http_, &over_mqtt_}) {
        for (const auto& router : *routers) {
            std::vector<int> rows(router.sent);
            for (const uint64_t seq : stored_of(router.name)) ++rows.at(seq);
            std::vector<uint64_t> repeated;
            for (uint64_t seq = 0; seq < rows.size(); ++seq)
                if (rows[seq] > 1) repeated.push_back(seq);
            std::vector<uint64_t> lost;
            for (const uint64_t seq : router.acknowledged)
                if (rows[seq] == 0) lost.push_back(seq);
            append_ranges(router.name, repeated, "is there more than once", wrong);
            append_ranges(router.name, lost, "was acknowledged and is not there", wrong);
        }
    }
    return wrong;
}

}  // namespace rollcall
