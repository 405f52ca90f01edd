// Connection: the socket of one client. It reads, orders the output, writes and closes.
//
//   | socket -> read buffer of the loop -> Session -> Output -> socket
//   |                    |                   ^
//   |                    +-> input_ ---------+   what is not a complete request yet
//
// Stages. Behind a load balancer a connection begins with a PROXY header (proxy_protocol.h). A TLS
// client then needs a handshake, which waits in a queue (tls_handshakes.h). After the handshake,
// all bytes in both directions pass through TLS (tls_session.h). In the last stage the connection
// has a Session.
//
// The connection does not read while the ring, which holds the worker's unwritten check-ins, is
// full (pause()). It does not read while the client is throttled, or while a handshake waits in the
// queue. It also does not read while too much output is pending, or while an unfinished request
// takes more than its share of the memory budget. A client that has begun a request must send the
// rest at a minimum rate.
//
// Memory: a connection without pending input or output owns no buffers; it reads into a buffer of
// the loop and borrows other buffers from a pool (buffers.h). A daemon can have a million
// connections, so a test limits the size of this class.
//
// Owner: ConnectionTable. close() only begins to close the connection. The table destroys the
//        object when no pointer to it is left in libuv or in PendingAcks.
// Threads: the loop's. Units: milliseconds of the loop's clock.
#pragma once

#include <sys/socket.h>
#include <uv.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/units.h"
#include "daemon/net/buffers.h"
#include "daemon/net/listen_options.h"
#include "daemon/net/output.h"
#include "daemon/net/session.h"
#include "pipeline/base/error.h"

namespace rollcall {

class ConnectionTable;
class TlsSession;
class TrustedProxies;

// The condition on which close_after_replies() makes the connection linger, which means to keep
// reading for a moment before the close.
enum class Linger : bool {
    if_unread,  // Lingers only if bytes of the client are left unread.
    always,
};

class Connection {
public:
    // Takes over the socket `fd`. `options` must outlive the connection.
    Connection(ConnectionTable& table, const ListenOptions& options, int fd,
               const sockaddr_storage& peer);
    ~Connection();  // Requires is_unreferenced().
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // --- for the session ---

    // Sends bytes after all earlier replies.
    void reply(std::string_view bytes);
    // Sends a reply that acknowledges `checkins` check-ins. The reply waits until `slot`, which
    // contains the last of these check-ins, is on disk. Later replies wait for this reply. If
    // `bytes` is empty, the check-ins are only counted as acknowledged.
    void reply_when_durable(uint64_t slot, size_t checkins, std::string_view bytes);
    // Stops reading until the ring has room; then calls Session::on_resume().
    void pause();
    // Stops reading for `time`. The first sweep (ConnectionTable::sweep()) after `time` resumes
    // reading and passes the kept input to the session again, unless the client has disconnected.
    // If a deadline is set, extends the deadline by `time`.
    void throttle(Millis time);
    // Records that the client has sent a valid request. The connection is then no longer closed in
    // favour of new connections.
    void mark_authenticated();
    // Returns true if the connection was throttled at its start because of overload, and the
    // overload persists. The session calls this for each request, but only the first call can
    // return true.
    [[nodiscard]] bool should_reject_for_overload();
    // Closes the connection after all pending replies are sent. A lingering connection keeps
    // reading for a moment and discards the input, because a close with unread bytes would reset
    // the connection and could destroy the last reply (RFC 9112, section 9.6).
    void close_after_replies(Linger linger);
    // Closes the connection at once. May be called more than once.
    void close();
    // Sets the deadline to `from_now` after the present. The first sweep after the deadline calls
    // Session::on_deadline(). A connection has only one deadline: each call replaces the earlier
    // one, and a deadline that has passed is cleared.
    void set_deadline(Millis from_now);
    [[nodiscard]] Millis now() const;
    // Return positions, in bytes, in the whole output of the connection. output_end() is the end of
    // all output; sendable_end() is the end of the output that waits for no slot.
    [[nodiscard]] uint64_t output_end() const { return output_.end(); }
    [[nodiscard]] uint64_t sendable_end() const { return output_.sendable_end(); }
    [[nodiscard]] bool is_open() const { return state_ == State::open; }
    // Returns true if the session may take another request. In this case the connection is open,
    // reading is not suspended, and not too much output is pending. A session that takes several
    // requests in a row must call ready() before each request. When ready() becomes true again, the
    // connection passes the remaining input to the session.
    [[nodiscard]] bool ready() const;
    [[nodiscard]] bool paused() const { return suspension_ == Suspension::ring_full; }
    [[nodiscard]] bool throttled() const { return suspension_ == Suspension::throttled; }
    // The client's address as text, without a port. This is the address of the socket, unless a
    // PROXY header or set_peer() has named another one.
    [[nodiscard]] std::string_view peer() const { return peer_; }
    // Returns true if the peer is a trusted proxy. The session then calls set_peer() for each
    // request.
    [[nodiscard]] bool is_from_proxy() const { return from_proxy_; }
    [[nodiscard]] const TrustedProxies& trusted_proxies() const {
        return *options_.trusted_proxies;
    }
    // Sets the address of the client whose requests the proxy sends from now on.
    void set_peer(std::string_view address) { peer_ = address; }
    // The name in the client's verified certificate; may be empty (TlsSession::certificate_name()).
    [[nodiscard]] std::string_view certificate_name() const;
    [[nodiscard]] BufferPool& buffers() const;

    // --- for the table and the handshake queue ---

