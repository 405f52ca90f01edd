// CuttingProxy: stands between a client and a server on loopback, and cuts each connection after so
// many bytes, as a network does that fails.
//
// Threads: its own serves one connection after the other; cut_after() is for the test's.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace rollcall {

class CuttingProxy {
public:
    enum class From : uint8_t { client, server };

    explicit CuttingProxy(uint16_t server_port);
    ~CuttingProxy();
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }
    // Of the next connections, so many bytes from that side go through; then both sides are closed.
    void cut_after(From from, uint64_t bytes);
    // Bytes from the client that went through since then.
    [[nodiscard]] uint64_t sent() const { return sent_; }
    [[nodiscard]] uint64_t received() const { return received_; }

private:
    void serve();
    void relay(int client, int server);

    uint16_t server_port_;
    int listener_;
    uint16_t port_ = 0;
    std::atomic<uint64_t> client_bytes_most_;
    std::atomic<uint64_t> server_bytes_most_;
    std::atomic<uint64_t> sent_{0};
    std::atomic<uint64_t> received_{0};
    std::thread thread_;
};

}  // namespace rollcall
