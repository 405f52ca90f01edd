#include "daemon/net/connection.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "daemon/net/network.h"
#include "daemon/net/proxy_protocol.h"
#include "daemon/net/tls.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

constexpr size_t read_buffer_bytes = 64 * 1024;
constexpr Millis linger_time{2000};
constexpr int64_t handshakes_us = 1000;  // In a turn of the loop.
constexpr uint64_t never = UINT64_MAX;

// What an address is counted by: IPv4 as a whole, of IPv6 the half that a site is given (RFC 6177).
uint64_t network_of_peer(const Connection& connection) {
    return network_of(connection.peer(), 32, 64);
}

Connection& connection_of(void* data) { return *static_cast<Connection*>(data); }

}  // namespace

// --- one connection ---

Connection::Connection(ConnectionTable& all, const ListenOptions& options)
    : all_(all), listen_(options), deadline_ms_(never) {
    ensure(uv_tcp_init(&all.loop_, &socket_) == 0);
    socket_.data = this;
}

Connection::~Connection() { ensure(state_ == State::closed); }

void Connection::start() {
    if (listen_.proxy_protocol) {
        set_deadline(listen_.proxy_header_timeout_max);
    } else {
        begin();
    }
    update_reading();
}

void Connection::begin() {
    if (!all_.admit(*this)) return refuse(Code::too_many_from_address);
    if (listen_.tls == nullptr) {
        session_ = listen_.make_session(*this);
    } else {
        tls_ = std::make_unique<Tls>(*listen_.tls, listen_.transport);
        set_deadline(listen_.tls->handshake_timeout_max());
    }
}

void Connection::name_peer(const sockaddr_storage& address) {
    const void* bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
    if (address.ss_family == AF_INET6)
        bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    peer_ = address_text(address.ss_family, bytes).data();
}

void Connection::on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(connection_of(handle->data).all_.read_buffer_.get(), read_buffer_bytes);
}

void Connection::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    Connection& self = connection_of(stream->data);
    if (count == 0) return;  // Nothing after all.
    if (count > 0) return self.read_any({buffer->base, static_cast<size_t>(count)});
    if (self.tls_ && !self.session_) return self.end_handshake(Code::tls_truncated);
    if (count == UV_EOF) return self.end_of_input();
    self.close();
}

// The client has sent its last byte, and may still read answers.
void Connection::end_of_input() {
    const bool something_to_say = waiting_ > 0 || sending_ || tls_;
    if (!is_open() || !something_to_say) return close();
    close_after_replies(Linger::if_unread);
}

void Connection::read_any(std::string_view bytes) {
    if (tls_) return read_sealed(bytes);
    if (session_) return read(bytes);
    read_header(bytes);
}

// Of the PROXY protocol.
void Connection::read_header(std::string_view bytes) {
    buffers().acquire(input_);
    input_.append(bytes);
    const auto header = parse_proxy_header(input_.view());
    if (!header) return refuse(header.error().code);
    if (!*header) return;
    if ((*header)->client[0] != '\0') peer_ = (*header)->client.data();
    Buffer kept = std::exchange(input_, {});
    kept.reserve_padding(body_padding);
    begin();
    if (is_open() && kept.size() > (*header)->bytes) read_any(kept.view().substr((*header)->bytes));
    buffers().release(kept);
}

void Connection::read(std::string_view bytes) {
    if (!is_open()) return;  // Lingering: what still comes is thrown away.
    if (input_.empty()) {
        feed(bytes);
        keep(bytes);
    } else {
        input_.append(bytes);
        go_on();
    }
    if (waiting_ == 0) flush();
    update_reading();
}

bool Connection::ready() const {
    const size_t unsent = output_.size() + (sending_ ? sending_->bytes.size() : 0) +
                          (tls_ ? tls_->outgoing().size() : 0);
    const bool choked =
        unsent > all_.options_.output_bytes_max || waiting_ >= all_.options_.pending_acks_max;
    return is_open() && !paused_ && !throttled() && !in_turn_ && !choked;
}

void Connection::feed(std::string_view& bytes) {
    if (ready()) session_->on_data(bytes);
    held_ = !ready();
}

void Connection::keep(std::string_view bytes) {
    if (bytes.empty() || !is_open()) return;
    buffers().acquire(input_);
    input_.append(bytes);
    kept_since_ms_ = static_cast<uint32_t>(uv_now(&all_.loop_));
}

