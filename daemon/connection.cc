#include "daemon/connection.h"

#include <arpa/inet.h>

#include <algorithm>

#include "daemon/tls.h"
#include "pipeline/decode.h"

namespace rollcall {

namespace {

constexpr size_t read_buffer_bytes = 64 * 1024;
constexpr size_t buffer_bytes = 1024;  // As lent; it may grow.
constexpr size_t buffers_kept_max = 4096;
constexpr size_t buffer_kept_bytes_max = 16 * 1024;
constexpr Millis linger_time{2000};
constexpr int64_t handshakes_us = 1000;  // In a turn of the loop.
constexpr uint64_t never = UINT64_MAX;

Connection& connection_of(void* data) { return *static_cast<Connection*>(data); }

}  // namespace

// --- one connection ---

struct Connection::Secure {
    Secure(TlsContext& context, Transport transport, const Connections::MakeSession& for_later)
        : tls(context, transport), make_session(for_later) {}

    Tls tls;
    const Connections::MakeSession& make_session;  // For when the handshake is done.
};

Connection::Connection(Connections& all, Transport transport)
    : all_(all), transport_(transport), deadline_ms_(never) {
    ensure(uv_tcp_init(&all.loop_, &socket_) == 0);
    socket_.data = this;
    write_.data = this;
}

Connection::~Connection() { ensure(state_ == State::closed); }

void Connection::start() {
    read_peer();
    update_reading();
}

void Connection::read_peer() {
    sockaddr_storage address{};
    int length = sizeof address;
    uv_tcp_getpeername(&socket_, reinterpret_cast<sockaddr*>(&address), &length);
    if (address.ss_family == AF_INET) {
        uv_ip4_name(reinterpret_cast<sockaddr_in*>(&address), peer_.data(), peer_.size());
    } else if (address.ss_family == AF_INET6) {
        const auto& six = reinterpret_cast<sockaddr_in6&>(address);
        // An IPv4 client of a dual-stack socket is known by its IPv4 address.
        if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
            inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], peer_.data(), INET6_ADDRSTRLEN);
        } else {
            uv_ip6_name(&six, peer_.data(), peer_.size());
        }
    }
}

void Connection::on_alloc(uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(connection_of(handle->data).all_.read_buffer_.get(), read_buffer_bytes);
}

void Connection::on_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
    Connection& self = connection_of(stream->data);
    if (count == 0) return;  // Nothing after all.
    if (count > 0) {
        const std::string_view bytes(buffer->base, static_cast<size_t>(count));
        return self.secure_ ? self.read_sealed(bytes) : self.read(bytes);
    }
    if (self.secure_ && !self.session_) return self.end_handshake(Code::tls_cut);
    if (count == UV_EOF) return self.end_of_input();
    self.close();
}

// The client has sent its last byte, and may still read answers.
void Connection::end_of_input() {
    const bool something_to_say = waiting_ > 0 || writing_ || secure_;
    if (!open() || !something_to_say) return close();
    finish(false);
}

void Connection::read(std::string_view bytes) {
    if (!open()) return;  // Lingering: what still comes is thrown away.
    if (input_.empty()) {
        feed(bytes);
        keep(bytes);
    } else {
        input_.append(bytes);
        go_on();
    }
    if (waiting_ == 0) flush();
}

void Connection::feed(std::string_view& bytes) {
    if (open() && !paused_) session_->receive(bytes);
}

void Connection::keep(std::string_view bytes) {
    if (bytes.empty() || !open()) return;
    lend(input_);
    input_.assign(bytes);
}

// Feeds the session with what was kept.
void Connection::go_on() {
    input_.reserve(input_.size() + body_padding);
    std::string_view bytes = input_;
    feed(bytes);
    input_.erase(0, input_.size() - bytes.size());
    if (input_.empty()) give_back(input_);
}

