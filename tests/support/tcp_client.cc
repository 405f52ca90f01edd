#include "tests/support/tcp_client.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tests/support/loopback.h"

namespace rollcall {

namespace {

// Maximum silence: enough for a daemon with a sanitizer on a busy machine. A test that passes never
// waits for so long.
constexpr int silence_max_ms = 20'000;

}  // namespace

TcpClient::TcpClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int why = errno;
        close(fd_);
        throw ConnectionEnded(std::string("connect: ") + strerror(why));
    }
}

TcpClient::~TcpClient() { close(fd_); }

void TcpClient::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) throw ConnectionEnded(std::string("send: ") + strerror(errno));
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
}

void TcpClient::end_sending() const { shutdown(fd_, SHUT_WR); }

bool TcpClient::receive() {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, silence_max_ms) <= 0)
        throw ConnectionEnded("silence after: " + received_);
    std::array<char, 16384> bytes;
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got > 0) received_.append(bytes.data(), static_cast<size_t>(got));
    return got > 0;
}

const std::string& TcpClient::peek() {
    if (received_.empty() && !receive()) throw ConnectionEnded("the daemon closed the connection");
    return received_;
}

std::string TcpClient::take(size_t bytes) {
    wait_for(bytes);
    std::string taken = received_.substr(0, bytes);
    received_.erase(0, bytes);
    return taken;
}

void TcpClient::drop(size_t bytes) {
    wait_for(bytes);
    received_.erase(0, bytes);
}

void TcpClient::wait_for(size_t bytes) {
    while (received_.size() < bytes)
        if (!receive()) throw ConnectionEnded("the daemon closed the connection");
}

std::string TcpClient::take_rest() {
    while (receive()) continue;
    return std::move(received_);
}

bool TcpClient::readable_within(std::chrono::milliseconds limit) const {
    pollfd readable{fd_, POLLIN, 0};
    return poll(&readable, 1, static_cast<int>(limit.count())) > 0;
}

bool TcpClient::ends_within(std::chrono::milliseconds limit) {
    char byte = 0;
    return received_.empty() && readable_within(limit) && recv(fd_, &byte, 1, 0) <= 0;
}

bool TcpClient::is_reset_within(std::chrono::milliseconds limit) const {
    pollfd errors{fd_, 0, 0};
    return poll(&errors, 1, static_cast<int>(limit.count())) > 0 && (errors.revents & POLLERR) != 0;
}

}  // namespace rollcall