// Feeds the session with what was kept.
void Connection::go_on() {
    input_.reserve_padding(body_padding);
    std::string_view bytes = input_.view();
    const bool was_held = held_;  // And its client could not send more.
    feed(bytes);
    if (was_held || bytes.size() < input_.size())
        kept_since_ms_ = static_cast<uint32_t>(uv_now(&all_.loop_));
    input_.drop_front(input_.size() - bytes.size());
    if (input_.empty()) buffers().release(input_);
}

void Connection::read_sealed(std::string_view bytes) {
    if (!is_open()) return;
    if (session_) return open_sealed(bytes);
    buffers().acquire(input_);
    input_.append(bytes);
    in_turn_ = true;
    (tls_->begun() ? all_.in_turn_ : all_.hellos_).push_back(this);
    update_reading();
}

void Connection::open_sealed(std::string_view bytes) {
    bool is_new = !tls_->in_a_record();
    while (is_open()) {
        const size_t plain = tls_->open(bytes, {all_.plain_buffer_.get(), read_buffer_bytes});
        if (plain == 0) break;
        read({all_.plain_buffer_.get(), plain});
        is_new = true;
    }
    if (is_new && input_.empty()) kept_since_ms_ = static_cast<uint32_t>(uv_now(&all_.loop_));
    flush();
    if (const auto fault = tls_->fault(); fault && is_open()) return refuse(*fault);
    // What came before the end may still wait for the ring.
    if (tls_->ended() && !paused_ && !held_) return end_of_input();
    update_reading();
}

// In its turn.
void Connection::shake_hands() {
    in_turn_ = false;
    if (!is_open()) return;
    Buffer kept = std::exchange(input_, {});
    std::string_view sealed = kept.view();
    buffers().acquire(tls_->outgoing());
    if (!tls_->begun()) all_.handshakes_.add(*this, uv_now(&all_.loop_));
    const auto done = tls_->shake_hands(sealed);
    if (!done) {
        end_handshake(done.error().code);
    } else if (*done) {
        all_.shard_.add(Metric::tls_handshakes_total, 1,
                        label_of(tls_->resumed() ? TlsHandshake::resumed : TlsHandshake::full));
        all_.handshakes_.remove(*this);
        session_ = listen_.make_session(*this);
        open_sealed(sealed);
    } else {
        flush();
    }
    buffers().release(kept);
    update_reading();
}

// All that is to be sent now.
std::string_view Connection::seal(std::string_view plain) {
    if (!plain.empty()) buffers().acquire(tls_->outgoing());
    tls_->seal(plain);
    return tls_->outgoing().view();
}

void Connection::end_handshake(Code fault) {
    all_.handshakes_.remove(*this);
    if (is_open() && (tls_->begun() || in_turn_)) {
        all_.shard_.add(Metric::tls_handshakes_total, 1, label_of(TlsHandshake::failed));
        all_.refusals_.count(listen_.transport, fault, peer());
    }
    if (!is_open() || tls_->outgoing().empty()) return close();
    close_after_replies(Linger::always);  // Behind the alert.
    set_deadline(linger_time);
}

void Connection::expire() {
    if (session_) return session_->on_deadline();
    if (tls_) return end_handshake(Code::tls_timeout);
    refuse(Code::timeout);
}

void Connection::refuse(Code code) {
    all_.refusals_.count(listen_.transport, code, peer());
    close();
}

void Connection::mark_authenticated() {
    if (introduced_) return;
    introduced_ = true;
    all_.unverified_.remove(*this);
}

void Connection::evict() {
    if (!is_open()) return close();
    if (tls_ && tls_->begun() && !session_)
        all_.shard_.add(Metric::tls_handshakes_total, 1, label_of(TlsHandshake::failed));
    refuse(Code::evicted);
}

std::string_view Connection::certificate_name() const {
    return tls_ ? tls_->certified() : std::string_view();
}

BufferPool& Connection::buffers() const { return all_.buffers_; }

void Connection::pause() {
    ensure(!paused_);
    paused_ = true;
    all_.paused_.push_back(this);
    update_reading();
}

void Connection::throttle(Millis time) {
    const auto rest_ms = static_cast<uint64_t>(time.count());
    throttled_until_ms_ = uv_now(&all_.loop_) + rest_ms;
    if (deadline_ms_ != never) deadline_ms_ += rest_ms;
    all_.shard_.add(Metric::connections_throttled_total, 1, label_of(listen_.transport));
    update_reading();
}

bool Connection::should_reject_for_overload() {
    const bool was_deferred = deferred_;
    deferred_ = false;
    return was_deferred && all_.options_.defer() > Millis(0);
}

