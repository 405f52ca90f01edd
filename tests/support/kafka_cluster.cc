#include "tests/support/kafka_cluster.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/free_port.h"
#include "tests/support/kafka_client.h"

namespace rollcall {

namespace {

using namespace std::chrono_literals;

// Runs Java with a small heap and a short start time: one garbage-collector thread, no C2 compiler.
std::vector<std::string> java(const std::string& main_class,
                              const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"java",
                                        "-Xms64m",
                                        "-Xmx256m",
                                        "-XX:+UseSerialGC",
                                        "-XX:TieredStopAtLevel=1",
                                        "-cp",
                                        std::string(ROLLCALL_KAFKA_JARS) + "/*",
                                        main_class};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

}  // namespace

bool KafkaCluster::is_installed() { return std::filesystem::is_directory(ROLLCALL_KAFKA_JARS); }

KafkaCluster::KafkaCluster(int nodes, Doors doors, uint16_t advertised_port) {
    if (doors == Doors::guarded) make_certificate();
    for (int node = 0; node < nodes; ++node)
        nodes_.push_back({free_port(), free_port(), free_port(), free_port(),
                          directory_.path() / fmt::format("{}.properties", node), nullptr});
    for (size_t node = 0; node < nodes_.size(); ++node) {
        write_settings(node, doors, advertised_port);
        const auto formatted =
            run(java("kafka.tools.StorageTool",
                     {"format", "-t", "rollcall-tests-cluster", "-c", nodes_[node].settings_path,
                      "--add-scram", "SCRAM-SHA-512=[name=rollcall,password=hush]"}));
        if (formatted.status != 0) throw std::runtime_error("kafka: " + formatted.errors);
    }
    for (int node = 0; node < nodes; ++node) start(node);
    if (advertised_port == 0) wait_until_ready();
}

void KafkaCluster::make_certificate() {
    const auto made = run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                           "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                           "-keyout", key(), "-out", certificate()});
    if (made.status != 0) throw std::runtime_error("openssl: " + made.errors);
    std::ofstream store(directory_.path() / "store.pem");
    for (const std::string& part : {key(), certificate()}) store << std::ifstream(part).rdbuf();
}

void KafkaCluster::write_settings(size_t node, Doors doors, uint16_t advertised_port) {
    std::vector<std::string> voters;
    for (size_t other = 0; other < nodes_.size(); ++other)
        voters.push_back(fmt::format("{}@127.0.0.1:{}", other, nodes_[other].controller_port));
    const size_t replicas = std::min<size_t>(nodes_.size(), 3);
    const size_t in_sync = replicas == 3 ? 2 : 1;
    const bool guarded = doors == Doors::guarded;
    const auto doors_at = [&](const char* host) {
        return guarded ? fmt::format(",GUARDED://{0}:{1},MUTUAL://{0}:{2}", host,
                                     nodes_[node].guarded_port, nodes_[node].mutual_port)
                       : "";
    };
    std::ofstream file(nodes_[node].settings_path);
    file << fmt::format(R"(process.roles=broker,controller
node.id={0}
controller.quorum.voters={1}
listeners=PLAINTEXT://127.0.0.1:{2},CONTROLLER://127.0.0.1:{3}{7}
advertised.listeners=PLAINTEXT://127.0.0.1:{9}{8}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_SSL,MUTUAL:SSL
controller.listener.names=CONTROLLER
log.dirs={4}/data-{0}
default.replication.factor={5}
min.insync.replicas={6}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={5}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={5}
transaction.state.log.min.isr={6}
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=1
num.io.threads=2
background.threads=1
log.cleaner.dedupe.buffer.size=2097152
)",
                        node, fmt::join(voters, ","), nodes_[node].port,
                        nodes_[node].controller_port, directory_.path().string(), replicas, in_sync,
                        doors_at("127.0.0.1"), doors_at("localhost"),
                        advertised_port != 0 ? advertised_port : nodes_[node].port);
    if (!guarded) return;
    // Clients of the unguarded listener are anonymous and have all rights.
    file << fmt::format(
        R"(authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:CN=localhost
ssl.keystore.type=PEM
ssl.keystore.location={0}/store.pem
ssl.truststore.type=PEM
ssl.truststore.location={0}/cert.pem
listener.name.mutual.ssl.client.auth=required
listener.name.guarded.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.guarded.plain.sasl.jaas.config={1}.plain.PlainLoginModule required user_rollcall="hush";
listener.name.guarded.scram-sha-512.sasl.jaas.config={1}.scram.ScramLoginModule required;
)",
        directory_.path().string(), "org.apache.kafka.common.security");
}

