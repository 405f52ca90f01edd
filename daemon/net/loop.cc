#include "daemon/net/loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr uint64_t sweep_ms = 1000;
// Limit for one turn of the loop, so that the clients that are connected do not wait long.
constexpr int accepts_max = 64;

template <class Handle>
void close_handle(Handle& handle) {
    auto* any = reinterpret_cast<uv_handle_t*>(&handle);
    if (!uv_is_closing(any)) uv_close(any, nullptr);
}

}  // namespace

Loop::Loop(const Clock& clock, MetricShard& shard, const ConnectionTable::Options& options,
           std::function<void()> on_turn)
    : shard_(shard), on_turn_(std::move(on_turn)), connections_(loop_, clock, shard, options) {
    ensure(uv_async_init(&loop_, &wake_, [](uv_async_t*) {}) == 0);
    uv_check_init(&loop_, &end_of_turn_);
    uv_timer_init(&loop_, &sweep_timer_);
    end_of_turn_.data = this;
    sweep_timer_.data = this;
    uv_check_start(&end_of_turn_, [](uv_check_t* check) {
        auto& self = *static_cast<Loop*>(check->data);
        const bool handshakes_left = self.connections_.handshakes().run();
        if (self.connections_.sweep() || handshakes_left) self.wake();
        self.on_turn_();
        self.connections_.end_turn();
    });
    uv_timer_start(
        &sweep_timer_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->sweep(); },
        sweep_ms, sweep_ms);
}

// stop() and uv_run() close the handles, which exist even if the loop never ran.
Loop::~Loop() {
    stop();
    uv_run(&loop_, UV_RUN_DEFAULT);
    ensure(uv_loop_close(&loop_) == 0);
}

// Calls accept4() itself, not uv_listen(). When no file descriptor is free, uv_listen() of libuv
// 1.44 accepts each client with a reserved descriptor and closes the connection, so no metric
// counts the client. If another thread takes the reserved descriptor, libuv retries for ever.
void Loop::listen(int fd, ListenOptions options) {
    listeners_.push_back(std::make_unique<Listener>(Listener{*this, std::move(options), fd}));
    Listener& listener = *listeners_.back();
    listener.poll.data = &listener;
    ensure(uv_poll_init(&loop_, &listener.poll, fd) == 0);
    watch(listener);
}

void Loop::watch(Listener& listener) {
    uv_poll_start(&listener.poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
        auto& self = *static_cast<Listener*>(poll->data);
        self.loop.accept(self);
    });
}

void Loop::accept(Listener& listener) {
    for (int accepted = 0; accepted < accepts_max; ++accepted) {
        sockaddr_storage peer{};
        socklen_t length = sizeof peer;
        const int fd = accept4(listener.fd, reinterpret_cast<sockaddr*>(&peer), &length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            connections_.accept(fd, peer, listener.options);
            continue;
        }
        const int os_errno = errno;
        if (os_errno == EAGAIN) return;
        if (os_errno == EMFILE || os_errno == ENFILE || os_errno == ENOBUFS || os_errno == ENOMEM)
            return pause_accepting(listener, os_errno);
        // All other errors belong to one connection that failed before it was accepted (accept(2)),
        // so the loop continues with the next connection.
    }
}

void Loop::pause_accepting(Listener& listener, int os_errno) {
    uv_poll_stop(&listener.poll);
    shard_.add(Metric::accept_pauses_total);
    listener.paused = true;
    if (!accepting_paused_)
        log(LogLevel::warning, "cannot accept connections, clients wait: {}; {}",
            std::strerror(os_errno),
            os_errno == EMFILE   ? "raise LimitNOFILE= of the service"
            : os_errno == ENFILE ? "raise the sysctl fs.file-max"
                                 : "free memory on this machine");
    accepting_paused_ = true;
}

void Loop::sweep() {
    connections_.begin_sweep();
    if (!accepting_paused_) return;
    accepting_paused_ = false;
    for (auto& listener : listeners_) {
        if (!std::exchange(listener->paused, false) || listener->fd < 0) continue;
        accepting_paused_ = true;
        watch(*listener);
    }
    if (!accepting_paused_) log(LogLevel::notice, "accepting connections again");
}

void Loop::stop_listening() {
    for (auto& listener : listeners_) {
        close_handle(listener->poll);
        if (listener->fd >= 0) close(listener->fd);
        listener->fd = -1;
    }
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::stop() {
    stop_listening();
    connections_.close_all();
    close_handle(wake_);
    close_handle(end_of_turn_);
    close_handle(sweep_timer_);
}

}  // namespace rollcall
