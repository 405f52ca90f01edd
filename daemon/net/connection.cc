#include "daemon/net/connection.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <span>
#include <utility>

#include "daemon/net/connection_table.h"
#include "daemon/net/network.h"
#include "daemon/net/proxy_protocol.h"
#include "daemon/net/tls_session.h"
#include "daemon/net/trusted_proxies.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

constexpr Millis linger_time{2000};
constexpr uint64_t never = UINT64_MAX;
// Even if the memory budget is exhausted, each client may hold held_min bytes, and a read may take
// read_min bytes.
constexpr size_t held_min = 1024;
constexpr size_t read_min = 2048;

Connection& connection_of(void* data) { return *static_cast<Connection*>(data); }

std::string peer_address(const sockaddr_storage& peer) {
    const void* bytes = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
    if (peer.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
    return address_text(peer.ss_family, bytes).data();
}

}  // namespace

Connection::Connection(ConnectionTable& table, const ListenOptions& options, int fd,
                       const sockaddr_storage& peer)
    : table_(table), options_(options), deadline_ms_(never), peer_(peer_address(peer)) {
    ensure(uv_tcp_init(&table.loop(), &socket_) == 0);
    socket_.data = this;
    ensure(uv_tcp_open(&socket_, fd) == 0);
}

Connection::~Connection() { ensure(state_ == State::closed); }

// --- stages ---

void Connection::start() {
    if (options_.proxy_protocol) {
        set_deadline(options_.proxy_header_timeout_max);
    } else {
        begin_protocol();
    }
    update_reading();
}

void Connection::begin_protocol() {
    from_proxy_ = options_.trusted_proxies != nullptr && options_.trusted_proxies->contains(peer_);
    // A proxy can use one connection for many clients, so the connection counts for no address.
    admitted_ = !from_proxy_ && table_.admit(*this);
    if (!from_proxy_ && !admitted_) return refuse(Code::too_many_from_address);
    if (options_.tls == nullptr) {
        session_ = options_.make_session(*this);
    } else {
        tls_ = std::make_unique<TlsSession>(*options_.tls, options_.transport);
        set_deadline(options_.tls->handshake_timeout_max());
    }
}

void Connection::read_proxy_header(std::string_view bytes) {
    buffers().acquire(input_);
    input_.append(bytes);
    const auto header = parse_proxy_header(input_.view());
    if (!header) return refuse(header.error().code);
    if (!*header) return;
    if ((*header)->client[0] != '\0') peer_ = (*header)->client.data();
    Buffer kept = std::exchange(input_, {});
    kept.reserve_padding(body_padding);
    begin_protocol();
    const std::string_view rest = kept.view().substr((*header)->bytes);
    if (is_open() && !rest.empty()) on_input(rest);
    buffers().release(kept);
}

void Connection::continue_handshake() {
    suspension_ = Suspension::none;
    if (!is_open()) return;
    Buffer kept = std::exchange(input_, {});
    std::string_view encrypted = kept.view();
    buffers().acquire(tls_->outgoing());
    if (!tls_->handshake_begun()) table_.handshakes().begin(*this);
    const auto done = tls_->handshake(encrypted);
    if (!done) {
        fail_handshake(done.error().code);
    } else if (*done) {
        table_.handshakes().succeed(*this, tls_->resumed());
        session_ = options_.make_session(*this);
        decrypt(encrypted);
    } else {
        flush();
    }
    buffers().release(kept);
    update_reading();
}

void Connection::fail_handshake(Code code) {
    if (is_open() && (tls_->handshake_begun() || waits_for_handshake())) {
        table_.handshakes().fail(*this);
        table_.refusals().count({.transport = options_.transport, .code = code, .address = peer()});
    }
    leave_handshakes();
    if (!is_open() || tls_->outgoing().empty()) return close();
    tls_->abandon();
    close_after_replies(Linger::always);  // Sends the alert of TLS first.
    set_deadline(linger_time);
}

void Connection::leave_handshakes() {
    table_.handshakes().remove(*this);
    if (waits_for_handshake()) suspension_ = Suspension::none;
}

// --- reading ---

void Connection::on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    const Connection& self = connection_of(handle->data);
    const size_t bytes_max = std::max(read_min, self.readable_bytes());
    const std::span<char> memory = self.table_.read_buffer(self, bytes_max);
    *buffer = uv_buf_init(memory.data(), static_cast<unsigned>(memory.size()));
}

