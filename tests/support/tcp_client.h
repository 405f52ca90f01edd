// TcpClient: a connection to a port of this machine, with time limits.
//
// Errors: an end or a silence that the caller did not ask for throws ConnectionEnded.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rollcall {

struct ConnectionEnded : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class TcpClient {
public:
    explicit TcpClient(uint16_t port);
    ~TcpClient();
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;

    void send(std::string_view bytes) const;
    // Sends no more; the other side sees the end of the connection, and may still answer.
    void end_sending() const;
    // What has come and is not taken yet; waits for something if that is nothing.
    [[nodiscard]] const std::string& peek();
    // Exactly this many bytes.
    [[nodiscard]] std::string take(size_t bytes);
    // The same, thrown away: without asking for memory.
    void drop(size_t bytes);
    // All up to the end of the connection.
    [[nodiscard]] std::string take_rest();
    // Waits for more bytes behind those of peek(); false at the end of the connection.
    bool receive();
    // True if there is something to receive(), or comes within the limit.
    [[nodiscard]] bool readable_within(std::chrono::milliseconds limit) const;
    // True if the other side has ended the connection, or does so within the limit, without
    // sending anything more.
    [[nodiscard]] bool ends_within(std::chrono::milliseconds limit);
    // True if the other side resets the connection within the limit.
    [[nodiscard]] bool is_reset_within(std::chrono::milliseconds limit) const;

private:
    void wait_for(size_t bytes);

    int fd_;
    std::string received_;
};

}  // namespace rollcall
