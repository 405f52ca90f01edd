#include "bench/load_stream.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "bench/load_run.h"

namespace rollcall::load {

namespace {

constexpr int gather_ms_max = 10'000;
constexpr size_t connections_per_source = 10'000;

}  // namespace

std::unique_ptr<SSL_CTX, CloseTls> make_tls_context(int version) {
    std::unique_ptr<SSL_CTX, CloseTls> context(SSL_CTX_new(TLS_client_method()));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), version) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), version) != 1)
        give_up("OpenSSL cannot be set up");
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return context;
}

bool Stream::open(const sockaddr_in& target, SSL_CTX* context, bool resets, size_t number) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) give_up(fmt::format("socket: {}", std::generic_category().message(errno)));
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (number >= connections_per_source) {
        sockaddr_in source{};
        source.sin_family = AF_INET;
        source.sin_addr.s_addr =
            htonl(INADDR_LOOPBACK + static_cast<uint32_t>(number / connections_per_source));
        setsockopt(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(socket_, reinterpret_cast<const sockaddr*>(&source), sizeof source) < 0)
            return false;
    }
    const linger reset{.l_onoff = 1, .l_linger = 0};
    if (resets) setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (context != nullptr) {
        tls_.reset(SSL_new(context));
        if (!tls_ || SSL_set_fd(tls_.get(), socket_) != 1) give_up("OpenSSL makes no connection");
        SSL_set_connect_state(tls_.get());
        if (session_) SSL_set_session(tls_.get(), session_.get());
    }
    const auto* address = reinterpret_cast<const sockaddr*>(&target);
    return ::connect(socket_, address, sizeof target) == 0 || errno == EINPROGRESS;
}

void Stream::close() {
    tls_.reset();
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

ssize_t Stream::fail_with_errno() {
    if (errno == EAGAIN) return 0;
    why_ = std::generic_category().message(errno);
    return -1;
}

// Converts a result of OpenSSL to one of send(): returns a positive result unchanged, 0 if the call
// would block, and -1 with why_ set if the connection has failed.
int Stream::tls_result(int result) {
    if (result > 0) return result;
    const int error = SSL_get_error(tls_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
    const char* reason = ERR_reason_error_string(ERR_get_error());
    why_ = reason != nullptr ? reason : "the server closed a connection";
    ERR_clear_error();
    return -1;
}

int Stream::advance() { return tls_ ? tls_result(SSL_do_handshake(tls_.get())) : 1; }

ssize_t Stream::send(const char* bytes, size_t count) {
    if (tls_) return tls_result(SSL_write(tls_.get(), bytes, static_cast<int>(count)));
    const ssize_t sent = ::send(socket_, bytes, count, MSG_NOSIGNAL);
    return sent >= 0 ? sent : fail_with_errno();
}

ssize_t Stream::receive(char* bytes, size_t room) {
    if (tls_) return tls_result(SSL_read(tls_.get(), bytes, static_cast<int>(room)));
    const ssize_t got = ::recv(socket_, bytes, room, 0);
    if (got > 0) return got;
    if (got < 0) return fail_with_errno();
    why_ = "the server closed a connection";
    return -1;
}

void Stream::gather(const sockaddr_in& target, SSL_CTX* context, size_t number) {
    int done = open(target, context, true, number) ? advance() : -1;
    while (done == 0) {
        const bool writes = SSL_want_write(tls_.get());
        pollfd waiting{socket_, static_cast<short>(writes ? POLLOUT : POLLIN), 0};
        done = poll(&waiting, 1, gather_ms_max) > 0 ? advance() : -1;
    }
    session_.reset(done == 1 ? SSL_get1_session(tls_.get()) : nullptr);
    if (!session_ || SSL_SESSION_is_resumable(session_.get()) != 1)
        give_up(fmt::format("the server gave no session to resume: {}", why_));
    close();
}

}  // namespace rollcall::load
