// Loop: a libuv loop with what every loop of the daemon has: its clients, the sockets it listens
// on, a wake-up from other threads, and a sweep of deadlines once a second.
//
// Who connects while the process can open no other file, or has no memory for a socket, waits in
// the kernel's queue until the next sweep: to look again at once would be to look all the time.
//
// A turn of the loop ends with some TLS handshakes, a step of the sweep, if one is under way, and
// in on_turn: there a worker publishes its slot and sends the answers that have become durable.
//
// Threads: all on the loop's own, but wake(), which anyone may call.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <vector>

#include "daemon/net/connection.h"

namespace rollcall {

class Loop {
public:
    Loop(const Clock& clock, MetricShard& shard, const ConnectionTable::Options& options,
         std::function<void()> on_turn);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Takes over a listening socket.
    void listen(int fd, ListenOptions options);
    void stop_listening();

    void wake() { uv_async_send(&wake_); }

    // Runs until stop(), then until every handle is closed.
    void run();
    // What is there to be done now, without waiting: for tests.
    void step() { uv_run(&loop_, UV_RUN_NOWAIT); }
    void stop();

    [[nodiscard]] ConnectionTable& connections() { return connections_; }
    [[nodiscard]] uv_loop_t& uv() { return loop_; }

private:
    struct Listener {
        Loop& loop;
        ListenOptions options;
        int fd;
        bool waits = false;  // Until the next sweep.
        uv_poll_t poll{};
    };

    void watch(Listener& listener);
    void accept(Listener& listener);
    void wait_for_room(Listener& listener, int why);
    void sweep();

    // A member before connections_, so that the loop is there when they are made.
    struct UvLoop : uv_loop_t {
        UvLoop() { ensure(uv_loop_init(this) == 0); }
    };

    UvLoop loop_;
    MetricShard& shard_;
    uv_async_t wake_{};
    uv_check_t turn_{};
    uv_timer_t sweep_{};
    std::function<void()> on_turn_;
    ConnectionTable connections_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    bool crowded_ = false;  // Some listener waits, or did since the last sweep.
};

}  // namespace rollcall
