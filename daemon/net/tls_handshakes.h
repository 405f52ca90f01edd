// TlsHandshakes: the queue of TLS handshakes of one loop, their turns and their limit.
//
// A step of a handshake blocks the loop: an RSA-2048 signature takes a millisecond. So a connection
// whose handshake can continue waits in a queue, and each turn of the loop works for one
// millisecond at most (at least one step). Clients that have a session wait no longer than that,
// however many others connect.
//
// Handshakes that have begun hold memory and come first. When handshakes_max have begun, a new one
// waits until another ends; the oldest is ended if it has had two seconds (eviction_queue.h).
//
// Threads: the loop's.
#pragma once

#include <uv.h>

#include <cstddef>
#include <deque>

#include "config/metrics.h"
#include "daemon/net/eviction_queue.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class Connection;

class TlsHandshakes {
public:
    TlsHandshakes(const uv_loop_t& loop, const Clock& clock, MetricShard& shard,
                  size_t handshakes_max)
        : loop_(loop), clock_(clock), shard_(shard), handshakes_max_(handshakes_max) {}

    // Runs Connection::continue_handshake() for connections in the queue. Returns true if some are
    // left that could continue.
    [[nodiscard]] bool run();

    // --- for the connections ---

    // Adds a connection for which bytes have arrived. begun: begin() was called for it.
    void enqueue(Connection& connection, bool begun);
    // The handshake begins, and counts towards the limit until it ends.
    void begin(Connection& connection);
    // The handshake ended: counts its result.
    void succeed(Connection& connection, bool resumed);
    void fail(Connection& connection);
    // Removes the connection from the queue and from the handshakes that have begun. Has no effect
    // if it is in neither.
    void remove(Connection& connection);

    // Number of handshakes that have begun and not ended.
    [[nodiscard]] size_t begun() const { return begun_.size(); }

private:
    using Queue = std::deque<Connection*>;

    // Returns the queue whose first connection may continue, or nullptr.
    [[nodiscard]] Queue* next();
    [[nodiscard]] bool may_begin();
    void end(Connection& connection, TlsHandshake result);

    const uv_loop_t& loop_;
    const Clock& clock_;
    MetricShard& shard_;
    const size_t handshakes_max_;
    Queue new_;         // Connections whose handshake has not begun.
    Queue continuing_;  // Connections whose handshake has begun, with more input.
    EvictionQueue begun_;
};

}  // namespace rollcall
