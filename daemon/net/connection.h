// Connection: one client's bytes. ConnectionTable: all clients of one loop, and what they share.
//
//     socket -> the loop's read buffer -> Session -> output, in order -> socket
//                      |  what is not a whole request yet             ^
//                      +-> input, kept                                |
//                                          answers wait here until their slot is on disk
//
// A client that has nothing under way owns no buffers: it reads into the loop's, and those of input
// and output are lent (buffers.h).
//
// Behind a load balancer a client's bytes begin with a header that says whose they are
// (proxy_protocol.h), before TLS.
//
// A client that speaks TLS has that in between, on either side (tls.h), and a session when its
// handshake is done. A step of a handshake takes long, a signature by RSA-2048 a millisecond: each
// waits for its turn in a queue, and a turn of the loop works off as many as fit into a
// millisecond, one at least. So whoever has a session waits for no more than that, however many
// connect. Those under way go first, for each of them holds much memory; beyond handshakes_max none
// is begun until one ends.
//
// Silent clients cannot keep the others out: when there are connections_max, the oldest that has
// sent no request and no CONNECT makes way for the next one, and when there are handshakes_max the
// oldest handshake does (eviction_queue.h).
//
// What was begun has to go on: of a packet or a body that is not whole more has to come at a rate.
//
// Output keeps the order of the requests. reply() follows what was said before; a reply that waits
// for a slot holds back all that comes after it.
//
// Under full pressure a new client is not read from for a while; then its first request may be, or
// is told to come again.
//
// Owner: ConnectionTable. libuv points at the socket until its close callback has run, and
//        PendingAcks points here until the entries are taken, so close() only begins the end.
// Threads: the loop's.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "config/units.h"
#include "daemon/net/buffers.h"
#include "daemon/net/eviction_queue.h"
#include "daemon/net/pending_acks.h"
#include "daemon/net/refusals.h"
#include "pipeline/base/clock.h"

namespace rollcall {

class ConnectionTable;
class Tls;
class TlsContext;

// What close_after_replies() does after the last reply is sent.
enum class Linger : bool {
    if_unread,  // Lingers only if bytes of the client are left unread.
    always,
};

// A protocol on a connection.
class Session {
public:
    virtual ~Session() = default;
    // Takes all it can use off the front of `bytes`; the rest comes again with more behind it.
    // body_padding bytes behind them are readable.
    virtual void on_data(std::string_view& bytes) = 0;
    // After Connection::pause(): tries the request again that found the ring full.
    virtual void on_resume() = 0;
    // The deadline has passed: says so if the protocol can, and closes.
    virtual void on_deadline() = 0;
    // What is not taken yet came more slowly than ListenOptions::input_rate_min: says so, and
    // closes.
    virtual void on_slow_input() {}
    // The daemon stops: the last words may be said, which go out behind the answers that wait.
    virtual void on_shutdown() {}
    // The connection is being closed, and the daemon is not stopping.
    virtual void on_close() {}
};

// How slowly a client may send what it has begun.
struct MinimumRate {
    Millis grace{0};
    size_t bytes_per_s = 0;  // After that, on average; 0: any.

