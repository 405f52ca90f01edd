#include "daemon/service_manager.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace rollcall {

namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

class Socket {
public:
    Socket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    ~Socket() {
        if (fd_ >= 0) close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    // Returns false on failure, with errno set.
    [[nodiscard]] bool send(std::string_view text, const sockaddr_un& to, size_t bytes) const {
        return sendto(fd_, text.data(), text.size(), MSG_NOSIGNAL,
                      reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(bytes)) >= 0;
    }

private:
    int fd_;
};

}  // namespace

ServiceManager::ServiceManager()
    : socket_(variable("NOTIFY_SOCKET")), watchdog_(!variable("WATCHDOG_USEC").empty()) {}

void ServiceManager::ready() { notify("READY=1\nSTATUS="); }
void ServiceManager::waiting(std::string_view status) {
    (void)send(fmt::format("EXTEND_TIMEOUT_USEC=30000000\nSTATUS={}", status));
}
void ServiceManager::reloading(int64_t steady_us) {
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", steady_us));
}
void ServiceManager::stopping() { notify("STOPPING=1"); }

void ServiceManager::alive() {
    if (watchdog_) (void)send("WATCHDOG=1");
}

void ServiceManager::retry() {
    if (!unsent_.empty()) notify(std::exchange(unsent_, {}));
}

void ServiceManager::notify(std::string state) {
    unsent_.clear();
    if (!send(state)) unsent_ = std::move(state);
}

// Sends a datagram. Returns false if the socket is full. The address of the socket is a path, or an
// abstract name after an @.
bool ServiceManager::send(std::string_view text) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (socket_.empty() || socket_.size() >= sizeof to.sun_path) return true;
    std::memcpy(to.sun_path, socket_.data(), socket_.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
    return Socket().send(text, to, offsetof(sockaddr_un, sun_path) + socket_.size()) ||
           errno != EAGAIN;
}

}  // namespace rollcall
