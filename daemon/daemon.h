// Daemon: every thread's owner. Starts them in the order a check-in goes backwards, so that nothing
// is accepted before it can be made durable, and stops them in the order a check-in goes.
//
//   start:  spool and sinks -> deliveries, committer -> sockets -> workers -> READY=1
//   stop:   STOPPING=1 -> workers (answer what is durable) -> committer -> deliveries
//
//   reload: SIGHUP -> files that are named in the settings are read again
//
// A failure that breaks a promise (error.h, Action::halt) ends the process at once: what was not
// yet acknowledged never is.
//
// Threads: main.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "daemon/admin/admin.h"
#include "daemon/clock_watch.h"
#include "daemon/net/listener.h"
#include "daemon/net/loop.h"
#include "daemon/net/tls_context.h"
#include "daemon/overload/controller.h"
#include "daemon/overload/last_seen.h"
#include "daemon/reload.h"
#include "daemon/security/credentials.h"
#include "daemon/worker.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/files.h"
#include "pipeline/pipeline.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

// The exit status when the settings, or the files that they name, are wrong: EX_CONFIG of
// sysexits.h. systemd is told not to start the daemon again.
constexpr int exit_settings = 78;

// Where the spool and the SQLite file live.
[[nodiscard]] std::string state_dir_of(const Settings& settings);

class Daemon {
public:
    Daemon(const Settings& settings, std::string_view version);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Serves until SIGTERM or SIGINT. The exit status of the process.
    [[nodiscard]] int run();

private:
    struct Signals;

    [[nodiscard]] bool read_files();
    [[nodiscard]] bool start();
    [[nodiscard]] bool listen(const std::vector<std::string>& addresses, std::string_view what,
                              size_t each, const std::function<void(const ListeningSockets&)>& use);
    [[nodiscard]] std::vector<std::string> health_messages() const;
    void on_turn();
    void on_signal();
    void reload();
    void stop();

    const Settings settings_;
    std::string_view version_;
    std::string state_dir_;
    Clock clock_;
    Files files_;
    MetricShard shard_;  // Main's.
    Replies replies_;
    Admin admin_;
    HttpSession::Limits admin_limits_;
    OverloadController overload_;
    ClockWatch clock_watch_;
    LastSeen last_seen_;
    MqttClients mqtt_clients_;
    TlsContext tls_;
    CredentialFiles credential_files_;
    Quotas quotas_;
    std::vector<std::unique_ptr<MetricShard>> worker_shards_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<SinglestoreWatch> watch_;  // If check-ins go to a pipeline of SingleStore's.
    std::vector<std::unique_ptr<Worker>> workers_;
    ReloadableFiles reloads_;
    Loop loop_;  // Admin's clients, the signals, and what is done once a second.
    std::unique_ptr<Signals> signals_;
};

}  // namespace rollcall