    // Of these bytes, from the first one on.
    [[nodiscard]] Millis time_allowed(size_t bytes) const {
        if (bytes_per_s == 0) return std::chrono::years(1);
        return grace + Millis(bytes * 1000 / bytes_per_s);
    }
};

// Where clients come in: a listening socket, and what they speak there.
struct ListenOptions {
    Transport transport;
    std::function<std::unique_ptr<Session>(Connection&)> make_session;
    TlsContext* tls = nullptr;                // None: plain.
    bool proxy_protocol = false;              // A balancer says whose each connection is.
    Millis proxy_header_timeout_max{15'000};  // For what it says.
    MinimumRate input_rate_min = {};  // Of what the session does not take before it is whole.
};

class Connection {
public:
    Connection(ConnectionTable& all, const ListenOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // --- for the session ---
    void reply(std::string_view bytes);
    // Answers that many check-ins, the last of which is in that slot. bytes may be empty: then only
    // the counting waits.
    void reply_when_durable(uint64_t slot, size_t checkins, std::string_view bytes);
    // Reads nothing more until the ring has room again.
    void pause();
    // Reads nothing for so long, in steps of the sweep; then what was kept is tried again, unless
    // the client has left.
    void throttle(Millis time);
    // It has sent what others are there for, too, and makes way for nobody.
    void mark_authenticated();
    // Had it to rest when it was new, and would it have to now? Asked at its first request only.
    [[nodiscard]] bool should_reject_for_overload();
    // Closes when all replies are out. linger: the client may still be sending; what it sends is
    // thrown away for a moment, for closing at once could destroy the reply on its way. The same is
    // done if it has sent something that is not read.
    void close_after_replies(Linger linger);
    void close();  // At once. May be called twice.
    void set_deadline(Millis from_now);
    [[nodiscard]] Millis now() const;  // Of the loop's clock.
    // Of all that was ever said, in bytes: where it ends, and where what may go out ends.
    [[nodiscard]] uint64_t output_end() const { return output_at_ + output_.size(); }
    [[nodiscard]] uint64_t sendable_end() const { return may_send_; }
    [[nodiscard]] bool is_open() const { return state_ == State::open; }
    // Open, and its answers are not too many. A session that takes several requests in a row asks
    // before each; what it leaves comes again when it is ready.
    [[nodiscard]] bool ready() const;
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] bool throttled() const { return throttled_until_ms_ != 0; }
    [[nodiscard]] std::string_view peer() const { return peer_; }
    // The name in the client's certificate, which verified (Tls::certified()); else empty.
    [[nodiscard]] std::string_view certificate_name() const;
    // Of its loop.
    [[nodiscard]] BufferPool& buffers() const;

private:
    friend class ConnectionTable;
    enum class State : uint8_t { open, finishing, lingering, closing, closed };

    struct Sending {
        std::string bytes;
        uint64_t deadline_ms;
        uv_write_t write;
    };

    void start();
    void begin();
    void read_any(std::string_view bytes);
    void read_header(std::string_view bytes);
    void read(std::string_view bytes);
    void read_sealed(std::string_view bytes);
    void open_sealed(std::string_view bytes);
    void shake_hands();
    void end_handshake(Code fault);
    std::string_view seal(std::string_view plain);
    void end_of_input();
    void expire();
    void refuse(Code code);
    void feed(std::string_view& bytes);
    void keep(std::string_view bytes);
    void go_on();
    void wake();
    void look(uint64_t now_ms);
    void evict();
    [[nodiscard]] bool lags(uint64_t now_ms) const;
    [[nodiscard]] int descriptor() const;  // -1: there is none any more.
    [[nodiscard]] bool hung_up() const;
    [[nodiscard]] bool has_unread() const;
    void release(uint64_t end);
    void flush();
    void write();
    void write_rest(std::string_view rest);
    void end_if_done();
    void update_reading();
    void name_peer(const sockaddr_storage& address);

    static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
    static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
    static void on_closed(uv_handle_t* handle);