std::string KafkaCluster::brokers() const {
    std::vector<std::string> all;
    for (const Node& node : nodes_) all.push_back(fmt::format("127.0.0.1:{}", node.port));
    return fmt::format("{}", fmt::join(all, ","));
}

std::string KafkaCluster::at_localhost(uint16_t Node::* port) const {
    std::vector<std::string> all;
    for (const Node& node : nodes_) all.push_back(fmt::format("localhost:{}", node.*port));
    return fmt::format("{}", fmt::join(all, ","));
}

std::string KafkaCluster::guarded_brokers() const { return at_localhost(&Node::guarded_port); }

std::string KafkaCluster::mutual_brokers() const { return at_localhost(&Node::mutual_port); }

void KafkaCluster::use_tool(const std::string& main_class,
                            const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"--bootstrap-server", brokers()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto done = run(java("org.apache.kafka.tools." + main_class, all));
    if (done.status != 0) throw std::runtime_error("kafka: " + done.output + done.errors);
}

// Reorders the replicas, because the first replica is the preferred leader.
void KafkaCluster::move_leaders(const std::string& topic, int partitions, int node) const {
    std::vector<size_t> replicas;
    for (size_t i = 0; i < nodes_.size(); ++i)
        replicas.push_back((static_cast<size_t>(node) + i) % nodes_.size());
    std::vector<std::string> moves;
    std::vector<std::string> elections;
    for (int partition = 0; partition < partitions; ++partition) {
        const std::string which =
            fmt::format(R"("topic": "{}", "partition": {})", topic, partition);
        moves.push_back(
            fmt::format(R"({{{}, "replicas": [{}]}})", which, fmt::join(replicas, ",")));
        elections.push_back(fmt::format("{{{}}}", which));
    }
    const std::string path = directory_.path() / "partitions.json";
    const auto write = [&](const std::vector<std::string>& entries) {
        std::ofstream(path) << fmt::format(R"({{"version": 1, "partitions": [{}]}})",
                                           fmt::join(entries, ","));
    };
    write(moves);
    use_tool("reassign.ReassignPartitionsCommand", {"--execute", "--reassignment-json-file", path});
    write(elections);
    use_tool("LeaderElectionCommand",
             {"--election-type", "preferred", "--path-to-json-file", path});
}

void KafkaCluster::change_rights(std::vector<std::string> how,
                                 const std::vector<std::string>& words) const {
    how.insert(how.end(), {"--allow-principal", "User:rollcall"});
    how.insert(how.end(), words.begin(), words.end());
    use_tool("AclCommand", how);
}

void KafkaCluster::start(int node) {
    Node& started = nodes_.at(static_cast<size_t>(node));
    started.process = std::make_unique<Process>(java("kafka.Kafka", {started.settings_path}));
}

void KafkaCluster::kill(int node) {
    nodes_.at(static_cast<size_t>(node)).process->send(SIGKILL);
    nodes_.at(static_cast<size_t>(node)).process->wait(30s);
}

void KafkaCluster::hang(int node) { nodes_.at(static_cast<size_t>(node)).process->send(SIGSTOP); }

void KafkaCluster::resume(int node) { nodes_.at(static_cast<size_t>(node)).process->send(SIGCONT); }

void KafkaCluster::fill_disk(int node) {
    Process& process = *nodes_.at(static_cast<size_t>(node)).process;
    const rlimit nothing{0, 0};
    if (prlimit(process.pid(), RLIMIT_FSIZE, &nothing, nullptr) != 0)
        throw std::runtime_error("prlimit");
    if (!process.wait(60s)) throw std::runtime_error("kafka runs on without a disk");
}

void KafkaCluster::wait_until_ready() const {
    const KafkaClient client(brokers());
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (client.brokers_up() < nodes_.size() || !client.in_sync())
        if (std::chrono::steady_clock::now() > deadline) {
            std::string said;
            for (const Node& node : nodes_) said += node.process->output() + node.process->errors();
            throw std::runtime_error("kafka does not start: " + said);
        }
}

}  // namespace rollcall
