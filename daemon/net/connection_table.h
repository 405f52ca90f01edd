// ConnectionTable: all connections of one loop, with their limits, eviction, deadlines and pending
// acknowledgements.
//
// Limits. When all tables together have connections_max open connections, a new connection replaces
// another connection of this table. The table evicts the oldest connection that has not sent a
// valid request within two seconds. If there is no such connection, the table evicts a connection
// of a network that has more connections than the network of the new connection. If no network has
// more, the table closes the new connection.
//
// At most connections_per_address_max connections may come from one network, except from trusted
// proxies. A network is one IPv4 address, or a /64 network of IPv6 addresses (RFC 6177). A
// connection of a trusted proxy belongs to the network of the client whose request came last.
//
// To find a network with too many connections, the table compares the networks of a sample of
// connections. It does not count the connections of each network, because that would take memory
// for each client. In a small table the sample contains all connections. In a large table a network
// is found if it has more than about a tenth of all connections.
//
// Acknowledgements. Check-ins are written to disk in slots (pipeline/ingest/ring.h). A reply that
// acknowledges check-ins waits in this table until their slot is on disk. The worker then calls
// release_replies().
//
// Input. A client that sends faster than the loop reads must not delay the others. So in one turn
// of the loop each connection is read at most once. When the loop has read turn_bytes in a turn
// from all connections together, each further read of this turn takes at most read_bytes_min.
//
// Deadlines. Once a second, a sweep over the table checks all deadlines. The sweep takes one step
// of sweep_step connections in each turn, so that the loop serves its clients between the steps.
//
// Threads: the loop's.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "config/units.h"
#include "daemon/net/ack_times.h"
#include "daemon/net/buffers.h"
#include "daemon/net/connection.h"
#include "daemon/net/eviction_queue.h"
#include "daemon/net/listen_options.h"
#include "daemon/net/pending_acks.h"
#include "daemon/net/refusals.h"
#include "daemon/net/tls_handshakes.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/shared_count.h"

namespace rollcall {

class ConnectionTable {
public:
    struct Options {
        size_t connections_max;
        // Number of open connections of all tables that share connections_max; nullptr if the limit
        // is for this table alone.
        SharedCount* open_connections = nullptr;
        size_t connections_per_address_max;  // 0 disables the limit.
        // The memory budget of the process; nullptr for no limit.
        MemoryBudget* memory = nullptr;
        MemoryUse memory_use = MemoryUse::buffers;
        size_t output_bytes_max;    // Limit for one connection; at the limit, reading stops.
        Millis output_timeout_max;  // Time for the client to receive its replies.
        size_t pending_acks_max;    // Limit for one connection; at the limit, reading stops.
        size_t handshakes_max;      // Maximum number of unfinished TLS handshakes.
        size_t ring_rows_max;       // Rows that the worker's ring holds.
        // Returns the number of the first slot that is not durable (Intake::durable()). Without
        // this function, there must be at most ring_rows_max acknowledgements between two calls of
        // release_replies().
        std::function<uint64_t()> durable = {};
        // Called each time that another turn_bytes have been read in a turn. So the
        // acknowledgements of a turn with much input do not wait for the end of the turn.
        std::function<void()> on_input_max = {};
        // Returns how long to throttle a new connection because of overload; 0 if there is no
        // overload.
        std::function<Millis()> overload_delay = {};

        explicit Options(const Settings& settings);
    };

    ConnectionTable(uv_loop_t& loop, const Clock& clock, MetricShard& shard, Options options);
    ~ConnectionTable();  // The table must be empty.
    ConnectionTable(const ConnectionTable&) = delete;
    ConnectionTable& operator=(const ConnectionTable&) = delete;

    // --- for the loop and the worker ---

    // Takes over the socket of a new client. `options` must outlive the connection.
    void accept(int fd, const sockaddr_storage& peer, const ListenOptions& options);
    void end_turn();
    // Sends the replies whose slots are on disk. durable: the number of the first slot that is not
    // on disk.
    void release_replies(uint64_t durable);
    // Resumes the connections that were paused because the ring was full.
    void resume_paused();
    // Begins a sweep, unless one is running.
    void begin_sweep();
    // Checks the next sweep_step connections. Returns true if more are left.
    [[nodiscard]] bool sweep();
    static constexpr size_t sweep_step = 512;
    // Stops reading; each connection closes when its replies are sent.
    void drain_all();
    // Closes all connections. Replies that wait for slots are never sent.
    void close_all();
    [[nodiscard]] bool empty() const { return connections_.empty(); }
    // Returns the times of acknowledgements, which any thread may read.
    [[nodiscard]] const AckTimes& ack_times() const { return ack_times_; }

