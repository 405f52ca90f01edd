// KafkaCluster: Apache Kafka, as many nodes as wanted, each a broker and a controller (KRaft) in a
// process of its own, on free ports of 127.0.0.1, with its data in a temporary directory. They make
// a topic for whoever only asks for it, as brokers do that nobody has told otherwise.
//
// The jars come from Maven (tests/support/kafka/pom.xml) and lie in the build folder.
//
// Errors:  what cannot happen on a sound machine throws and fails the test case.
// Threads: one, which must outlive the cluster (see process.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace rollcall {

class KafkaCluster {
public:
    // Whether the jars are there. Without them a constructor throws.
    [[nodiscard]] static bool is_installed();

    enum class Doors : uint8_t {
        open,  // Who comes may do everything.
        // There is a second listener, with TLS, for the user rollcall with the password "hush",
        // who may do nothing unless he is allowed to; and a third for whoever shows certificate(),
        // who may do everything.
        guarded
    };
    // advertised_port: where clients are sent to, if it is not where the one node listens.
    explicit KafkaCluster(int nodes = 1, Doors doors = Doors::open, uint16_t advertised_port = 0);

    [[nodiscard]] int nodes() const { return static_cast<int>(nodes_.size()); }
    // host:port of each node, with commas between: bootstrap.servers.
    [[nodiscard]] std::string brokers() const;
    [[nodiscard]] std::string guarded_brokers() const;
    [[nodiscard]] std::string mutual_brokers() const;
    [[nodiscard]] uint16_t port(int node) const {
        return nodes_.at(static_cast<size_t>(node)).port;
    }
    [[nodiscard]] std::string certificate() const { return directory_.path() / "cert.pem"; }
    [[nodiscard]] std::string key() const { return directory_.path() / "key.pem"; }

    // Allows rollcall something or takes that back, in the words of Kafka's tool: {"--operation",
    // "Write", "--topic", "rows"}.
    void allow(const std::vector<std::string>& words) const { change_rights({"--add"}, words); }
    void disallow(const std::vector<std::string>& words) const {
        change_rights({"--remove", "--force"}, words);
    }

    // Nodes count from 0.
    void start(int node);
    void kill(int node);    // SIGKILL.
    void hang(int node);    // SIGSTOP.
    void resume(int node);  // SIGCONT.
    // The topic's partitions get this node as the leader, without anything failing; all nodes hold
    // a replica of each.
    void move_leaders(const std::string& topic, int partitions, int node) const;
    // No file of the node's can grow any more, as on a full disk. Returns when it has ended itself.
    void fill_disk(int node);
    // Waits until every node is known to the others and has caught up with them.
    void wait_until_ready() const;

private:
    struct Node {
        uint16_t port;
        uint16_t controller_port;
        uint16_t guarded_port;
        uint16_t mutual_port;
        std::string settings_path;
        std::unique_ptr<Process> process;
    };

    void write_settings(size_t node, Doors doors, uint16_t advertised_port);
    void make_certificate();
    [[nodiscard]] std::string at_localhost(uint16_t Node::* port) const;
    void use_tool(const std::string& main_class, const std::vector<std::string>& arguments) const;
    void change_rights(std::vector<std::string> how, const std::vector<std::string>& words) const;

    TemporaryDirectory directory_;
    std::vector<Node> nodes_;
};

// A cluster of one node for a whole suite, as its fixture; each case has topics of its own.
struct Cluster {
    Cluster() { running = std::make_unique<KafkaCluster>(1, KafkaCluster::Doors::guarded); }
    ~Cluster() { running.reset(); }
    static inline std::unique_ptr<KafkaCluster> running;
};

}  // namespace rollcall