// A turn of the sweep.
void Connection::look(uint64_t now_ms) {
    if (throttled() && throttled_until_ms_ <= now_ms) wake();
    if (sending_ && sending_->deadline_ms <= now_ms) return refuse(Code::responses_not_read);
    if (lags(now_ms)) session_->on_slow_input();
    if (deadline_ms_ > now_ms) return;
    deadline_ms_ = never;
    if (!is_open()) return close();
    expire();
    flush();
}

bool Connection::lags(uint64_t now_ms) const {
    if (listen_.input_rate_min.bytes_per_s == 0 || !session_ || !ready()) return false;
    const bool in_a_record = tls_ && tls_->in_a_record();
    if (input_.empty() && !in_a_record) return false;
    const Millis since(static_cast<uint32_t>(now_ms) - kept_since_ms_);
    return since > listen_.input_rate_min.time_allowed(input_.size() +
                                                       (in_a_record ? Tls::record_bytes_max : 0));
}

void Connection::wake() {
    throttled_until_ms_ = 0;
    if (hung_up()) return close();
    flush();
}

int Connection::descriptor() const {
    int fd = -1;
    (void)uv_fileno(reinterpret_cast<const uv_handle_t*>(&socket_), &fd);
    return fd;
}

// Whoever is not read from is not seen to leave.
bool Connection::hung_up() const {
    pollfd asked{descriptor(), POLLRDHUP, 0};
    return asked.fd < 0 || poll(&asked, 1, 0) > 0;
}

// A close would then reset the connection, and take the last answer with it (RFC 9112,
// section 9.6).
bool Connection::has_unread() const {
    int bytes = 0;
    return ioctl(descriptor(), FIONREAD, &bytes) == 0 && bytes > 0;
}

void Connection::update_reading() {
    const bool wanted = state_ == State::lingering || ready();
    if (wanted == reading_) return;
    reading_ = wanted;
    auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
    if (wanted) {
        if (uv_read_start(stream, on_alloc, on_read) != 0) close();
    } else {
        uv_read_stop(stream);
    }
}

void Connection::reply(std::string_view bytes) {
    buffers().acquire(output_);
    output_.append(bytes);
    if (waiting_ == 0) may_send_ = output_end();
}

void Connection::reply_when_durable(uint64_t slot, size_t checkins, std::string_view bytes) {
    buffers().acquire(output_);
    output_.append(bytes);
    ++waiting_;
    all_.make_room_for_ack();
    all_.acks_.push(
        {slot, this, output_end(), static_cast<uint32_t>(checkins), all_.clock_.steady_us()});
    update_reading();
}

void Connection::release(uint64_t end) {
    --waiting_;
    if (state_ < State::closing) may_send_ = waiting_ == 0 ? output_end() : end;
    if (released_now_) return;
    released_now_ = true;
    all_.released_.push_back(this);
}

// What may go out does; then there may be room for more answers.
void Connection::flush() {
    write();
    while (held_ && ready()) {
        go_on();
        if (waiting_ == 0) write();
    }
    update_reading();
}

void Connection::write() {
    if (sending_ || state_ >= State::closing) return;
    std::string_view bytes = output_.view().substr(sent_ - output_at_, may_send_ - sent_);
    if (tls_) bytes = seal(bytes);
    sent_ = may_send_;
    if (!bytes.empty()) {
        const uv_buf_t buffer =
            uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
        const int written = uv_try_write(reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1);
        if (written < 0 && written != UV_EAGAIN) return close();
        if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
        if (!bytes.empty()) return write_rest(bytes);
        if (tls_) buffers().release(tls_->outgoing());
    }
    if (sent_ == output_end()) {
        output_at_ = sent_;
        buffers().release(output_);
    }
    end_if_done();
}

// The socket's buffer is full: libuv sends the rest when it can, from memory that must not move.
void Connection::write_rest(std::string_view rest) {
    const uint64_t deadline_ms =
        uv_now(&all_.loop_) + static_cast<uint64_t>(all_.options_.output_timeout_max.count());
    sending_ = std::make_unique<Sending>(Sending{std::string(rest), deadline_ms, {}});
    sending_->write.data = this;
    if (tls_) buffers().release(tls_->outgoing());
    output_.drop_front(sent_ - output_at_);
    output_at_ = sent_;
    std::string& bytes = sending_->bytes;
    const uv_buf_t buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
    auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
    if (uv_write(&sending_->write, stream, &buffer, 1, on_written) != 0) close();
}

