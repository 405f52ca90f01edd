// NotifySocket: takes the place of the service manager as the receiver of sd_notify(3).
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall {

class NotifySocket {
public:
    explicit NotifySocket(const std::filesystem::path& path);
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    // Returns the environment variable that tells a service the path of this socket.
    [[nodiscard]] std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }

    // Waits for a message that contains this line, such as "READY=1".
    [[nodiscard]] bool hears(std::string_view line, std::chrono::milliseconds limit);
    // Discards all messages received so far.
    void forget();

private:
    [[nodiscard]] std::optional<std::string> receive(std::chrono::milliseconds limit) const;

    std::filesystem::path path_;
    int fd_;
};

}  // namespace rollcall
