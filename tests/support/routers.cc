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

std::string report(std::string_view serial_number, uint64_t seq) {
    return fmt::format(R"({{"serial_number":"{}","seq":{},"cpu_load":7,"uptime":"1w2d03:04:05"}})",
                       serial_number, seq);
}

std::vector<uint64_t> seqs_in(const std::filesystem::path& database,
                              const std::string& serial_number) {
    const auto answer = run(
        {"sqlite3", "-cmd", ".timeout 5000", database,
         fmt::format("SELECT seq FROM site_checkins WHERE serial_number = '{}'", serial_number)});
    if (answer.status != 0)
        throw std::runtime_error("sqlite3 " + database.string() + ": " + answer.errors);
    std::istringstream rows(answer.output);
    std::vector<uint64_t> seqs;
    for (uint64_t seq = 0; rows >> seq;) seqs.push_back(seq);
    return seqs;
}

}  // namespace

Routers::Routers(const std::string& name)
    : over_http_{{.serial_number = name + "H1"},
                 {.serial_number = name + "H2"},
                 {.serial_number = name + "H3"}},
      over_mqtt_{{.serial_number = name + "M1"}, {.serial_number = name + "M2"}} {}

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
            client.send(post_request(report(router.serial_number, seq)));
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
    MqttClient client(port, router.serial_number);
    router.connected();
    while (!leaving_) {
        const uint64_t first = router.sent;
        router.sent += reports_on_the_way;
        for (uint64_t seq = first; seq < router.sent; ++seq)
            client.publish("checkins/" + router.serial_number, report(router.serial_number, seq),
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
    return losses_and_repeats(
        [&](const std::string& serial_number) { return seqs_in(database, serial_number); });
}

Routers::Stored Routers::in_any_of(std::vector<std::filesystem::path> databases) {
    return [databases = std::move(databases)](const std::string& serial_number) {
        std::set<uint64_t> all;
        for (const auto& database : databases)
            if (std::filesystem::exists(database))
                for (const uint64_t seq : seqs_in(database, serial_number)) all.insert(seq);
        return std::vector<uint64_t>(all.begin(), all.end());
    };
}

std::string Routers::losses_and_repeats(const Stored& stored_of) const {
    std::string wrong;
    for (const auto* routers : {&over_http_, &over_mqtt_}) {
        for (const auto& router : *routers) {
            std::vector<uint64_t> stored(router.sent);
            for (const uint64_t seq : stored_of(router.serial_number)) ++stored.at(seq);
            for (uint64_t seq = 0; seq < stored.size(); ++seq)
                if (stored[seq] > 1)
                    wrong += fmt::format("{} {} is there {} times\n", router.serial_number, seq,
                                         stored[seq]);
            for (const uint64_t seq : router.acknowledged)
                if (stored[seq] == 0)
                    wrong += fmt::format("{} {} was acknowledged and is not there\n",
                                         router.serial_number, seq);
        }
    }
    return wrong;
}

}  // namespace rollcall
