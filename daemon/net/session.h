// Session: a protocol (HTTP or MQTT) on one connection.
//
// The connection owns its session. It calls the session when bytes arrive, when the ring
// (pipeline/ingest/ring.h) has room for check-ins again, or when a deadline has passed. The session
// sends its answers through the connection (connection.h). The connection creates the session after
// the PROXY header and the TLS handshake, if the connection has them.
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
    // bytes. It passes them again when more bytes have arrived, or when the connection becomes
    // ready() again. `bytes` can be empty. The body_padding bytes after `bytes` are readable, but
    // have no meaning.
    virtual void on_data(std::string_view& bytes) = 0;
    // Called after Connection::pause(), when the ring has room again. Retries the request for which
    // the ring had no room.
    virtual void on_resume() = 0;
    // Called after the deadline of the connection has passed. Closes the connection, with a
    // response if the protocol has one.
    virtual void on_deadline() = 0;
    // Called when an incomplete request arrives more slowly than ListenOptions::input_rate_min.
    // Sends an answer and closes the connection.
    virtual void on_slow_input() {}
    // Called when the daemon stops. The session may add a last message after the pending replies.
    // Returns false if a request is incomplete. In this case the session closes the connection
    // after that request. The daemon waits for the request, but at most drain_timeout_max.
    [[nodiscard]] virtual bool on_shutdown() { return true; }
    // Returns how many bytes of an unfinished request the session keeps.
    [[nodiscard]] virtual size_t held_bytes() const { return 0; }
    // Called when the connection is closing, except when the daemon stops.
    virtual void on_close() {}
};

}  // namespace rollcall
