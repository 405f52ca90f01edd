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
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/metrics.h"
#include "config/settings.h"
#include "config/units.h"
#include "daemon/acks.h"
#include "pipeline/clock.h"

namespace rollcall {

class Connections;

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
    [[nodiscard]] Millis now() const;  // Of the loop's clock.
    // Of all that was ever said, in bytes: where it ends, and where what may go out ends.
    [[nodiscard]] uint64_t said() const { return output_at_ + output_.size(); }
    [[nodiscard]] uint64_t released() const { return may_send_; }
    [[nodiscard]] bool open() const { return state_ == State::open; }
    // Open, and its answers are not too many. A session that takes several requests in a row asks
    // before each; what it leaves comes again when it is ready.
    [[nodiscard]] bool ready() const;
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] std::string_view peer() const { return peer_.data(); }
    // A buffer of the loop's for an empty string, and back.
    void lend(std::string& buffer);
    void give_back(std::string& buffer);

private:
    friend class Connections;
    enum class State : uint8_t { open, finishing, lingering, closing, closed };

    void start(std::unique_ptr<Session> session);
    void read(std::string_view bytes);
    void feed(std::string_view& bytes);
    void keep(std::string_view bytes);
    void go_on();
    void release(uint64_t end);
    void flush();
    void write();
    void write_rest();
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
    bool held_ = false;               // It was not ready for all of input_.
    bool counted_ = false;            // It is in Connections::of_network_.
    bool released_now_ = false;       // It is in Connections::released_.
    uint32_t waiting_ = 0;            // Acks that point here.
    size_t index_ = 0;                // Its place among all.
    uint64_t deadline_ms_ = 0;        // Of the loop's clock.
    uint64_t write_deadline_ms_ = 0;  // While writing_.
    std::string input_;               // Read, and not yet a whole request.
    std::string output_;              // Said, and not yet sent or in sending_.
    std::string sending_;             // What libuv is sending.
    uint64_t output_at_ = 0;          // Where output_ begins, counted since the first byte said.
    uint64_t sent_ = 0;               // Below: given to the kernel or in sending_.
    uint64_t may_send_ = 0;           // Below: waits for nothing.
    std::unique_ptr<Session> session_;
    uv_tcp_t socket_{};
    uv_write_t write_{};
    std::array<char, INET6_ADDRSTRLEN> peer_{};
};

class Connections {
public:
    struct Options {
        size_t connections_max;
        size_t connections_per_address_max;  // 0: any.
        size_t output_bytes_max;             // A client that reads no answers is not read from,
        Millis output_timeout_max;           // and not for ever.
        size_t answers_max;                  // Nor is one of whom as many wait for the disk.

        explicit Options(const Settings& settings);
    };
    using MakeSession = std::function<std::unique_ptr<Session>(Connection&)>;

    Connections(uv_loop_t& loop, const Clock& clock, Slab& slab, Options options);
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    // The loop has a client for us.
    void accept(uv_stream_t& listener, Transport transport, const MakeSession& make_session);
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
    // Counts it; or why not.
    [[nodiscard]] std::optional<Code> admit(Connection& connection);
    void let_go(const Connection& connection);

    uv_loop_t& loop_;
    const Clock& clock_;
    Slab& slab_;
    Options options_;
    std::vector<std::unique_ptr<Connection>> all_;
    std::unordered_map<uint64_t, size_t> of_network_;  // Connections, if they are limited.
    Acks acks_;
    std::vector<Connection*> released_;  // To be flushed, once each.
    std::vector<Connection*> paused_;
    std::vector<Connection*> going_on_;  // Taken from paused_ while they go on.
    std::vector<std::string> buffers_;   // Not lent.
    std::unique_ptr<char[]> read_buffer_;
    bool stopping_ = false;
};

}  // namespace rollcall