void Connection::read_sealed(std::string_view bytes) {
    if (!open()) return;
    if (session_) return open_sealed(bytes);
    lend(input_);
    input_.append(bytes);
    in_turn_ = true;
    (secure_->tls.begun() ? all_.in_turn_ : all_.hellos_).push_back(this);
    update_reading();
}

void Connection::open_sealed(std::string_view bytes) {
    Tls& tls = secure_->tls;
    while (open()) {
        const size_t plain = tls.open(bytes, {all_.plain_buffer_.get(), read_buffer_bytes});
        if (plain == 0) break;
        read({all_.plain_buffer_.get(), plain});
    }
    flush();
    if (const auto fault = tls.fault(); fault && open()) {
        all_.slab_.add(Metric::checkins_rejected_total, 1, label_of(transport_, *fault));
        return close();
    }
    // What came before the end may still wait for the ring.
    if (tls.ended() && !paused_) return end_of_input();
    update_reading();
}

// In its turn.
void Connection::shake_hands() {
    in_turn_ = false;
    if (!open()) return;
    std::string kept = std::exchange(input_, {});
    std::string_view sealed = kept;
    lend(secure_->tls.outgoing());
    if (!secure_->tls.begun()) ++all_.handshakes_;
    const auto done = secure_->tls.shake_hands(sealed);
    if (!done) {
        end_handshake(done.error().code);
    } else if (*done) {
        all_.slab_.add(
            Metric::tls_handshakes_total, 1,
            label_of(secure_->tls.resumed() ? TlsHandshake::resumed : TlsHandshake::full));
        --all_.handshakes_;
        session_ = secure_->make_session(*this);
        open_sealed(sealed);
    } else {
        flush();
    }
    give_back(kept);
    update_reading();
}

// All that is to be sent now.
std::string_view Connection::seal(std::string_view plain) {
    Tls& tls = secure_->tls;
    if (!plain.empty()) lend(tls.outgoing());
    tls.seal(plain);
    return tls.outgoing();
}

void Connection::end_handshake(Code fault) {
    if (open() && (secure_->tls.begun() || in_turn_)) {
        all_.slab_.add(Metric::tls_handshakes_total, 1, label_of(TlsHandshake::failed));
        all_.slab_.add(Metric::checkins_rejected_total, 1, label_of(transport_, fault));
    }
    if (!open() || secure_->tls.outgoing().empty()) return close();
    finish(true);  // Behind the alert.
    set_deadline(linger_time);
}

void Connection::expire() {
    if (session_) return session_->expire();
    end_handshake(Code::tls_timeout);
}

std::string_view Connection::certified() const {
    return secure_ ? secure_->tls.certified() : std::string_view();
}

void Connection::lend(std::string& buffer) { all_.lend(buffer); }
void Connection::give_back(std::string& buffer) { all_.give_back(buffer); }

void Connection::pause() {
    ensure(!paused_);
    paused_ = true;
    all_.paused_.push_back(this);
    update_reading();
}

void Connection::update_reading() {
    const size_t sealed = secure_ ? secure_->tls.outgoing().size() : 0;
    const bool choked = output_.size() + sending_.size() + sealed > all_.options_.output_bytes_max;
    const bool wanted = state_ == State::lingering || (open() && !paused_ && !choked && !in_turn_);
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
    lend(output_);
    output_.append(bytes);
    if (waiting_ == 0) may_send_ = said();
}

void Connection::reply_when_durable(uint64_t slot, size_t checkins, std::string_view bytes) {
    lend(output_);
    output_.append(bytes);
    ++waiting_;
    all_.acks_.push({slot, this, said(), static_cast<uint32_t>(checkins), all_.clock_.steady_us()});
    update_reading();
}

void Connection::release(uint64_t end) {
    --waiting_;
    if (state_ >= State::closing) return;
    may_send_ = waiting_ == 0 ? said() : end;
    if (released_now_) return;
    released_now_ = true;
    all_.released_.push_back(this);
}

