// Loop: a libuv loop with its connections, its listening sockets, a handle by which other threads
// wake it, and a timer that checks deadlines once a second.
//
// At the end of each turn the loop runs some TLS handshakes. Then it checks the deadlines of some
// connections if a sweep is not finished (ConnectionTable::sweep()). Finally it calls on_turn().
//
// If the process can open no more files, or has no memory for a socket, the loop stops accepting
// until the timer runs, because retrying at once would keep the loop busy. In the meantime clients
// wait in the kernel's queue.
//
// Threads: the loop's own, except for wake(), which any thread may call.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

#include "daemon/net/connection_table.h"

namespace rollcall {

class Loop {
public:
    Loop(const Clock& clock, MetricShard& shard, const ConnectionTable::Options& options,
         std::function<void()> on_turn);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Accepts clients from a listening socket, which the loop takes over.
    void listen(int fd, ListenOptions options);
    void stop_listening();

    void wake() { uv_async_send(&wake_); }

    // Runs until stop() is called, then until every handle is closed.
    void run();
    // Handles the events that are ready now, without waiting; for tests.
    void step() { uv_run(&loop_, UV_RUN_NOWAIT); }
    void stop();

    [[nodiscard]] ConnectionTable& connections() { return connections_; }
    [[nodiscard]] const ConnectionTable& connections() const { return connections_; }
    [[nodiscard]] uv_loop_t& uv() { return loop_; }

private:
    struct Listener {
        Loop& loop;
        ListenOptions options;
        int fd;
        bool paused = false;  // Accepts no clients until the next sweep.
        uv_poll_t poll{};
    };

    void watch(Listener& listener);
    void accept(Listener& listener);
    void pause_accepting(Listener& listener, int os_errno);
    void sweep();

    // A separate type, because the loop must be initialized before connections_.
    struct UvLoop : uv_loop_t {
        UvLoop() { ensure(uv_loop_init(this) == 0); }
    };

    UvLoop loop_;
    MetricShard& shard_;
    uv_async_t wake_{};
    uv_check_t end_of_turn_{};
    uv_timer_t sweep_timer_{};
    std::function<void()> on_turn_;
    ConnectionTable connections_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    bool accepting_paused_ = false;  // A listener is paused, or the last sweep has resumed one.
};

}  // namespace rollcall
