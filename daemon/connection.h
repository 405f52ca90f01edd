// Connection: one client's bytes. Connections: all clients of one loop, and what they share.
//
//     socket -> the loop's read buffer -> Session -> output, in order -> socket
//                      |  what is not a whole request yet             ^
//                      +-> input, kept                                |
//                                          answers wait here until their slot is on disk
//
// A client that has nothing under way owns no buffers: it reads into the loop's, and input and
// output are lent from a pool and given back when they are empty.
//
// A client that speaks TLS has that in between, on either side (tls.h), and a session when its
// handshake is done. A step of a handshake takes long, a signature by RSA-2048 a millisecond: each
// waits for its turn in a queue, and a turn of the loop works off as many as fit into a
// millisecond, one at least. So whoever has a session waits for no more than that, however many
// connect. Those under way go first, for each of them holds much memory; beyond handshakes_max none
// is begun.
//
// Output keeps the order of the requests. reply() follows what was said before; a reply that waits
// for a slot holds back all that comes after it.
//
// Owner: Connections. libuv points at the socket until its close callback has run, and Acks point
//        here until they are taken, so close() only begins the end.
// Threads: the loop's.
#pragma once

#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/metrics.h"
#include "config/units.h"
#include "daemon/acks.h"
#include "pipeline/clock.h"

namespace rollcall {

class Connections;
class TlsContext;

// A protocol on a connection.
class Session {
public:
    virtual ~Session() = default;
    // Takes all it can use off the front of `bytes`; the rest comes again with more behind it.
    // body_padding bytes behind them are readable.
    virtual void receive(std::string_view& bytes) = 0;
    // After Connection::pause(): tries the request again that found the ring full.
    virtual void resume() = 0;
    // The deadline has passed: says so if the protocol can, and closes.
    virtual void expire() = 0;
    // The daemon stops: the last words may be said, which go out behind the answers that wait.
    virtual void stopping() {}
    // The connection is being closed, and the daemon is not stopping.
    virtual void closed() {}
};

class Connection {
public:
    Connection(Connections& all, Transport transport);
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
    // Closes when all replies are out. linger: the client may still be sending; what it sends is
    // thrown away for a moment, for closing at once could destroy the reply on its way.
    void finish(bool linger);
    void close();  // At once. May be called twice.
    void set_deadline(Millis from_now);
    // Of all that was ever said, in bytes: where it ends, and where what may go out ends.
    [[nodiscard]] uint64_t said() const { return output_at_ + output_.size(); }
    [[nodiscard]] uint64_t released() const { return may_send_; }
    [[nodiscard]] bool open() const { return state_ == State::open; }
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] std::string_view peer() const { return peer_.data(); }
    // The name in the client's certificate, which verified (Tls::certified()); else empty.
    [[nodiscard]] std::string_view certified() const;
    // A buffer of the loop's for an empty string, and back.
    void lend(std::string& buffer);
    void give_back(std::string& buffer);

private:
    friend class Connections;
    enum class State : uint8_t { open, finishing, lingering, closing, closed };

    struct Secure;

    void start();
    void read(std::string_view bytes);
    void read_sealed(std::string_view bytes);
    void open_sealed(std::string_view bytes);
    void shake_hands();
    void end_handshake(Code fault);
    std::string_view seal(std::string_view plain);
    void end_of_input();
    void expire();
    void feed(std::string_view& bytes);
    void keep(std::string_view bytes);
    void go_on();
    void release(uint64_t end);
    void flush();
    void write_rest(std::string_view rest);
    void end_if_done();
    void update_reading();
    void read_peer();

    static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
    static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
    static void on_closed(uv_handle_t* handle);

    Connections& all_;
    Transport transport_;
    State state_ = State::open;
    bool paused_ = false;
    bool reading_ = false;
    bool linger_ = false;
    bool writing_ = false;
    bool released_now_ = false;  // It is in Connections::released_.
    bool in_turn_ = false;       // It is in Connections::hellos_ or in_turn_.
    uint32_t waiting_ = 0;       // Acks that point here.
    size_t index_ = 0;           // Its place among all.
    uint64_t deadline_ms_ = 0;   // Of the loop's clock.
    std::string input_;          // Read, and not yet a whole request, or a handshake's turn.
    std::string output_;         // Said, and not yet sent or in sending_.
    std::string sending_;        // What libuv is sending.
    uint64_t output_at_ = 0;     // Where output_ begins, counted since the first byte said.
    uint64_t sent_ = 0;          // Below: given to the kernel or in sending_.
    uint64_t may_send_ = 0;      // Below: waits for nothing.
    std::unique_ptr<Session> session_;
    std::unique_ptr<Secure> secure_;  // Of a client that speaks TLS.
    uv_tcp_t socket_{};
    uv_write_t write_{};
    std::array<char, INET6_ADDRSTRLEN> peer_{};
};

class Connections {
public:
    struct Options {
        size_t connections_max;
        size_t output_bytes_max;    // A client that reads no answers is not read from.
        size_t handshakes_max = 0;  // Under way at a time, if there are any.
    };
    using MakeSession = std::function<std::unique_ptr<Session>(Connection&)>;

    Connections(uv_loop_t& loop, const Clock& clock, Slab& slab, Options options);
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    // The loop has a client for us, which speaks TLS if `tls` is there. make_session stays.
    void accept(uv_stream_t& listener, Transport transport, const MakeSession& make_session,
                TlsContext* tls);
    // Goes on with handshakes for a while; true if some are left for the next turn.
    bool shake_hands();
    // Answers that waited for slots below `durable` go out.
    void release(uint64_t durable);
    // Whoever found the ring full goes on.
    void resume();
    // Closes whoever has passed its deadline.
    void sweep();
    // Reads no more; every connection ends when its answers are out.
    void finish_all();
    void close_all();
    [[nodiscard]] bool empty() const { return all_.empty(); }

private:
    friend class Connection;

    void lend(std::string& buffer);
    void give_back(std::string& buffer);
    void forget(Connection& connection);

    uv_loop_t& loop_;
    const Clock& clock_;
    Slab& slab_;
    Options options_;
    std::vector<std::unique_ptr<Connection>> all_;
    Acks acks_;
    std::vector<Connection*> released_;  // To be flushed, once each.
    std::vector<Connection*> paused_;
    std::vector<Connection*> going_on_;  // Taken from paused_ while they go on.
    std::vector<std::string> buffers_;   // Not lent.
    std::deque<Connection*> hellos_;     // With the first bytes of their handshakes.
    size_t handshakes_ = 0;              // Begun, and neither done nor closed.
    std::deque<Connection*> in_turn_;    // With more of them.
    std::unique_ptr<char[]> read_buffer_;
    std::unique_ptr<char[]> plain_buffer_;  // What TLS makes of it, if anyone speaks it.
    bool stopping_ = false;
};

}  // namespace rollcall
