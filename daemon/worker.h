// Worker: a thread with an event loop, its own sockets, its own clients and its own Intake. The
// Intake puts check-ins into slots (buffers of rows), which the committer writes to disk
// (pipeline/ingest/intake.h).
//
//   a turn:   read requests and packets, decode them into the open slot
//             send the responses whose slots have become durable
//             pass the slot to the committer
//
// Stop: the worker accepts no new clients and reads no more input. It closes each connection when
// the connection's responses are sent. A response is sent only when its check-in is durable, so the
// committer must still run. The worker also waits until it has passed its last slot to the
// committer. After drain_timeout_max it closes all connections.
//
// Threads: the constructor, listen(), start(), begin_stop() and join() belong to main. Any thread
// may call wake(), heartbeat() and ack_times(). All other functions belong to the worker's thread.
#pragma once

#include <random>
#include <thread>

#include "config/settings.h"
#include "daemon/http/checkins.h"
#include "daemon/http/replies.h"
#include "daemon/mqtt/sessions.h"
#include "daemon/net/loop.h"
#include "daemon/net/refusals.h"
#include "daemon/net/trusted_proxies.h"
#include "daemon/overload/liveness.h"
#include "daemon/security/credentials.h"
#include "daemon/shared_state.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/heartbeat.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class Worker {
public:
    // No other worker may use this intake and this shard.
    Worker(const Settings& settings, const Clock& clock, SharedState& shared, Intake& intake,
           MetricShard& shard);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Takes over a listening socket. Call before start(). tls: nullptr if the clients speak plain
    // text.
    void listen(int fd, Transport transport, TlsContext* tls = nullptr);
    void start();
    // Runs a turn of the event loop in the caller's thread without waiting. For tests, instead of
    // start().
    void step() { loop_.step(); }
    // Tells the worker that some of its slots have become durable.
    void wake() { loop_.wake(); }
    // Call begin_stop() for all workers first, then join() for each.
    void begin_stop();
    void join();

    // Each turn of the loop is a step of the heartbeat. A turn begins at least once a second.
    [[nodiscard]] const Heartbeat& heartbeat() const { return heartbeat_; }
    [[nodiscard]] const AckTimes& ack_times() const { return loop_.connections().ack_times(); }

private:
    void on_turn();
    void acknowledge();
    void stop_step();
    void publish_observations();
    [[nodiscard]] ConnectionTable::Options connection_options(SharedState& shared);
    [[nodiscard]] Millis defer();
    [[nodiscard]] IngestContext ingest_context(SharedState& shared);

    const Settings& settings_;
    Intake& intake_;
    const OverloadState& overload_;
    std::minstd_rand random_;
    const Clock& clock_;
    Liveness liveness_;
    Credentials credentials_;
    TrustedProxies trusted_proxies_;
    Refusals refusals_;
    Replies replies_;
    Checkins checkins_;
    HttpSession::Limits http_limits_;
    MqttSessions mqtt_;
    Heartbeat heartbeat_;
    Cursor stopping_;             // Advanced once, by main, to make the worker stop.
    int64_t stop_before_us_ = 0;  // Deadline of the stop; 0 until the stop begins.
    int64_t published_us_ = 0;    // Time of the last Intake::publish_observations().
    Loop loop_;
    std::thread thread_;
};

}  // namespace rollcall