void Connection::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    Connection& self = connection_of(stream->data);
    if (count == 0 || count == UV_ENOBUFS) return;  // EAGAIN, or on_alloc() gave no memory.
    if (count > 0) {
        self.on_input({buffer->base, static_cast<size_t>(count)});
        return self.table_.count_read(static_cast<size_t>(count));
    }
    if (self.tls_ && !self.session_) return self.fail_handshake(Code::tls_truncated);
    if (count == UV_EOF) return self.on_end_of_input();
    self.close();
}

void Connection::on_input(std::string_view bytes) {
    if (tls_) return read_encrypted(bytes);
    if (session_) return read_plain(bytes);
    read_proxy_header(bytes);
}

// Handles the end of the client's input. The client may still read replies.
void Connection::on_end_of_input() {
    const bool has_output = output_.waiting() > 0 || sending_ || tls_;
    if (!is_open() || !has_output) return close();
    close_after_replies(Linger::if_unread);
}

void Connection::read_encrypted(std::string_view bytes) {
    if (!is_open()) return;
    if (session_) return decrypt(bytes);
    buffers().acquire(input_);
    input_.append(bytes);
    suspension_ = Suspension::handshake_queue;
    table_.handshakes().enqueue(*this, tls_->handshake_begun());
    update_reading();
}

void Connection::decrypt(std::string_view bytes) {
    Buffer& partial = tls_->partial_record();
    const bool completes = !partial.empty();
    bool has_progress = !completes;
    if (completes) {
        partial.append(bytes);
        bytes = partial.view();
    }
    while (is_open()) {
        const std::span<char> into = table_.plaintext_buffer();
        const size_t count = tls_->decrypt(bytes, into);
        if (count == 0) break;
        read_plain({into.data(), count});
        has_progress = true;
    }
    if (completes) {
        partial.drop_front(partial.size() - bytes.size());
    } else if (!bytes.empty()) {
        buffers().acquire(partial);
        partial.append(bytes);
    }
    if (partial.empty() || !is_open() || tls_->input_ended()) buffers().release(partial);
    if (has_progress && input_.empty()) note_progress();
    flush();
    if (const auto fault = tls_->fault(); fault && is_open()) return refuse(*fault);
    // Input that arrived before the end of the stream may still wait for room in the ring or in the
    // output.
    if (tls_->input_ended() && !paused() && !input_is_held_) return on_end_of_input();
    update_reading();
}

void Connection::read_plain(std::string_view bytes) {
    if (!is_open()) return;  // A lingering connection discards input.
    if (input_.empty()) {
        pass_to_session(bytes);
        keep_input(bytes);
    } else {
        input_.append(bytes);
        process_kept_input();
    }
    if (output_.waiting() == 0) flush();
    update_reading();
}

bool Connection::ready() const {
    const auto& limits = table_.limits();
    const size_t unsent = output_.size() + (sending_ ? sending_->bytes.size() : 0) +
                          (tls_ ? tls_->outgoing().size() : 0);
    const size_t output_bytes_max = std::min(limits.output_bytes_max, allowance());
    const bool output_is_full =
        unsent > output_bytes_max || output_.waiting() >= limits.pending_acks_max;
    return is_open() && suspension_ == Suspension::none && !output_is_full;
}

void Connection::pass_to_session(std::string_view& bytes) {
    if (ready()) session_->on_data(bytes);
    input_is_held_ = !ready();
}

void Connection::keep_input(std::string_view bytes) {
    if (bytes.empty() || !is_open()) return;
    buffers().acquire(input_);
    input_.append(bytes);
    note_progress();
}

void Connection::process_kept_input() {
    input_.reserve_padding(body_padding);
    std::string_view bytes = input_.view();
    const bool was_held = input_is_held_;  // If the daemon was not reading, the client was not
                                           // slow.
    pass_to_session(bytes);
    if (was_held || bytes.size() < input_.size()) note_progress();
    input_.drop_front(input_.size() - bytes.size());
    if (input_.empty()) buffers().release(input_);
}

void Connection::note_progress() { progress_ms_ = static_cast<uint32_t>(table_.now_ms()); }

size_t Connection::unfinished_bytes() const {
    return input_.size() + (tls_ ? tls_->partial_record().size() : 0);
}

size_t Connection::held_bytes() const {
    return unfinished_bytes() + (session_ ? session_->held_bytes() : 0);
}

size_t Connection::allowance() const { return std::max(held_min, table_.memory().allowance()); }

size_t Connection::readable_bytes() const {
    const size_t most = allowance();
    const size_t held = held_bytes();
    return held <= most ? std::max<size_t>(1, most - held) : 0;
}