    void start();
    void defer(Millis time);
    // Continues after pause(). The table calls this when the ring has room.
    void resume();
    // Releases the oldest waiting reply, which ends at the position `reply_end` of the output.
    // Returns true if the caller must call flush_released() later. Returns false if an earlier call
    // has already returned true and flush_released() was not called since.
    [[nodiscard]] bool release_reply(uint64_t reply_end);
    void flush_released();
    // ConnectionTable::close_all() calls these two functions instead of release_reply() and
    // flush_released(). They send nothing.
    void forget_reply() { output_.forget_waiting(); }
    void forget_flush() { flush_is_due_ = false; }
    // Compares every deadline of the connection with now_ms, the time of the loop's clock. Each
    // sweep calls this.
    void check_deadlines(uint64_t now_ms);
    // Lets the session send a last message, and closes after the pending replies.
    void drain();
    void refuse(Code code);
    // Closes this connection in favour of a new one, and counts the reason.
    void evict(Code code);
    void continue_handshake();
    // Ends the handshake with an error. If TLS has an alert for the client, sends it.
    void fail_handshake(Code code);

    [[nodiscard]] Transport transport() const { return options_.transport; }
    // Returns true if no pointer to the connection is left, so that the table may destroy it. In
    // this case libuv has closed the socket, no reply waits for its slot, and no flush is due.
    [[nodiscard]] bool is_unreferenced() const {
        return state_ == State::closed && output_.waiting() == 0 && !flush_is_due_;
    }
    [[nodiscard]] bool waits_for_handshake() const {
        return suspension_ == Suspension::handshake_queue;
    }
    // The index in the table. The table sets it.
    [[nodiscard]] uint32_t index() const { return index_; }
    void set_index(uint32_t index) { index_ = index; }
    // Returns true if the table counts the connection for its address (ConnectionTable::admit()).
    [[nodiscard]] bool is_admitted() const { return admitted_; }

private:
    enum class State : uint8_t {
        open,
        draining,            // Closes as soon as the output is sent.
        draining_to_linger,  // Lingers as soon as the output is sent.
        lingering,           // Sending is shut down; input is discarded.
        closing,             // The connection has asked libuv to close the socket.
        closed,              // libuv has closed the socket.
    };
    // The reason for which reading is suspended. Pending output and the memory budget can also stop
    // reading, but are not listed here.
    enum class Suspension : uint8_t { none, ring_full, throttled, handshake_queue };
    enum class Admission : uint8_t {
        deferred,         // New and throttled because of overload; has sent no request.
        unauthenticated,  // Has sent no valid request, so it may be evicted.
        authenticated,
    };

    struct Sending {
        Buffer bytes;
        uint64_t deadline_ms;
        uv_write_t write;
    };

    void begin_protocol();
    void leave_handshakes();
    void on_input(std::string_view bytes);
    void read_proxy_header(std::string_view bytes);
    void read_encrypted(std::string_view bytes);
    void decrypt(std::string_view bytes);
    void read_plain(std::string_view bytes);
    void pass_to_session(std::string_view& bytes);
    void keep_input(std::string_view bytes);
    void process_kept_input();
    void on_end_of_input();
    void on_deadline();
    void end_throttle();
    void note_progress();
    [[nodiscard]] bool input_is_too_slow(uint64_t now_ms) const;
    // Returns the size of the received part of a request or of a TLS record.
    [[nodiscard]] size_t unfinished_bytes() const;
    // Returns unfinished_bytes() plus Session::held_bytes().
    [[nodiscard]] size_t held_bytes() const;
    // Returns how many bytes may be read at once; 0 if the memory budget has no room.
    [[nodiscard]] size_t readable_bytes() const;
    // Returns the limit for the bytes of unsent output, and for the bytes of kept input.
    [[nodiscard]] size_t allowance() const;
    [[nodiscard]] std::string_view encrypt(std::string_view plain);
    // Sends the output that waits for no slot. Then passes kept input to the session if there is
    // room for replies.
    void flush();
    void write();
    void write_rest(std::string_view rest);
    void close_if_drained();
    void update_reading();
    [[nodiscard]] bool is_closing() const {
        return state_ == State::closing || state_ == State::closed;
    }
    [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&socket_); }
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] bool client_has_left() const;
    [[nodiscard]] bool has_unread() const;

    static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer);
    static void on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer);
    static void on_written(uv_write_t* request, int status);
    static void on_closed(uv_handle_t* handle);

    ConnectionTable& table_;
    const ListenOptions& options_;
    State state_ = State::open;
    Suspension suspension_ = Suspension::none;
    Admission admission_ = Admission::unauthenticated;
    bool reading_ : 1 = false;        // libuv reads from the socket.
    bool input_is_held_ : 1 = false;  // input_ may contain complete requests.
    bool flush_is_due_ : 1 = false;   // The table will call flush_released().
    bool admitted_ : 1 = false;
    bool from_proxy_ : 1 = false;
    // Start of the period over which the minimum rate is measured, as the lower 32 bits of the
    // loop's clock. A new period starts when the connection begins to keep input, when the session
    // takes bytes of input_, or when an unfinished TLS record begins.
    uint32_t progress_ms_ = 0;
    uint64_t deadline_ms_;
    uint64_t throttled_until_ms_ = 0;
    Buffer input_;  // An incomplete PROXY header, the input of a handshake, or incomplete requests.
    [[no_unique_address]] Output output_;  // index_ occupies the padding of Output.
    uint32_t index_ = 0;
    std::unique_ptr<Session> session_;  // nullptr until the last stage.
    std::unique_ptr<TlsSession> tls_;   // nullptr in plain text, and before the PROXY header is
                                        // complete.
    std::unique_ptr<Sending> sending_;  // Bytes that the kernel had no room for; libuv sends them.
    uv_tcp_t socket_{};
    std::string peer_;
};

}  // namespace rollcall