    ConnectionTable& all_;
    const ListenOptions& listen_;
    State state_ = State::open;
    // Bits, for there may be a million of these.
    bool paused_ : 1 = false;
    bool reading_ : 1 = false;
    bool linger_ : 1 = false;
    bool held_ : 1 = false;             // It was not ready for all of input_.
    bool counted_ : 1 = false;          // It is in ConnectionTable::of_network_.
    bool released_now_ : 1 = false;     // It is in ConnectionTable::released_.
    bool in_turn_ : 1 = false;          // It is in ConnectionTable::hellos_ or in_turn_.
    bool deferred_ : 1 = false;         // It had to rest when it was new, and has not been told so.
    bool introduced_ : 1 = false;       // It is not in ConnectionTable::unverified_.
    uint32_t waiting_ = 0;              // Entries of ConnectionTable::acks_ that point here.
    uint32_t index_ = 0;                // Its place among all.
    uint32_t kept_since_ms_ = 0;        // Since then the session took nothing of input_, or of a
                                        // record of TLS; of the loop's clock the lower half.
    uint64_t deadline_ms_;              // Of the loop's clock.
    uint64_t throttled_until_ms_ = 0;   // The same; 0: it does not.
    Buffer input_;                      // Read, and not yet a whole request, or a handshake's turn.
    Buffer output_;                     // Said, and not yet sent.
    uint64_t output_at_ = 0;            // Where output_ begins, counted since the first byte said.
    uint64_t sent_ = 0;                 // Below: given to the kernel or in sending_.
    uint64_t may_send_ = 0;             // Below: waits for nothing.
    std::unique_ptr<Session> session_;  // When the header and the handshake are done.
    std::unique_ptr<Tls> tls_;          // Of a client that speaks it.
    std::unique_ptr<Sending> sending_;  // What libuv is sending.
    uv_tcp_t socket_{};
    std::string peer_;
};

class ConnectionTable {
public:
    struct Options {
        size_t connections_max;
        size_t connections_per_address_max;  // 0: any.
        size_t output_bytes_max;             // A client that reads no answers is not read from,
        Millis output_timeout_max;           // and not for ever.
        size_t pending_acks_max;             // Nor is one of whom as many wait for the disk.
        size_t handshakes_max;               // Of TLS, under way at a time.
        size_t ring_rows_max;                // Rows that the worker's ring holds.
        // Returns the first slot that is not durable (Intake::durable()). Without it, all
        // acknowledgements between two calls of release_replies() have to fit into ring_rows_max.
        std::function<uint64_t()> durable = {};
        std::function<Millis()> defer = {};  // How long a new client has to rest.

        explicit Options(const Settings& settings);
    };

    ConnectionTable(uv_loop_t& loop, const Clock& clock, MetricShard& shard, Options options);
    ~ConnectionTable();
    ConnectionTable(const ConnectionTable&) = delete;
    ConnectionTable& operator=(const ConnectionTable&) = delete;

    // Takes over the socket of a client that came through a listening socket; `options` must
    // outlive it.
    void accept(int fd, const sockaddr_storage& peer, const ListenOptions& options);
    // Goes on with handshakes for a while; true if some are left for the next turn.
    bool shake_hands();
    // Answers that waited for slots below `durable` go out.
    void release_replies(uint64_t durable);
    // Whoever found the ring full goes on.
    void resume_paused();
    // Closes whoever has passed its deadline, and wakes whoever has rested: each is looked at in
    // the steps that follow. Called once a second.
    void begin_sweep();
    // One of these; true if there are more.
    bool sweep();
    // That are looked at in a step, in which nobody is served.
    static constexpr size_t sweep_step = 512;
    // Reads no more; every connection ends when its answers are out.
    void drain_all();
    void close_all();
    [[nodiscard]] bool empty() const { return all_.empty(); }

private:
    friend class Connection;

    void forget(Connection& connection);
    void forget_if_done(Connection& connection);
    // Makes room in acks_ if it is full.
    void make_room_for_ack();
    // Moves the acknowledgements of slots below `durable` from acks_ to released_.
    void settle(uint64_t durable);
    // May another handshake be begun?
    [[nodiscard]] bool may_shake_hands();
    // Counts it, if there are not too many of its address.
    [[nodiscard]] bool admit(Connection& connection);
    void let_go(const Connection& connection);

    uv_loop_t& loop_;
    const Clock& clock_;
    MetricShard& shard_;
    Refusals refusals_;
    Options options_;
    std::vector<std::unique_ptr<Connection>> all_;
    std::unordered_map<uint64_t, size_t>
        of_network_;  // Connections of each network, if they are limited.
    PendingAcks acks_;
    std::vector<Connection*> released_;  // To be flushed, or forgotten if closed; once each.
    std::vector<Connection*> paused_;
    std::vector<Connection*> going_on_;  // Taken from paused_ while they go on.
    BufferPool buffers_;
    std::deque<Connection*> hellos_;   // With the first bytes of their handshakes.
    std::deque<Connection*> in_turn_;  // With more of them.
    EvictionQueue handshakes_;         // Begun, and neither done nor closed.
    EvictionQueue unverified_;         // Who has not been introduced, and is not being closed.
    size_t sweep_at_ = 0;              // Those below are still to be looked at in this round.
    std::unique_ptr<char[]> read_buffer_;
    std::unique_ptr<char[]> plain_buffer_;  // What TLS makes of it, if anyone speaks it.
    bool stopping_ = false;
};

}  // namespace rollcall