void Connection::update_reading() {
    const bool is_ready = ready();
    const bool wanted = state_ == State::lingering || (is_ready && readable_bytes() > 0);
    if (wanted == reading_) return;
    reading_ = wanted;
    if (is_ready && !wanted)
        table_.shard().add(Metric::memory_waits_total, 1, label_of(options_.transport));
    if (wanted) {
        if (uv_read_start(stream(), on_alloc, on_read) != 0) close();
    } else {
        uv_read_stop(stream());
    }
}

// --- suspended reading ---

void Connection::pause() {
    ensure(suspension_ == Suspension::none);
    suspension_ = Suspension::ring_full;
    table_.await_room(*this);
    update_reading();
}

void Connection::resume() {
    suspension_ = Suspension::none;
    if (!is_open()) return;
    session_->on_resume();
    process_kept_input();
    if (output_.waiting() == 0) flush();
    update_reading();
    if (tls_) decrypt({});  // Handles an end of the TLS stream that arrived during the pause.
}

void Connection::throttle(Millis time) {
    ensure(suspension_ == Suspension::none);
    const auto time_ms = static_cast<uint64_t>(time.count());
    suspension_ = Suspension::throttled;
    throttled_until_ms_ = table_.now_ms() + time_ms;
    if (deadline_ms_ != never) deadline_ms_ += time_ms;
    table_.shard().add(Metric::connections_throttled_total, 1, label_of(options_.transport));
    update_reading();
}

void Connection::end_throttle() {
    suspension_ = Suspension::none;
    if (client_has_left()) return close();
    flush();
}

void Connection::defer(Millis time) {
    admission_ = Admission::deferred;
    throttle(time);
}

bool Connection::should_reject_for_overload() {
    if (admission_ != Admission::deferred) return false;
    admission_ = Admission::unauthenticated;
    return table_.is_overloaded();
}

void Connection::mark_authenticated() {
    if (admission_ == Admission::authenticated) return;
    admission_ = Admission::authenticated;
    table_.on_authenticated(*this);
}

// --- deadlines ---

void Connection::check_deadlines(uint64_t now_ms) {
    if (!reading_) update_reading();  // Other connections may have freed memory.
    const bool waits_for_memory = ready() && readable_bytes() == 0;
    if (waits_for_memory && client_has_left()) return close();
    if (throttled() && throttled_until_ms_ <= now_ms) end_throttle();
    if (sending_ && sending_->deadline_ms <= now_ms) return refuse(Code::responses_not_read);
    if (input_is_too_slow(now_ms)) session_->on_slow_input();
    if (deadline_ms_ > now_ms) return;
    deadline_ms_ = never;
    if (!is_open()) return close();
    on_deadline();
    flush();
}

bool Connection::input_is_too_slow(uint64_t now_ms) const {
    const MinimumRate& rate = options_.input_rate_min;
    if (rate.bytes_per_s == 0 || !session_ || !ready()) return false;
    const size_t bytes = unfinished_bytes();
    if (bytes == 0) return false;
    return Millis(static_cast<uint32_t>(now_ms) - progress_ms_) > rate.time_allowed(bytes);
}

void Connection::on_deadline() {
    if (session_) return session_->on_deadline();
    if (tls_) return fail_handshake(Code::tls_timeout);
    refuse(Code::timeout);
}

void Connection::set_deadline(Millis from_now) {
    deadline_ms_ = table_.now_ms() + static_cast<uint64_t>(from_now.count());
}

Millis Connection::now() const { return Millis(table_.now_ms()); }

// --- writing ---

void Connection::reply(std::string_view bytes) { output_.append(bytes, buffers()); }

void Connection::reply_when_durable(uint64_t slot, size_t checkins, std::string_view bytes) {
    output_.append_waiting(bytes, buffers());
    table_.await_durable(*this, slot, checkins);
    update_reading();
}

bool Connection::release_reply(uint64_t reply_end) {
    if (is_closing())
        output_.forget_waiting();
    else
        output_.release(reply_end);
    const bool was_due = flush_is_due_;
    flush_is_due_ = true;
    return !was_due;
}

void Connection::flush_released() {
    flush_is_due_ = false;
    if (!is_closing()) flush();
}

void Connection::flush() {
    write();
    while (input_is_held_ && ready()) {
        process_kept_input();
        if (output_.waiting() == 0) write();
    }
    update_reading();
}