void Connection::flush() {
    if (writing_ || state_ >= State::closing) return;
    std::string_view bytes(output_.data() + (sent_ - output_at_), may_send_ - sent_);
    if (secure_) bytes = seal(bytes);
    sent_ = may_send_;
    if (!bytes.empty()) {
        const uv_buf_t buffer =
            uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
        const int written = uv_try_write(reinterpret_cast<uv_stream_t*>(&socket_), &buffer, 1);
        if (written < 0 && written != UV_EAGAIN) return close();
        if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
        if (!bytes.empty()) return write_rest(bytes);
        if (secure_) give_back(secure_->tls.outgoing());
    }
    if (sent_ == said()) {
        output_at_ = sent_;
        give_back(output_);
        update_reading();
    }
    end_if_done();
}

// The socket's buffer is full: libuv sends the rest when it can, from memory that must not move.
void Connection::write_rest(std::string_view rest) {
    sending_.assign(rest);
    if (secure_) give_back(secure_->tls.outgoing());
    output_.erase(0, sent_ - output_at_);
    output_at_ = sent_;
    writing_ = true;
    const uv_buf_t buffer = uv_buf_init(sending_.data(), static_cast<unsigned>(sending_.size()));
    auto* stream = reinterpret_cast<uv_stream_t*>(&socket_);
    if (uv_write(&write_, stream, &buffer, 1, on_written) != 0) return close();
    update_reading();
}

void Connection::on_written(uv_write_t* request, int status) {
    Connection& self = connection_of(request->data);
    self.writing_ = false;
    self.sending_ = {};
    if (status < 0) return self.close();
    self.flush();
}

void Connection::finish(bool linger) {
    if (!open()) return;
    state_ = State::finishing;
    linger_ = linger;
    deadline_ms_ = never;
    update_reading();
    if (waiting_ == 0) flush();
}

void Connection::end_if_done() {
    const bool all_sent = waiting_ == 0 && !writing_ && output_.empty();
    if (state_ != State::finishing || !all_sent) return;
    if (secure_ && secure_->tls.say_end()) return flush();
    if (!linger_) return close();
    state_ = State::lingering;
    set_deadline(linger_time);
    int fd = -1;
    if (uv_fileno(reinterpret_cast<uv_handle_t*>(&socket_), &fd) == 0) shutdown(fd, SHUT_WR);
    update_reading();
}

void Connection::close() {
    if (state_ >= State::closing) return;
    state_ = State::closing;
    if (session_ && !all_.stopping_) session_->closed();
    uv_close(reinterpret_cast<uv_handle_t*>(&socket_), on_closed);
}

void Connection::on_closed(uv_handle_t* handle) {
    Connection& self = connection_of(handle->data);
    self.state_ = State::closed;
    self.all_.slab_.add(Metric::connections, -1, label_of(self.transport_));
    self.give_back(self.input_);
    self.give_back(self.output_);
    std::erase(self.all_.paused_, &self);
    std::erase(self.all_.hellos_, &self);
    std::erase(self.all_.in_turn_, &self);
    if (self.secure_ && self.secure_->tls.begun() && !self.session_) --self.all_.handshakes_;
    if (self.waiting_ == 0) self.all_.forget(self);
}

void Connection::set_deadline(Millis from_now) {
    deadline_ms_ = uv_now(&all_.loop_) + static_cast<uint64_t>(from_now.count());
}

// --- all of them ---

Connections::Connections(uv_loop_t& loop, const Clock& clock, Slab& slab, Options options)
    : loop_(loop),
      clock_(clock),
      slab_(slab),
      options_(options),
      read_buffer_(new char[read_buffer_bytes + body_padding]{}) {}

Connections::~Connections() { ensure(all_.empty()); }