    // --- for the connections ---

    [[nodiscard]] uv_loop_t& loop() { return loop_; }
    [[nodiscard]] uint64_t now_ms() const { return uv_now(&loop_); }
    [[nodiscard]] const Options& limits() const { return options_; }
    [[nodiscard]] MetricShard& shard() { return shard_; }
    [[nodiscard]] Refusals& refusals() { return refusals_; }
    [[nodiscard]] BufferPool& buffers() { return buffers_; }
    [[nodiscard]] const MemoryBudget& memory() const { return memory_; }
    [[nodiscard]] TlsHandshakes& handshakes() { return handshakes_; }
    // Returns memory into which libuv reads at most bytes_max bytes for this connection. Returns an
    // empty span if the last call in this turn was for the same connection. The body_padding bytes
    // after the memory are readable. Each read overwrites the memory.
    [[nodiscard]] std::span<char> read_buffer(const Connection& connection, size_t bytes_max);
    // Counts bytes that were read into read_buffer() in this turn. Calls Options::on_input_max
    // after each turn_bytes.
    void count_read(size_t bytes);
    // Returns memory for the bytes that TLS decrypts; each call returns the same memory. The
    // body_padding bytes after the memory are readable.
    [[nodiscard]] std::span<char> plaintext_buffer();
    static constexpr size_t turn_bytes = 1024 * 1024;
    static constexpr size_t read_bytes_min = 4096;
    [[nodiscard]] bool is_overloaded() const { return overload_delay() > Millis(0); }
    [[nodiscard]] bool is_stopping() const { return stopping_; }

    // Counts the connection for its network. Returns false if the network has too many connections.
    [[nodiscard]] bool admit(const Connection& connection);
    // Records that the connection must no longer be evicted.
    void on_authenticated(const Connection& connection) { unauthenticated_.remove(connection); }
    // Calls Connection::resume() when the ring has room.
    void await_room(Connection& connection) { paused_.push_back(&connection); }
    // Releases the connection's last reply, which acknowledges `checkins` check-ins, when `slot` is
    // on disk.
    void await_durable(Connection& connection, uint64_t slot, size_t checkins);
    // Call this when libuv has closed the socket. Destroys the connection as soon as no pointer to
    // it is left.
    void on_closed(Connection& connection);

private:
    [[nodiscard]] Millis overload_delay() const {
        return options_.overload_delay ? options_.overload_delay() : Millis(0);
    }
    // Counts the new connection. If there are now too many connections, evicts another one. Returns
    // false if there are too many and no other connection may be evicted.
    [[nodiscard]] bool make_room_for(const Connection& newcomer);
    // Returns a connection of the network with the most connections, or nullptr if the network of
    // the new connection has about as many.
    [[nodiscard]] Connection* over_share(const Connection& newcomer);
    void forget_address(const Connection& connection);
    void destroy_if_unreferenced(Connection& connection);
    void make_room_for_ack();
    // Removes the acknowledgements whose slots are on disk from acks_, releases their replies, and
    // adds their connections to released_. durable: the number of the first slot that is not on
    // disk.
    void settle(uint64_t durable);

    uv_loop_t& loop_;
    const Clock& clock_;
    MetricShard& shard_;
    Refusals refusals_;
    Options options_;
    SharedCount own_connections_;
    SharedCount& open_connections_;
    // Index at which the next sample of over_share() begins.
    size_t sample_at_ = 0;
    std::vector<std::unique_ptr<Connection>> connections_;  // Each connection knows its index.
    // Number of connections by network_of_peer(); empty if connections_per_address_max is 0.
    std::unordered_map<uint64_t, size_t> per_network_;
    EvictionQueue unauthenticated_;
    TlsHandshakes handshakes_;
    PendingAcks acks_;
    AckTimes ack_times_;
    std::vector<Connection*> released_;  // Connections to be flushed; each occurs once.
    std::vector<Connection*> paused_;    // Connections that wait for room in the ring.
    std::vector<Connection*> resuming_;  // Connections that resume_paused() has taken from paused_.
    MemoryBudget own_memory_;
    MemoryBudget& memory_;
    BufferPool buffers_;
    std::unique_ptr<char[]> read_buffer_;
    const Connection* last_read_ = nullptr;     // The connection that was read last in this turn.
    size_t turn_read_ = 0;                      // Bytes that were read in this turn.
    std::unique_ptr<char[]> plaintext_buffer_;  // nullptr until the first TLS client connects.
    // The current sweep has not visited the connections below this index yet.
    size_t sweep_at_ = 0;
    bool stopping_ = false;
};

}  // namespace rollcall
