// Session: a protocol (HTTP or MQTT) on one connection.
//
// The connection owns its session. It calls the session when bytes arrive, when there is room
// again, or when a deadline has passed; the session sends its answers through the connection
// (connection.h). The connection creates the session when the client may begin to speak the
// protocol: after the PROXY header and the TLS handshake, if there are any.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <string_view>

namespace rollcall {

class Session {
public:
    virtual ~Session() = default;
    // Takes all complete requests off the front of `bytes`. The connection keeps the remaining
    // bytes and passes them again: with more bytes after them, or unchanged if the connection was
    // not ready() before. `bytes` may be empty in the second case. Another body_padding bytes after
    // `bytes` are readable, but have no meaning.
    virtual void on_data(std::string_view& bytes) = 0;
    // Called when the ring has room again after Connection::pause(). Retries the request that found
    // the ring full.
    virtual void on_resume() = 0;
    // Called after the deadline. Closes the connection, with a response if the protocol has one.
    virtual void on_deadline() = 0;
    // Called when an incomplete request arrives more slowly than ListenOptions::input_rate_min.
    // Sends an answer and closes the connection.
    virtual void on_slow_input() {}
    // Called when the daemon stops. The session may send a last message, which is sent after the
    // pending replies. Returns false if a request is incomplete; then the session closes the
    // connection after that request, or the daemon closes it after drain_timeout_max.
    [[nodiscard]] virtual bool on_shutdown() { return true; }
    // Returns how many bytes of an unfinished request the session keeps.
    [[nodiscard]] virtual size_t held_bytes() const { return 0; }
    // Called when the connection is closing, except when the daemon stops.
    virtual void on_close() {}
};

}  // namespace rollcall
