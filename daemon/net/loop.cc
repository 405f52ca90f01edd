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
constexpr int accepts_max = 64;  // In a turn: whoever is connected is served between.

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
    uv_check_init(&loop_, &turn_);
    uv_timer_init(&loop_, &sweep_);
    turn_.data = this;
    sweep_.data = this;
    uv_check_start(&turn_, [](uv_check_t* check) {
        auto& self = *static_cast<Loop*>(check->data);
        const bool hands_left = self.connections_.shake_hands();
        if (self.connections_.sweep() || hands_left) self.wake();
        self.on_turn_();
    });
    uv_timer_start(
        &sweep_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->sweep(); }, sweep_ms,
        sweep_ms);
}

// A loop that never ran still has handles to close.
Loop::~Loop() {
    stop();
    uv_run(&loop_, UV_RUN_DEFAULT);
    ensure(uv_loop_close(&loop_) == 0);
}

// Not uv_listen(): out of files, libuv 1.44 closes whom it accepts by a descriptor that it keeps in
// reserve, uncounted, and if another thread takes that, it tries for ever.
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
        const int why = errno;
        if (why == EAGAIN) return;
        // Else it is one connection's trouble, over before it was accepted: accept(2).
        if (why == EMFILE || why == ENFILE || why == ENOBUFS || why == ENOMEM)
            return wait_for_room(listener, why);
    }
}

void Loop::wait_for_room(Listener& listener, int why) {
    uv_poll_stop(&listener.poll);
    shard_.add(Metric::accept_pauses_total);
    listener.waits = true;
    if (!crowded_)
        log(LogLevel::warning, "no connection can be accepted ({}); who connects waits",
            std::strerror(why));
    crowded_ = true;
}

void Loop::sweep() {
    connections_.begin_sweep();
    if (!crowded_) return;
    crowded_ = false;
    for (auto& listener : listeners_) {
        if (!std::exchange(listener->waits, false) || listener->fd < 0) continue;
        crowded_ = true;
        watch(*listener);
    }
    if (!crowded_) log(LogLevel::notice, "connections are accepted again");
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
    close_handle(turn_);
    close_handle(sweep_);
}

}  // namespace rollcall
