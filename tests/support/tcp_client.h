// TcpClient: a connection to a port of 127.0.0.1, with time limits.
//
// Errors: throws ConnectionEnded if the connection ends or is silent while the caller expects data.
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
    // Shuts down the sending side. The daemon may still respond.
    void end_sending() const;
    // Returns the bytes that have arrived and were not taken yet. If there are none, waits for
    // some.
    [[nodiscard]] const std::string& peek();
    // Takes exactly this many bytes.
    [[nodiscard]] std::string take(size_t bytes);
    // Takes this many bytes and discards them, without allocating memory.
    void drop(size_t bytes);
    // Takes all bytes until the connection ends.
    [[nodiscard]] std::string take_rest();
    // Waits until more bytes than those in peek() have arrived. Returns false at the end of the
    // connection.
    bool receive();
    // Returns true if data is available, or arrives within the limit.
    [[nodiscard]] bool readable_within(std::chrono::milliseconds limit) const;
    // Returns true if the other side ends the connection within the limit without sending more.
    [[nodiscard]] bool ends_within(std::chrono::milliseconds limit);
    // Returns true if the other side resets the connection within the limit.
    [[nodiscard]] bool is_reset_within(std::chrono::milliseconds limit) const;

private:
    void wait_for(size_t bytes);

    int fd_;
    std::string received_;
};

}  // namespace rollcall