void Connection::on_written(uv_write_t* request, int status) {
    Connection& self = connection_of(request->data);
    self.sending_.reset();
    if (status < 0) return self.close();
    self.flush();
}

void Connection::close_after_replies(Linger linger) {
    if (!is_open()) return;
    state_ = State::finishing;
    linger_ = linger == Linger::always;
    deadline_ms_ = never;
    update_reading();
    if (waiting_ == 0) flush();
}

void Connection::end_if_done() {
    const bool all_sent = waiting_ == 0 && !sending_ && output_.empty();
    if (state_ != State::finishing || !all_sent) return;
    if (tls_ && tls_->say_end()) return flush();
    if (!linger_ && !has_unread()) return close();
    state_ = State::lingering;
    set_deadline(linger_time);
    shutdown(descriptor(), SHUT_WR);
    update_reading();
}

void Connection::close() {
    if (state_ >= State::closing) return;
    state_ = State::closing;
    mark_authenticated();
    if (session_ && !all_.stopping_) session_->on_close();
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
}

void Connection::on_closed(uv_handle_t* handle) {
    Connection& self = connection_of(handle->data);
    self.state_ = State::closed;
    self.all_.shard_.add(Metric::connections, -1, label_of(self.listen_.transport));
    self.all_.buffers_.release(self.input_);
    self.all_.buffers_.release(self.output_);
    if (self.counted_) self.all_.let_go(self);
    if (self.paused_) std::erase(self.all_.paused_, &self);
    if (self.in_turn_) {
        std::erase(self.all_.hellos_, &self);
        std::erase(self.all_.in_turn_, &self);
    }
    if (self.tls_ && !self.session_) self.all_.handshakes_.remove(self);
    self.all_.forget_if_done(self);
}

void Connection::set_deadline(Millis from_now) {
    deadline_ms_ = uv_now(&all_.loop_) + static_cast<uint64_t>(from_now.count());
}

Millis Connection::now() const { return Millis(uv_now(&all_.loop_)); }

// --- all of them ---

ConnectionTable::Options::Options(const Settings& settings)
    : connections_max(settings.general.connections_max),
      connections_per_address_max(settings.general.connections_per_address_max),
      output_bytes_max(settings.general.output_size_max.count),
      output_timeout_max(settings.general.output_timeout_max),
      pending_acks_max(settings.general.pending_acks_max),
      handshakes_max(settings.tls.handshakes_max),
      ring_rows_max(settings.ingest.slots_max * settings.ingest.slot_rows_max) {}

ConnectionTable::ConnectionTable(uv_loop_t& loop, const Clock& clock, MetricShard& shard,
                                 Options options)
    : loop_(loop),
      clock_(clock),
      shard_(shard),
      refusals_(clock, shard),
      options_(std::move(options)),
      acks_(options_.ring_rows_max),
      read_buffer_(new char[read_buffer_bytes + body_padding]{}) {}

ConnectionTable::~ConnectionTable() { ensure(all_.empty()); }

void ConnectionTable::accept(int fd, const sockaddr_storage& peer, const ListenOptions& options) {
    all_.push_back(std::make_unique<Connection>(*this, options));
    Connection& connection = *all_.back();
    connection.index_ = static_cast<uint32_t>(all_.size() - 1);
    shard_.add(Metric::connections, 1, label_of(options.transport));
    shard_.add(Metric::connections_opened_total, 1, label_of(options.transport));
    ensure(uv_tcp_open(&connection.socket_, fd) == 0);
    connection.name_peer(peer);
    const uint64_t now_ms = uv_now(&loop_);
    if (all_.size() > options_.connections_max) {
        Connection* const other = unverified_.evictable(now_ms);
        if (other == nullptr) return connection.refuse(Code::too_many_connections);
        other->evict();
    }
    unverified_.add(connection, now_ms);
    if (options.tls != nullptr && !plain_buffer_)
        plain_buffer_.reset(new char[read_buffer_bytes + body_padding]{});
    connection.start();
    const Millis wait = options_.defer ? options_.defer() : Millis(0);
    if (wait == Millis(0)) return;
    connection.deferred_ = true;
    connection.throttle(wait);
}

