#include "tests/support/notify_socket.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace rollcall {

using namespace std::chrono;
using namespace std::chrono_literals;

NotifySocket::NotifySocket(const std::filesystem::path& path)
    : path_(path), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("notify socket: ") + strerror(errno));
}

NotifySocket::~NotifySocket() { close(fd_); }

std::optional<std::string> NotifySocket::receive(std::chrono::milliseconds limit) const {
    pollfd readable{fd_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    std::array<char, 4096> bytes;
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    return std::string(bytes.data(), static_cast<size_t>(got > 0 ? got : 0));
}

bool NotifySocket::hears(std::string_view line, std::chrono::milliseconds limit) {
    const auto deadline = steady_clock::now() + limit;
    while (const auto message =
               receive(std::max(0ms, ceil<milliseconds>(deadline - steady_clock::now()))))
        if (("\n" + *message + "\n").find(fmt::format("\n{}\n", line)) != std::string::npos)
            return true;
    return false;
}

void NotifySocket::forget() {
    while (receive(0ms)) continue;
}

}  // namespace rollcall
