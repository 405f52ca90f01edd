// TlsHandshakes: the queue of the TLS handshakes of one loop. It limits their number, and the time
// that they take in each turn of the loop.
//
// A step of a handshake blocks the loop: an RSA-2048 signature takes a millisecond. So a connection
// whose handshake can continue waits in a queue. In each turn, the loop begins no further step
// after one millisecond of handshakes. So connected clients wait little longer than a millisecond,
// however many other clients are connecting.
//
// Handshakes that have begun occupy memory and are served first. If handshakes_max have begun, or
// if the memory budget (memory_budget.h) has no room for another handshake, a new handshake waits.
// If the oldest handshake began two seconds ago or earlier, it is aborted and the new handshake
// begins (eviction_queue.h).
//
// Each handshake is charged with the most memory that OpenSSL can allocate for a handshake. The
// reason is that the client announces the size of its ClientHello, and OpenSSL reserves up to 128
// KiB before the bytes arrive. All handshakes together count as one user of the budget. So they
// take at most half of the memory that other users leave.
//
// Threads: the loop's.
#pragma once

#include <uv.h>

#include <cstddef>
#include <deque>

#include "config/metrics.h"
#include "daemon/net/eviction_queue.h"
#include "daemon/net/memory_budget.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class Connection;

class TlsHandshakes {
public:
    // memory: nullptr charges nothing.
    TlsHandshakes(const uv_loop_t& loop, const Clock& clock, MetricShard& shard,
                  MemoryBudget* memory, size_t handshakes_max)
        : loop_(loop),
          clock_(clock),
          shard_(shard),
          memory_(memory),
          charge_(memory, MemoryUse::tls_handshakes),
          handshakes_max_(handshakes_max) {}
    static constexpr size_t handshake_bytes = 192 * 1024;

    // Calls Connection::continue_handshake() for connections in the queue. Returns true if the next
    // turn must continue with the queue.
    [[nodiscard]] bool run();

    // --- for the connections ---

    // Adds a connection for which bytes have arrived. begun: true if begin() was called for the
    // connection.
    void enqueue(Connection& connection, bool begun);
    // Records that the handshake begins. The handshake counts towards the limit until it ends.
    void begin(Connection& connection);
    // Record that the handshake ended, and count its result.
    void succeed(Connection& connection, bool resumed);
    void fail(Connection& connection);
    // Removes the connection from the queue and from the handshakes that have begun. Has no effect
    // if it is in neither.
    void remove(Connection& connection);

    // Number of handshakes that have begun and not ended.
    [[nodiscard]] size_t begun() const { return begun_.size(); }

private:
    using Queue = std::deque<Connection*>;

    // Returns the queue whose first connection may continue; nullptr if there is none.
    [[nodiscard]] Queue* next();
    [[nodiscard]] bool may_begin();
    [[nodiscard]] bool has_room() const;
    void end(Connection& connection, TlsHandshake result);
    void charge_begun() { charge_.set(begun_.size() * handshake_bytes); }

    const uv_loop_t& loop_;
    const Clock& clock_;
    MetricShard& shard_;
    const MemoryBudget* memory_;
    MemoryCharge charge_;
    const size_t handshakes_max_;
    Queue new_;         // Connections whose handshake has not begun.
    Queue continuing_;  // Connections whose handshake has begun and that have more input.
    EvictionQueue begun_;
};

}  // namespace rollcall
