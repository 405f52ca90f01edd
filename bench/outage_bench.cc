// Recovery after an outage of Kafka: the rate at which the backlog shrinks, and how much the
// backlog slows the clients that report while the backlog shrinks.
//
//     1  no broker: the spool fills with rows from bodies of a hundred reports
//     2  no broker: single reports at full load (closed loop), then at half that rate
//     3  the broker is back: the two loads of step 2, while the backlog is sent
//
// Daemon, broker and load generator share the cores of this machine. At full load they compete for
// CPU time, so the result says little about the daemon. At half load, the daemon can use the
// remaining CPU time to send the backlog.

#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/load_wire.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/test_daemon.h"

using namespace rollcall;
using namespace std::chrono_literals;

namespace {

constexpr size_t reports_a_body = 100;
const bool in_full = std::getenv("BENCH") != nullptr;
const double backlog_rows = in_full ? 10e6 : 20e3;
const double load_seconds = in_full ? 10 : 1;

// Returns a list of different reports, so that no report is dropped as a duplicate.
std::string list_of_reports() {
    const std::string report = load::make_body(load::Shape::flat, 600);
    std::string list = "[";
    for (size_t i = 0; i < reports_a_body; ++i)
        list += fmt::format("{}{},\"n\":{}}}", i == 0 ? "" : ",",
                            report.substr(0, report.size() - 1), i);
    return list + "]";
}

struct Load {
    double rate = 0;
    double p99_ms = 0;
};

// Runs rollcall-load for load_seconds and returns its measurements. A rate of 0 is a closed loop.
Load send(const TestDaemon& daemon, double rate, const std::vector<std::string>& more = {}) {
    std::vector<std::string> command{ROLLCALL_LOAD_PATH,
                                     "--target",
                                     fmt::format("127.0.0.1:{}", daemon.http_port()),
                                     "--seconds",
                                     fmt::format("{}", load_seconds),
                                     "--rate",
                                     fmt::format("{}", rate)};
    command.insert(command.end(), more.begin(), more.end());
    const Finished finished = run(command);
    const auto value = [&](std::string_view name) {
        const size_t at = finished.output.find(name);
        double number = -1;
        if (at != std::string::npos)
            number = std::strtod(finished.output.c_str() + at + name.size(), nullptr);
        return number;
    };
    if (finished.status != 0 || value("errors") != 0)
        fmt::print(stderr, "{}{}", finished.output, finished.errors);
    return {value("rate"), value("p99 ")};
}

double accepted(const TestDaemon& daemon) {
    return daemon.metric("rollcall_checkins_accepted_total{transport=\"http\"}");
}
double delivered(const TestDaemon& daemon) {
    return daemon.metric("rollcall_sink_rows_total{sink=\"kafka\"}");
}

void print(std::string_view what, const Load& load) {
    fmt::print("{:<44} {:>9.0f} check-ins/s  p99 {:>8.2f} ms\n", what, load.rate, load.p99_ms);
}

}  // namespace

int main() {
    if (!KafkaCluster::is_installed()) {
        fmt::print("Kafka's jars are not installed: nothing is measured\n");
        return 0;
    }
    KafkaCluster cluster;
    TestDaemon daemon(TestDaemon::Options{
        .settings = {"sinks = [\"kafka\"]", "workers = 1", "[spool]", "size_max = \"60GiB\"",
                     "[kafka]", fmt::format("brokers = [\"{}\"]", cluster.brokers()),
                     "create_topics = true", "partitions = 8"},
        // Each run of rollcall-load sends the same reports. Without this setting, the reports of
        // later runs would count as duplicates.
        .arguments = {"--set", "delivery.duplicate_window=0ms"}});
    const Load warm = send(daemon, 0);
    while (delivered(daemon) < accepted(daemon)) std::this_thread::sleep_for(10ms);
    print("Kafka is up, full load", warm);
    cluster.kill(0);

    const TemporaryDirectory directory;
    const std::string bodies = directory.path() / "bodies";
    std::ofstream(bodies) << list_of_reports() << "\n";
    const double before = accepted(daemon);
    while (accepted(daemon) - before < backlog_rows)
        (void)send(daemon, 0, {"--bodies", bodies, "--connections", "16"});
    const Load away = send(daemon, 0);
    const double half_rate = away.rate / 2;
    const Load half_away = send(daemon, half_rate);
    print("Kafka is down, full load", away);
    print("Kafka is down, half load", half_away);
    const double backlog = accepted(daemon) - delivered(daemon);

    cluster.start(0);
    const double stored = delivered(daemon);
    while (delivered(daemon) == stored) std::this_thread::sleep_for(10ms);
    const auto begin = std::chrono::steady_clock::now();
    const double first = delivered(daemon);
    const Load half_back = send(daemon, half_rate);
    const auto half_end = std::chrono::steady_clock::now();
    const double in_half = delivered(daemon) - first;
    const Load back = send(daemon, 0);
    const double in_all = delivered(daemon) - first - in_half;
    print("Kafka is back, half load", half_back);
    print("Kafka is back, full load", back);
    while (delivered(daemon) < accepted(daemon)) std::this_thread::sleep_for(10ms);
    const auto seconds = [](auto time) { return std::chrono::duration<double>(time).count(); };
    const double all_seconds = seconds(std::chrono::steady_clock::now() - begin);
    fmt::print("{:<44} {:>9.0f} rows\n", "backlog", backlog);
    fmt::print("{:<44} {:>9.0f} rows/s\n", "delivered under half load",
               in_half / seconds(half_end - begin));
    fmt::print("{:<44} {:>9.0f} rows/s\n", "delivered under full load", in_all / load_seconds);
    fmt::print("{:<44} {:>9.0f} rows/s\n", "delivered on average",
               (delivered(daemon) - first) / all_seconds);
    return daemon.stop() == 0 ? 0 : 1;
}
