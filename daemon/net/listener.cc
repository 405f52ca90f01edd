#include "daemon/net/listener.h"

#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "pipeline/base/destroy.h"

namespace rollcall {

namespace {

constexpr int backlog = 4096;  // The kernel limits it to net.core.somaxconn.

using Addresses = std::unique_ptr<addrinfo, DestroyWith<freeaddrinfo>>;

std::unexpected<Error> cannot_listen(const std::string& address, std::string_view reason) {
    return fail(Code::listen_failed, fmt::format("cannot listen on {}: {}", address, reason));
}

Result<Addresses> resolve(const std::string& address) {
    const size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    const std::string port = address.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int status =
        getaddrinfo(host.empty() ? nullptr : host.c_str(), port.c_str(), &hints, &list);
    if (status != 0) return cannot_listen(address, gai_strerror(status));
    return Addresses(list);
}

std::string bound_address(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
    getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host.data(), host.size(),
                port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    const bool six = address.ss_family == AF_INET6;
    return fmt::format("{}{}{}:{}", six ? "[" : "", host.data(), six ? "]" : "", port.data());
}

void set(int fd, int level, int option) {
    const int on = 1;
    (void)setsockopt(fd, level, option, &on, sizeof on);
}

// Returns the socket, or -1 with errno set. shared: other sockets of this process listen on the
// same address.
int listen_socket(const addrinfo& at, const sockaddr* address, bool shared) {
    const int fd = socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set(fd, SOL_SOCKET, SO_REUSEADDR);
    // Without this option, [::] would also occupy 0.0.0.0, and both could not be in the settings.
    if (at.ai_family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (shared) set(fd, SOL_SOCKET, SO_REUSEPORT);
    // Accepted sockets inherit this option, which saves a system call for each connection.
    set(fd, IPPROTO_TCP, TCP_NODELAY);
    if (bind(fd, address, at.ai_addrlen) == 0 && (!shared || listen(fd, backlog) == 0)) return fd;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
}

// Returns whether the address is free. Binds without SO_REUSEPORT, because with that option a
// second daemon of the same user could share our port unnoticed.
bool is_free(const addrinfo& at) {
    const int fd = listen_socket(at, at.ai_addr, false);
    if (fd < 0) return false;
    close(fd);
    return true;
}

}  // namespace

Result<ListeningSockets> listen_on(const std::string& address, size_t count) {
    auto resolved = resolve(address);
    if (!resolved) return std::unexpected(resolved.error());
    const addrinfo& at = **resolved;
    ListeningSockets sockets;
    bool good = is_free(at);
    sockaddr_storage bound{};
    socklen_t length = at.ai_addrlen;
    std::memcpy(&bound, at.ai_addr, length);
    while (good && sockets.fds.size() < count) {
        const int fd = listen_socket(at, reinterpret_cast<sockaddr*>(&bound), true);
        good = fd >= 0;
        if (!good) break;
        // If the port was 0, the kernel chose one for the first socket. The other sockets use the
        // same port.
        getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
        sockets.fds.push_back(fd);
    }
    if (!good) {
        const int os_errno = errno;
        for (const int fd : sockets.fds) close(fd);
        return cannot_listen(address, std::strerror(os_errno));
    }
    sockets.address = bound_address(sockets.fds.front());
    return sockets;
}

}  // namespace rollcall