bool ConnectionTable::shake_hands() {
    const auto next = [this]() -> std::deque<Connection*>* {
        if (!in_turn_.empty()) return &in_turn_;
        return hellos_.empty() || !may_shake_hands() ? nullptr : &hellos_;
    };
    if (next() == nullptr) return false;
    const int64_t until_us = clock_.steady_us() + handshakes_us;
    while (auto* const queue = next()) {
        Connection& connection = *queue->front();
        queue->pop_front();
        connection.shake_hands();
        if (clock_.steady_us() >= until_us) return next() != nullptr;
    }
    return false;
}

bool ConnectionTable::may_shake_hands() {
    if (handshakes_.size() < options_.handshakes_max) return true;
    Connection* const oldest = handshakes_.evictable(uv_now(&loop_));
    if (oldest == nullptr) return false;
    oldest->end_handshake(Code::tls_timeout);
    return true;
}

bool ConnectionTable::admit(Connection& connection) {
    if (options_.connections_per_address_max == 0) return true;
    size_t& count = of_network_[network_of_peer(connection)];
    if (count == options_.connections_per_address_max) return false;
    ++count;
    connection.counted_ = true;
    return true;
}

void ConnectionTable::let_go(const Connection& connection) {
    const auto found = of_network_.find(network_of_peer(connection));
    if (--found->second == 0) of_network_.erase(found);
}

// The committer may free slots, and the worker fill them again, within one turn of the loop. So the
// queue may hold acknowledgements of slots that are durable by now. Without these there is room:
// each of the others stands for a row of its own in a slot that is not durable.
void ConnectionTable::make_room_for_ack() {
    if (acks_.full() && options_.durable) settle(options_.durable());
}

void ConnectionTable::settle(uint64_t durable) {
    const int64_t now_us = acks_.empty() ? 0 : clock_.steady_us();
    while (!acks_.empty() && acks_.front().slot < durable) {
        const PendingAck ack = acks_.front();
        acks_.pop();
        shard_.add(Metric::checkins_accepted_total, ack.checkins,
                   label_of(ack.connection->listen_.transport));
        shard_.observe(Metric::ack_seconds, now_us - ack.received_us);
        ack.connection->release(ack.end);
    }
}

// A flush may take requests that were kept, and these may make room in acks_: released_ grows then.
void ConnectionTable::release_replies(uint64_t durable) {
    settle(durable);
    for (size_t at = 0; at < released_.size(); ++at) {
        Connection& connection = *released_[at];
        connection.released_now_ = false;
        if (connection.state_ < Connection::State::closing) connection.flush();
        forget_if_done(connection);
    }
    released_.clear();
}

void ConnectionTable::resume_paused() {
    going_on_.swap(paused_);
    for (Connection* connection : going_on_) {
        connection->paused_ = false;
        if (!connection->is_open()) continue;
        connection->session_->on_resume();
        connection->go_on();
        if (connection->waiting_ == 0) connection->flush();
        connection->update_reading();
        if (connection->tls_) connection->open_sealed({});  // Its end may have come.
    }
    going_on_.clear();
}

// From the back: of those that are still to be looked at none moves, when another leaves, to where
// it was done already.
void ConnectionTable::begin_sweep() {
    if (sweep_at_ == 0) sweep_at_ = all_.size();
}

bool ConnectionTable::sweep() {
    const uint64_t now_ms = uv_now(&loop_);
    sweep_at_ = std::min(sweep_at_, all_.size());
    for (size_t looks = 0; looks < sweep_step && sweep_at_ > 0; ++looks)
        all_[--sweep_at_]->look(now_ms);
    return sweep_at_ > 0;
}

void ConnectionTable::drain_all() {
    stopping_ = true;
    for (auto& connection : all_) {
        if (connection->is_open() && connection->session_) connection->session_->on_shutdown();
        connection->close_after_replies(Linger::if_unread);
    }
}

// Answers whose slots are not on disk by now are never sent.
void ConnectionTable::close_all() {
    stopping_ = true;
    for (; !acks_.empty(); acks_.pop()) {
        Connection& connection = *acks_.front().connection;
        --connection.waiting_;
        forget_if_done(connection);
    }
    for (Connection* connection : released_) {
        connection->released_now_ = false;
        forget_if_done(*connection);
    }
    released_.clear();
    for (auto& connection : all_) connection->close();
}

void ConnectionTable::forget_if_done(Connection& connection) {
    const bool referenced = connection.waiting_ > 0 || connection.released_now_;
    if (connection.state_ == Connection::State::closed && !referenced) forget(connection);
}

void ConnectionTable::forget(Connection& connection) {
    all_.back()->index_ = connection.index_;
    std::swap(all_[connection.index_], all_.back());
    all_.pop_back();
}

}  // namespace rollcall
