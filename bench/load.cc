// rollcall-load: sends check-ins to a server on this machine and prints its measurements.

#include <arpa/inet.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "bench/load_run.h"

namespace rollcall::load {

namespace {

struct Options {
    Plan plan;
    std::string target;
    std::string path = "/v1/checkins";
    Shape shape = Shape::flat;
    size_t body_bytes = 600;
    size_t reports = 1;
    std::string bodies_file;
    std::string percentiles_file;
    std::string sendings_file;
    int pid = 0;
};

// Parses a target such as "127.0.0.1:8080". Refuses addresses of other machines, because a load
// test must not reach them.
sockaddr_in loopback_address(const std::string& target) {
    const size_t colon = std::min(target.rfind(':'), target.size());
    const std::string host = target.substr(0, colon);
    uint16_t port = 0;
    std::from_chars(target.data() + std::min(colon + 1, target.size()),
                    target.data() + target.size(), port);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (port == 0 || inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
        give_up(fmt::format("'{}' is not an IPv4 address and a port", target));
    if (ntohl(address.sin_addr.s_addr) >> 24 != 127)
        give_up(fmt::format("{} is not in 127.0.0.0/8; rollcall-load sends to this machine only",
                            host));
    return address;
}

Options read_command_line(int argc, char** argv) {
    Options options;
    Plan& plan = options.plan;
    std::string protocol = "http";
    std::string shape = "flat";
    std::string tls;
    CLI::App app("Sends check-ins to a server on this machine and prints its measurements.");
    app.add_option("--protocol", protocol, "http, or mqtt (3.1.1, QoS 1)")
        ->check(CLI::IsMember({"http", "mqtt"}));
    app.add_option("--target", options.target, "default 127.0.0.1:8080, with mqtt 127.0.0.1:1883");
    app.add_option("--path", options.path, "path that check-ins are posted to");
    app.add_option("--connections", plan.connections, "default 64")->check(CLI::Range(1, 100'000));
    app.add_option("--in-flight", plan.in_flight, "unanswered check-ins per mqtt connection")
        ->check(CLI::Range(1, 1'000));
    app.add_flag("--connection-per-checkin", plan.connection_per_checkin,
                 "open a connection for each check-in (http)");
    app.add_option("--seconds", plan.seconds, "how long to send; default 10")
        ->check(CLI::Range(0.1, 3600.0));
    app.add_option("--rate", plan.rate, "check-ins per second; 0 sends as fast as responses arrive")
        ->check(CLI::Range(0.0, 1e7));
    app.add_option("--body-bytes", options.body_bytes, "size of a report; default and minimum 600")
        ->check(CLI::Range(600, 16'000'000));
    app.add_option("--shape", shape, "members of a report: flat (default), or nested")
        ->check(CLI::IsMember({"flat", "nested"}));
    app.add_option("--reports", options.reports, "reports in the JSON array of each body (http)")
        ->check(CLI::Range(1, 10'000));
    app.add_option("--tls", tls, "use TLS of this version: 1.2 or 1.3")
        ->check(CLI::IsMember({"1.2", "1.3"}));
    app.add_flag("--resume", plan.resume, "resume a TLS session on every connection (--tls 1.2)");
    app.add_option("--rounds", plan.rounds,
                   "each connection is a router that sends so often, each time after the `next` of "
                   "the reply; --rate is the rate of the first round (http)")
        ->check(CLI::Range(1, 1'000));
    app.add_option("--sendings", options.sendings_file,
                   "with --rounds: file for round and seconds of each check-in");
    app.add_option("--percentiles", options.percentiles_file,
                   "file for the percentiles of the latency in ms");
    app.add_option("--bodies", options.bodies_file, "file of reports to send instead, one per line")
        ->check(CLI::ExistingFile);
    app.add_option("--pid", options.pid, "process whose CPU time to print");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::exit(app.exit(error) == 0 ? 0 : 2);
    }
    const bool mqtt = protocol == "mqtt";
    plan.protocol = mqtt ? Protocol::mqtt : Protocol::http;
    if (!mqtt && plan.in_flight > 1) give_up("--in-flight is for mqtt");
    if (mqtt && plan.connection_per_checkin) give_up("--connection-per-checkin is for http");
    if (mqtt && (options.reports > 1 || plan.rounds > 0 || !tls.empty()))
        give_up("--reports, --rounds and --tls are for http");
    if (plan.rounds > 0 && plan.rate == 0) give_up("--rounds needs --rate");
    if (plan.resume && (tls != "1.2" || !plan.connection_per_checkin))
        give_up("--resume needs --tls 1.2 and --connection-per-checkin");
    if (!tls.empty()) plan.tls_version = tls == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    options.shape = shape == "flat" ? Shape::flat : Shape::nested;
    if (options.target.empty()) options.target = mqtt ? "127.0.0.1:1883" : "127.0.0.1:8080";
    plan.target = loopback_address(options.target);
    return options;
}

std::vector<Message> make_messages(const Options& options) {
    std::vector<std::string> bodies;
    if (options.bodies_file.empty()) {
        const std::string body = make_body(options.shape, options.body_bytes);
        bodies.push_back(options.reports == 1 ? body : make_batch(body, options.reports));
    } else {
        std::ifstream file(options.bodies_file);
        for (std::string line; std::getline(file, line);) bodies.push_back(line);
        if (bodies.empty()) give_up(fmt::format("{} contains no report", options.bodies_file));
    }
    const bool close = options.plan.connection_per_checkin;
    std::vector<Message> messages;
    for (const std::string& body : bodies) {
        if (options.plan.protocol == Protocol::mqtt)
            messages.emplace_back(Message::Mqtt{}, body);
        else
            messages.emplace_back(Message::Http{options.target, options.path, close}, body);
    }
    return messages;
}

// Returns the CPU time of all threads of a process: fields 14 and 15 of its stat file (proc(5)).
double cpu_seconds(int pid) {
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    const std::string stat(std::istreambuf_iterator<char>(file), {});
    const size_t name_end = stat.rfind(')');  // Field 2, the name, may contain any character.
    if (name_end == stat.npos) give_up(fmt::format("process {} does not exist", pid));
    unsigned long user = 0;
    unsigned long system = 0;
    std::sscanf(stat.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                &user, &system);
    return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void allow_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::ofstream create(const std::string& path) {
    std::ofstream file(path);
    if (!file) give_up(fmt::format("cannot create {}", path));
    return file;
}

// Writes a line for each percentile: N, the percentile in percent, and the latency in milliseconds.
// One in N check-ins was slower than this latency. N grows tenfold every ten lines.
void write_percentiles(const std::string& path, const Latencies& latencies, uint64_t count) {
    std::ofstream file = create(path);
    for (double one_in = 1; one_in <= static_cast<double>(count); one_in *= 1.2589254) {
        const double share = 1 - 1 / one_in;
        file << fmt::format("{:.1f}\t{:.6f}\t{:.3f}\n", one_in, share * 100,
                            static_cast<double>(latencies.percentile(share)) / 1000);
    }
}

void write_sendings(const std::string& path, const std::vector<Sending>& sendings) {
    std::ofstream file = create(path);
    for (const Sending& sending : sendings)
        file << fmt::format("{}\t{:.3f}\n", sending.round,
                            static_cast<double>(sending.at_ns) / 1e9);
}

void print(const Totals& totals) {
    fmt::print("sent          {}\nacknowledged  {}\nerrors        {}\nbehind        {}\n",
               totals.sent, totals.acknowledged, totals.errors, totals.behind);
    if (!totals.first_error.empty()) fmt::print("first error   {}\n", totals.first_error);
    fmt::print("rate          {:.0f} /s\n", static_cast<double>(totals.acknowledged) * 1e9 /
                                                static_cast<double>(totals.took_ns));
    const auto line = [](std::string_view name, uint64_t micros) {
        fmt::print("{:<13} {:.3f} ms\n", name, static_cast<double>(micros) / 1000);
    };
    line("p50", totals.latencies.percentile(0.5));
    line("p90", totals.latencies.percentile(0.9));
    line("p99", totals.latencies.percentile(0.99));
    line("p99.9", totals.latencies.percentile(0.999));
    line("max", totals.latencies.max());
    if (totals.resumed > 0) fmt::print("resumed       {}\n", totals.resumed);
}

int run(int argc, char** argv) {
    const Options options = read_command_line(argc, argv);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL.
    allow_descriptors();
    Load load(options.plan, make_messages(options));
    load.connect();
    const double cpu_before = options.pid ? cpu_seconds(options.pid) : 0;
    load.run();
    const Totals& totals = load.totals();
    print(totals);
    if (!options.percentiles_file.empty())
        write_percentiles(options.percentiles_file, totals.latencies, totals.acknowledged);
    if (!options.sendings_file.empty()) write_sendings(options.sendings_file, totals.sendings);
    if (options.pid) fmt::print("cpu_before    {:.2f} s\n", cpu_before);
    if (options.pid)
        fmt::print("cpu           {:.2f} s per million\n",
                   (cpu_seconds(options.pid) - cpu_before) * 1e6 /
                       static_cast<double>(std::max<uint64_t>(totals.acknowledged, 1)));
    return totals.errors == 0 && totals.acknowledged > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

}  // namespace rollcall::load

int main(int argc, char** argv) {
    try {
        return rollcall::load::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "rollcall-load: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
