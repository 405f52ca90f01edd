#include "tests/support/cutting_proxy.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/loopback.h"

namespace rollcall {

namespace {

constexpr uint64_t everything = UINT64_MAX;

void send_at_once(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool send_all(int to, const char* bytes, size_t count) {
    while (count > 0) {
        const ssize_t put = send(to, bytes, count, MSG_NOSIGNAL);
        if (put <= 0) return false;
        bytes += put;
        count -= static_cast<size_t>(put);
    }
    return true;
}

}  // namespace

CuttingProxy::CuttingProxy(uint16_t server_port)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      server_port_(server_port),
      client_bytes_most_(everything),
      server_bytes_most_(everything) {
    port_ = listen_on_loopback(listener_);
    thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
    shutdown(listener_, SHUT_RDWR);  // Ends serve().
    thread_.join();
    close(listener_);
}

void CuttingProxy::cut_after(From from, uint64_t bytes) {
    client_bytes_most_ = everything;
    server_bytes_most_ = everything;
    sent_ = 0;
    received_ = 0;
    (from == From::client ? client_bytes_most_ : server_bytes_most_) = bytes;
}

void CuttingProxy::serve() {
    std::vector<pollfd> ends;
    for (;;) {
        ends.assign(1, {listener_, POLLIN, 0});
        for (const auto& [client, server] : pairs_) {
            ends.push_back({client, POLLIN, 0});
            ends.push_back({server, POLLIN, 0});
        }
        if (poll(ends.data(), ends.size(), -1) < 0 || (ends[0].revents & ~POLLIN) != 0) break;
        std::erase_if(pairs_, [&](const Pair& pair) {
            const auto ready = [&](int fd) {
                return std::ranges::find(ends, fd, &pollfd::fd)->revents != 0;
            };
            const bool goes_on =
                (!ready(pair.client) || pass_on(pair.client, pair.server, From::client)) &&
                (!ready(pair.server) || pass_on(pair.server, pair.client, From::server));
            if (goes_on) return false;
            close(pair.client);
            close(pair.server);
            return true;
        });
        if (sent_ >= client_bytes_most_ || received_ >= server_bytes_most_) {
            close_all();
            ++cuts_;
            client_bytes_most_ = everything;
            server_bytes_most_ = everything;
        }
        if (ends[0].revents != 0) let_in();
    }
    close_all();
}

void CuttingProxy::let_in() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    send_at_once(client);
    send_at_once(server);
    const sockaddr_in address = loopback(server_port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        pairs_.push_back({client, server});
        return;
    }
    close(client);
    close(server);
}

// Forwards bytes. Returns false when the connection has ended.
bool CuttingProxy::pass_on(int from, int to, From side) {
    std::atomic<uint64_t>& passed = side == From::client ? sent_ : received_;
    const uint64_t most = side == From::client ? client_bytes_most_ : server_bytes_most_;
    char buffer[16384];
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got <= 0) return false;
    const uint64_t left = most - std::min<uint64_t>(most, passed);
    const size_t bytes = std::min<uint64_t>(static_cast<uint64_t>(got), left);
    passed += bytes;
    return send_all(to, buffer, bytes);
}

void CuttingProxy::close_all() {
    for (const auto& [client, server] : pairs_) {
        close(client);
        close(server);
    }
    pairs_.clear();
}

}  // namespace rollcall
