#include "daemon/loop.h"

namespace rollcall {

namespace {

constexpr uint64_t sweep_ms = 1000;

template <class Handle>
void close_handle(Handle& handle) {
    auto* any = reinterpret_cast<uv_handle_t*>(&handle);
    if (!uv_is_closing(any)) uv_close(any, nullptr);
}

}  // namespace

Loop::Loop(const Clock& clock, Slab& slab, const Connections::Options& options,
           std::function<void()> on_turn)
    : on_turn_(std::move(on_turn)), connections_(loop_, clock, slab, options) {
    ensure(uv_async_init(&loop_, &wake_, [](uv_async_t*) {}) == 0);
    uv_check_init(&loop_, &turn_);
    uv_timer_init(&loop_, &sweep_);
    turn_.data = this;
    sweep_.data = this;
    uv_check_start(&turn_, [](uv_check_t* check) {
        auto& self = *static_cast<Loop*>(check->data);
        if (self.connections_.shake_hands()) self.wake();
        self.on_turn_();
    });
    uv_timer_start(
        &sweep_, [](uv_timer_t* timer) { static_cast<Loop*>(timer->data)->connections_.sweep(); },
        sweep_ms, sweep_ms);
}

// A loop that never ran still has handles to close.
Loop::~Loop() {
    end();
    uv_run(&loop_, UV_RUN_DEFAULT);
    ensure(uv_loop_close(&loop_) == 0);
}

void Loop::listen(int fd, Door door) {
    listeners_.push_back(std::make_unique<Listener>(Listener{*this, std::move(door), {}}));
    Listener& listener = *listeners_.back();
    listener.socket.data = &listener;
    ensure(uv_tcp_init(&loop_, &listener.socket) == 0);
    ensure(uv_tcp_open(&listener.socket, fd) == 0);
    const auto on_client = [](uv_stream_t* stream, int status) {
        auto& self = *static_cast<Listener*>(stream->data);
        if (status == 0) self.loop.connections_.accept(*stream, self.door);
    };
    // The socket listens already; what is asked for here is to be told.
    ensure(uv_listen(reinterpret_cast<uv_stream_t*>(&listener.socket), SOMAXCONN, on_client) == 0);
}

void Loop::stop_listening() {
    for (auto& listener : listeners_) close_handle(listener->socket);
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::end() {
    stop_listening();
    connections_.close_all();
    close_handle(wake_);
    close_handle(turn_);
    close_handle(sweep_);
}

}  // namespace rollcall
