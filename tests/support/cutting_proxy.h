// CuttingProxy: a proxy between clients and a server on loopback. After a given number of bytes it
// closes all connections once, like a network that fails for a moment.
//
// Threads: its own thread serves all connections; all functions are called by the test's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace rollcall {

class CuttingProxy {
public:
    enum class From : uint8_t { client, server };

    // server_port: 0 if the port of the server is not known yet. Then the proxy accepts no client
    // until lead_to() sets the port.
    explicit CuttingProxy(uint16_t server_port = 0);
    ~CuttingProxy();
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }
    void lead_to(uint16_t server_port) { server_port_ = server_port; }
    // Closes all connections once, when `bytes` bytes from `from` have been forwarded. Connections
    // that are opened later stay open.
    void cut_after(From from, uint64_t bytes);
    // Bytes forwarded since the last cut_after().
    [[nodiscard]] uint64_t sent() const { return sent_; }
    [[nodiscard]] uint64_t received() const { return received_; }
    [[nodiscard]] uint64_t cuts() const { return cuts_; }

private:
    struct Pair {
        int client;
        int server;
    };

    void serve();
    void let_in();
    [[nodiscard]] bool pass_on(int from, int to, From side);
    void close_all();

    int listener_;
    uint16_t port_ = 0;
    std::vector<Pair> pairs_;
    std::atomic<uint16_t> server_port_;
    std::atomic<uint64_t> client_bytes_most_;
    std::atomic<uint64_t> server_bytes_most_;
    std::atomic<uint64_t> sent_{0};
    std::atomic<uint64_t> received_{0};
    std::atomic<uint64_t> cuts_{0};
    std::thread thread_;
};

}  // namespace rollcall
