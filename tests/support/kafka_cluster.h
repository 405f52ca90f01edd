// KafkaCluster: an Apache Kafka cluster. Each node is a broker and a controller (KRaft) in its own
// process, on free ports of 127.0.0.1, with its data in a temporary directory. Brokers create a
// topic when a client asks for it, which is Kafka's default.
//
// Kafka's jars come from Maven (tests/support/kafka/pom.xml) and are stored in the build folder.
//
// Errors:  an unexpected failure of the machine throws and fails the test case.
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
    // Returns true if the jars are installed. Without them, the constructor throws.
    [[nodiscard]] static bool is_installed();

    enum class Doors : uint8_t {
        open,  // Clients need no authentication and have all rights.
        // Adds two listeners with TLS. On the first listener, the user rollcall with the password
        // "hush" has only the rights that allow() gives. On the second listener, clients that
        // present certificate() have all rights.
        guarded
    };
    // advertised_port: the port that clients connect to, if it differs from the node's own.
    explicit KafkaCluster(int nodes = 1, Doors doors = Doors::open, uint16_t advertised_port = 0);

    [[nodiscard]] int nodes() const { return static_cast<int>(nodes_.size()); }
    // Returns host:port of each node, separated by commas, for bootstrap.servers.
    [[nodiscard]] std::string brokers() const;
    [[nodiscard]] std::string guarded_brokers() const;
    [[nodiscard]] std::string mutual_brokers() const;
    [[nodiscard]] uint16_t port(int node) const {
        return nodes_.at(static_cast<size_t>(node)).port;
    }
    [[nodiscard]] std::string certificate() const { return directory_.path() / "cert.pem"; }
    [[nodiscard]] std::string key() const { return directory_.path() / "key.pem"; }

    // Gives the user rollcall a right, or revokes it. The words are arguments of kafka-acls.sh,
    // such as {"--operation", "Write", "--topic", "rows"}.
    void allow(const std::vector<std::string>& words) const { change_rights({"--add"}, words); }
    void disallow(const std::vector<std::string>& words) const {
        change_rights({"--remove", "--force"}, words);
    }

    // Nodes are numbered from 0.
    void start(int node);
    void kill(int node);    // SIGKILL.
    void hang(int node);    // SIGSTOP.
    void resume(int node);  // SIGCONT.
    // Makes this node the leader of the topic's partitions while all nodes stay up. All nodes have
    // a replica of each partition.
    void move_leaders(const std::string& topic, int partitions, int node) const;
    // Prevents the node's files from growing, as on a full disk. Returns when the node has exited.
    void fill_disk(int node);
    // Waits until every node is known to the others and in sync with them.
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

// A cluster of one node, the fixture of a whole suite. Each case uses its own topics.
struct Cluster {
    Cluster() { running = std::make_unique<KafkaCluster>(1, KafkaCluster::Doors::guarded); }
    ~Cluster() { running.reset(); }
    static inline std::unique_ptr<KafkaCluster> running;
};

}  // namespace rollcall