void Connections::accept(uv_stream_t& listener, Transport transport,
                         const MakeSession& make_session, TlsContext* tls) {
    all_.push_back(std::make_unique<Connection>(*this, transport));
    Connection& connection = *all_.back();
    connection.index_ = all_.size() - 1;
    slab_.add(Metric::connections, 1, label_of(transport));
    slab_.add(Metric::connections_opened_total, 1, label_of(transport));
    auto* stream = reinterpret_cast<uv_stream_t*>(&connection.socket_);
    if (uv_accept(&listener, stream) != 0) return connection.close();
    if (all_.size() > options_.connections_max) {
        slab_.add(Metric::checkins_rejected_total, 1,
                  label_of(transport, Code::too_many_connections));
        return connection.close();
    }
    if (tls != nullptr) {
        if (!plain_buffer_) plain_buffer_.reset(new char[read_buffer_bytes + body_padding]{});
        connection.secure_ = std::make_unique<Connection::Secure>(*tls, transport, make_session);
        connection.set_deadline(tls->handshake_timeout_max());
    } else {
        connection.session_ = make_session(connection);
    }
    connection.start();
}

bool Connections::shake_hands() {
    const auto next = [this]() -> std::deque<Connection*>* {
        if (!in_turn_.empty()) return &in_turn_;
        return hellos_.empty() || handshakes_ >= options_.handshakes_max ? nullptr : &hellos_;
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

void Connections::release(uint64_t durable) {
    const int64_t now_us = acks_.empty() ? 0 : clock_.steady_us();
    while (!acks_.empty() && acks_.front().slot < durable) {
        const Ack ack = acks_.front();
        acks_.pop();
        slab_.add(Metric::checkins_accepted_total, ack.checkins,
                  label_of(ack.connection->transport_));
        slab_.observe(Metric::ack_seconds, now_us - ack.received_us);
        ack.connection->release(ack.end);
        if (ack.connection->state_ == Connection::State::closed && ack.connection->waiting_ == 0)
            forget(*ack.connection);
    }
    for (Connection* connection : released_) {
        connection->released_now_ = false;
        connection->flush();
    }
    released_.clear();
}

void Connections::resume() {
    going_on_.swap(paused_);
    for (Connection* connection : going_on_) {
        connection->paused_ = false;
        if (!connection->open()) continue;
        connection->session_->resume();
        connection->go_on();
        if (connection->waiting_ == 0) connection->flush();
        connection->update_reading();
        if (connection->secure_) connection->open_sealed({});  // Its end may have come.
    }
    going_on_.clear();
}

void Connections::sweep() {
    const uint64_t now = uv_now(&loop_);
    for (auto& connection : all_) {
        if (connection->deadline_ms_ > now) continue;
        connection->deadline_ms_ = never;
        if (connection->open()) {
            connection->expire();
            connection->flush();
        } else {
            connection->close();
        }
    }
}

void Connections::finish_all() {
    stopping_ = true;
    for (auto& connection : all_) {
        if (connection->open() && connection->session_) connection->session_->stopping();
        connection->finish(false);
    }
}

void Connections::close_all() {
    stopping_ = true;
    for (auto& connection : all_) connection->close();
}

void Connections::lend(std::string& buffer) {
    if (buffer.capacity() >= buffer_bytes) return;
    if (buffers_.empty()) return buffer.reserve(buffer_bytes);
    buffer = std::move(buffers_.back());
    buffers_.pop_back();
}

void Connections::give_back(std::string& buffer) {
    buffer.clear();
    const size_t capacity = buffer.capacity();
    if (capacity < buffer_bytes) return;
    if (capacity <= buffer_kept_bytes_max && buffers_.size() < buffers_kept_max)
        buffers_.push_back(std::move(buffer));
    buffer = std::string();
}

void Connections::forget(Connection& connection) {
    all_.back()->index_ = connection.index_;
    std::swap(all_[connection.index_], all_.back());
    all_.pop_back();
}

}  // namespace rollcall