void Connection::write() {
    if (sending_ || is_closing()) return;
    std::string_view bytes = output_.take();
    if (tls_) bytes = encrypt(bytes);
    if (!bytes.empty()) {
        const uv_buf_t buffer =
            uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
        const int written = uv_try_write(stream(), &buffer, 1);
        if (written < 0 && written != UV_EAGAIN) return close();
        if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
        if (!bytes.empty()) return write_rest(bytes);
        if (tls_) buffers().release(tls_->outgoing());
    }
    output_.drop_taken();
    output_.free_if_taken(buffers());
    close_if_drained();
}

// Copies the rest to sending_, because the kernel's send buffer is full. libuv sends the rest later
// and requires memory that does not move until then.
void Connection::write_rest(std::string_view rest) {
    const uint64_t deadline_ms =
        table_.now_ms() + static_cast<uint64_t>(table_.limits().output_timeout_max.count());
    sending_ = std::make_unique<Sending>(Sending{{}, deadline_ms, {}});
    sending_->write.data = this;
    buffers().acquire(sending_->bytes);
    sending_->bytes.append(rest);
    if (tls_) buffers().release(tls_->outgoing());
    output_.drop_taken();
    const std::string_view bytes = sending_->bytes.view();
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    if (uv_write(&sending_->write, stream(), &buffer, 1, on_written) != 0) close();
}

void Connection::on_written(uv_write_t* request, int status) {
    Connection& self = connection_of(request->data);
    self.buffers().release(self.sending_->bytes);
    self.sending_.reset();
    if (status < 0) return self.close();
    self.flush();
}

// Encrypts `plain`. Returns all encrypted bytes to send, including records that TLS itself has
// added, such as alerts.
std::string_view Connection::encrypt(std::string_view plain) {
    if (!plain.empty()) buffers().acquire(tls_->outgoing());
    tls_->encrypt(plain);
    return tls_->outgoing().view();
}

// --- closing ---

void Connection::drain() {
    if (is_open() && session_ && !session_->on_shutdown()) return;
    close_after_replies(Linger::if_unread);
}

void Connection::close_after_replies(Linger linger) {
    if (!is_open()) return;
    state_ = linger == Linger::always ? State::draining_to_linger : State::draining;
    deadline_ms_ = never;
    update_reading();
    if (output_.waiting() == 0) flush();
}

void Connection::close_if_drained() {
    const bool is_draining = state_ == State::draining || state_ == State::draining_to_linger;
    const bool all_sent = output_.waiting() == 0 && !sending_ && output_.empty();
    if (!is_draining || !all_sent) return;
    if (tls_ && tls_->send_close_notify()) return flush();
    if (state_ == State::draining && !has_unread()) return close();
    state_ = State::lingering;
    set_deadline(linger_time);
    shutdown(descriptor(), SHUT_WR);
    update_reading();
}

void Connection::refuse(Code code) {
    table_.refusals().count({.transport = options_.transport, .code = code, .address = peer()});
    close();
}

void Connection::evict(Code code) {
    if (!is_open()) return close();
    if (tls_ && tls_->handshake_begun() && !session_) table_.handshakes().fail(*this);
    refuse(code);
}

void Connection::close() {
    if (is_closing()) return;
    state_ = State::closing;
    mark_authenticated();  // A closing connection is not evicted.
    if (session_ && !table_.is_stopping()) session_->on_close();
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
}

void Connection::on_closed(uv_handle_t* handle) {
    Connection& self = connection_of(handle->data);
    self.state_ = State::closed;
    if (!self.session_) self.leave_handshakes();
    self.buffers().release(self.input_);
    if (self.tls_) self.buffers().release(self.tls_->partial_record());
    self.output_.clear(self.buffers());
    self.table_.on_closed(self);
}

// --- the socket ---

// Returns -1 once the socket is closed.
int Connection::descriptor() const {
    int fd = -1;
    (void)uv_fileno(reinterpret_cast<const uv_handle_t*>(&socket_), &fd);
    return fd;
}

// Returns true if the client's stream has ended or failed. Asks the kernel, because libuv reports
// the end of the stream only while the connection reads.
bool Connection::client_has_left() const {
    pollfd asked{descriptor(), POLLRDHUP, 0};
    return asked.fd < 0 || poll(&asked, 1, 0) > 0;
}

bool Connection::has_unread() const {
    int bytes = 0;
    return ioctl(descriptor(), FIONREAD, &bytes) == 0 && bytes > 0;
}

std::string_view Connection::certificate_name() const {
    return tls_ ? tls_->certificate_name() : std::string_view();
}

BufferPool& Connection::buffers() const { return table_.buffers(); }

}  // namespace rollcall
