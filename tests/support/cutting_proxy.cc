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

int tcp_socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// False when the connection is over, by its ends or by the limit.
bool pass_on(int from, int to, std::atomic<uint64_t>& passed, uint64_t most) {
    char buffer[16384];
    const ssize_t got = read(from, buffer, sizeof buffer);
    if (got <= 0) return false;
    const uint64_t left = most - std::min<uint64_t>(most, passed);
    const size_t bytes = std::min<uint64_t>(static_cast<uint64_t>(got), left);
    for (size_t at = 0; at < bytes;) {
        const ssize_t put = send(to, buffer + at, bytes - at, MSG_NOSIGNAL);
        if (put <= 0) return false;
        at += static_cast<size_t>(put);
        passed += static_cast<uint64_t>(put);
    }
    return passed < most;
}

}  // namespace

CuttingProxy::CuttingProxy(uint16_t server_port)
    : server_port_(server_port),
      listener_(tcp_socket()),
      client_bytes_most_(everything),
      server_bytes_most_(everything) {
    port_ = listen_on_loopback(listener_);
    thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
    shutdown(listener_, SHUT_RDWR);  // Ends accept().
    thread_.join();
    close(listener_);
}

void CuttingProxy::cut_after(From from, uint64_t bytes) {
    client_bytes_most_ = from == From::client ? bytes : everything;
    server_bytes_most_ = from == From::server ? bytes : everything;
}

void CuttingProxy::serve() {
    for (;;) {
        const int client = accept(listener_, nullptr, nullptr);
        if (client < 0) return;
        const int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        const int server = tcp_socket();
        const sockaddr_in address = loopback(server_port_);
        if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            relay(client, server);
        close(client);
        close(server);
    }
}

void CuttingProxy::relay(int client, int server) {
    sent_ = 0;
    received_ = 0;
    for (;;) {
        pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {listener_, 0, 0}};
        if (poll(ends, std::size(ends), -1) < 0 || ends[2].revents != 0) return;
        if (ends[0].revents != 0 && !pass_on(client, server, sent_, client_bytes_most_)) return;
        if (ends[1].revents != 0 && !pass_on(server, client, received_, server_bytes_most_)) return;
    }
}

}  // namespace rollcall
