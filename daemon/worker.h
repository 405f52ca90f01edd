// Worker: one thread, one loop, its sockets, its clients, its Intake.
//
//   a turn:   read what came, decode it into the open slot
//             send the answers whose slots have become durable
//             publish the slot
//
// Stop: no new clients, nothing more is read; each client ends when its answers are out. The
// committer must still run, or they never will be; after drain_timeout_max they are cut off. A row
// that nobody waits for is waited for too.
//
// Threads: the constructor, listen(), start() and stop() on main; wake() anyone; the rest on its
// own.
#pragma once

#include <random>
#include <thread>

#include "config/settings.h"
#include "daemon/http/checkins.h"
#include "daemon/http/replies.h"
#include "daemon/mqtt/sessions.h"
#include "daemon/net/loop.h"
#include "daemon/net/refusals.h"
#include "daemon/overload/controller.h"
#include "daemon/overload/last_seen.h"
#include "daemon/overload/liveness.h"
#include "daemon/overload/quotas.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/cursor.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class Worker {
public:
    Worker(const Settings& settings, Intake& intake, const OverloadController& overload,
           LastSeen& last_seen, MqttClients& mqtt_clients, const CredentialFiles& credential_files,
           Quotas& quotas, const Clock& clock, MetricShard& shard);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Before start(). Takes the socket over. tls: what its clients speak it with, or none.
    void listen(int fd, Transport transport, TlsContext* tls = nullptr);
    void start();
    // Instead of start(): a turn in the caller's thread, without waiting. For tests.
    void step() { loop_.step(); }
    // Slots of this worker became durable.
    void wake() { loop_.wake(); }
    // begin_stop() for all workers first, then join() each.
    void begin_stop();
    void join();

private:
    void on_turn();
    void stop_step();
    [[nodiscard]] ConnectionTable::Options connection_options();
    [[nodiscard]] Millis defer();

    const Settings& settings_;
    Intake& intake_;
    const OverloadController& overload_;
    std::minstd_rand random_;
    const Clock& clock_;
    Liveness liveness_;
    Credentials credentials_;
    Refusals refusals_;
    Replies replies_;
    Checkins checkins_;
    HttpSession::Limits http_limits_;
    MqttSessions mqtt_;
    Cursor stopping_;             // Moved once, by main: 1 means drain and return.
    int64_t stop_before_us_ = 0;  // 0 until the stop has begun.
    Loop loop_;
    std::thread thread_;
};

}  // namespace rollcall
