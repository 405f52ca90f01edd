// Session: a protocol (HTTP or MQTT) on one connection.
//
// The connection owns its session and calls it when bytes, room or a deadline come; the session
// answers through the connection (connection.h). A session is made when the client may speak its
// protocol: after the PROXY header and after the TLS handshake, where there are such.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <string_view>

namespace rollcall {

class Session {
public:
    virtual ~Session() = default;
    // Takes all complete requests off the front of `bytes`. The connection keeps the rest and
    // passes it again with more bytes behind it, or, if it was not ready(), as it is; `bytes` may
    // be empty then. Another body_padding bytes behind `bytes` may be read, but have no meaning.
    virtual void on_data(std::string_view& bytes) = 0;
    // The ring has room again after Connection::pause(): retries the request that found it full.
    virtual void on_resume() = 0;
    // Called after the deadline. Closes the connection, with a response if the protocol has one.
    virtual void on_deadline() = 0;
    // An incomplete request arrives more slowly than ListenOptions::input_rate_min: answers, and
    // closes.
    virtual void on_slow_input() {}
    // The daemon stops: the session may send a last message, which follows the pending replies.
    // Returns false if a request is incomplete. The session then closes the connection after that
    // request, or the daemon does so after drain_timeout_max.
    [[nodiscard]] virtual bool on_shutdown() { return true; }
    // Returns the size of what the session keeps of an unfinished request.
    [[nodiscard]] virtual size_t held_bytes() const { return 0; }
    // The connection is closing, and the daemon is not stopping.
    virtual void on_close() {}
};

}  // namespace rollcall
