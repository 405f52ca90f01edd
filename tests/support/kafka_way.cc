#include "tests/support/kafka_way.h"

#include <fmt/core.h>

#include <boost/test/unit_test.hpp>
#include <sstream>
#include <thread>

#include "tests/support/mariadb_server.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;
constexpr int partitions = 3;

}  // namespace

KafkaWay::KafkaWay(const std::vector<std::string>& properties, KafkaCluster& cluster,
                   const std::map<std::string, std::string>& of_topic)
    : kafka(cluster),
      client(cluster.brokers()),
      name(make_name(of_topic)),
      daemon(options(properties)) {
    mariadb_server().make_database(name);
    wait_until([&] { return client.has_topic(name); });
    pipeline =
        std::make_unique<PipelineStandIn>(kafka.brokers(), name, mariadb_server().options(name));
    pipeline->start();
}

KafkaWay::~KafkaWay() {
    daemon.kill();
    routers.join();
}

std::string KafkaWay::make_name(const std::map<std::string, std::string>& of_topic) const {
    static int ways = 0;
    const std::string next = fmt::format("way_{}", ++ways);
    if (!of_topic.empty()) client.create_topic(next, partitions, of_topic, kafka.nodes());
    return next;
}

TestDaemon::Options KafkaWay::options(const std::vector<std::string>& properties) const {
    std::vector<std::string> arguments;
    const auto set = [&](const std::string& property) {
        arguments.insert(arguments.end(), {"--set", "kafka." + property});
    };
    for (const auto& property :
         {"brokers=" + kafka.brokers(), "topic=" + name, std::string("create_topics=true"),
          fmt::format("partitions={}", partitions), std::string("timeout_max=5s"),
          std::string("open_timeout_max=5s")})
        set(property);
    for (const auto& property : properties) set(property);
    return {.settings = {R"(sinks = ["kafka"])", R"(spool.segment_size = "4MiB")",
                         R"(spool.size_max = "16GiB")", R"(delivery.retry_delay_max = "500ms")",
                         R"(delivery.stop_timeout_max = "1min")"},
            .arguments = std::move(arguments)};
}

void KafkaWay::wait_until(const std::function<bool()>& condition, std::chrono::seconds longest) {
    const auto deadline = std::chrono::steady_clock::now() + longest;
    while (!condition()) {
        BOOST_TEST_REQUIRE((std::chrono::steady_clock::now() < deadline));
        std::this_thread::sleep_for(50ms);
    }
}

void KafkaWay::report_for(std::chrono::milliseconds time) {
    routers.connect(daemon);
    std::this_thread::sleep_for(time);
}

double KafkaWay::accepted() const {
    return daemon.metric(R"(rollcall_checkins_accepted_total{transport="http"})") +
           daemon.metric(R"(rollcall_checkins_accepted_total{transport="mqtt"})");
}

bool KafkaWay::answers() const {
    const double before = accepted();
    std::this_thread::sleep_for(500ms);
    return accepted() > before + 100;
}

void KafkaWay::wait_until_sink_is(bool up) const {
    wait_until([&] { return daemon.metric(R"(rollcall_sink_up{sink="kafka"})") == (up ? 1 : 0); });
}

bool KafkaWay::says(std::string_view words) const {
    const std::string page = daemon.admin("/readyz").body;
    BOOST_TEST_INFO(page);
    return page.find(words) != std::string::npos;
}

void KafkaWay::wait_until_delivered(std::chrono::seconds longest) const {
    wait_until([&] { return daemon.metric(R"(rollcall_spool_backlog_bytes{sink="kafka"})") == 0; },
               longest);
}

int64_t KafkaWay::memory_kib() { return daemon.process().memory_kib("VmRSS"); }

std::vector<uint64_t> KafkaWay::seqs_of(const std::string& router) const {
    std::istringstream rows(mariadb_server().ask(
        fmt::format("SELECT seq FROM site_checkins WHERE identity = '{}'", router), name));
    std::vector<uint64_t> seqs;
    for (uint64_t seq = 0; rows >> seq;) seqs.push_back(seq);
    return seqs;
}

Routers::Stored KafkaWay::stored() const {
    return [this](const std::string& router) { return seqs_of(router); };
}

std::string KafkaWay::settle(const Allowed& allowed) {
    if (daemon.stop() != 0) return "the daemon did not stop: " + daemon.log();
    routers.join();
    pipeline->stop();
    std::string wrong = routers.losses_and_repeats(stored());
    wrong += pipeline->differences();
    // If Kafka contains a row twice, the table's unique key skips the second copy. So the number of
    // skipped rows is the number of rows that are in Kafka twice.
    if (pipeline->skipped() > 0 && !allowed.repeats)
        wrong += fmt::format("{} rows were in Kafka twice\n", pipeline->skipped());
    if (routers.longest_wait() > allowed.wait)
        wrong += fmt::format("a router waited {} ms\n", routers.longest_wait().count());
    fmt::print(
        "{}: {} check-ins were acknowledged, {} messages loaded, {} rows skipped; the "
        "longest wait was {} ms\n",
        name, routers.acknowledged(), pipeline->messages(), pipeline->skipped(),
        routers.longest_wait().count());
    return wrong;
}

}  // namespace rollcall
