// Daemon: owns every thread. A check-in passes through several parts, from a socket to a sink. The
// daemon starts the last part first, so that it accepts no check-in before it can make the check-in
// durable. It stops the parts in the opposite order.
//
//   start:   spool and sinks -> sockets -> deliveries, committer -> workers -> READY=1
//   stop:    STOPPING=1 -> workers (acknowledge durable check-ins) -> committer -> deliveries
//   reload:  SIGHUP -> the daemon reads the files named in the settings again
//
// A stop has two time limits: drain_timeout_max plus 2 s for the workers, then
// delivery.stop_timeout_max plus 1 s for the other threads. When a limit has passed, the process
// ends, even if a thread has not ended.
//
// A failure that breaks a promise (error.h, Action::halt) ends the process at once. A client whose
// check-in is not acknowledged at that moment receives no acknowledgement.
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
#include "daemon/exit_statuses.h"
#include "daemon/file_watch.h"
#include "daemon/net/loop.h"
#include "daemon/net/tls_context.h"
#include "daemon/overload/controller.h"
#include "daemon/reload.h"
#include "daemon/service_manager.h"
#include "daemon/shared_state.h"
#include "daemon/signals.h"
#include "daemon/thread_watch.h"
#include "daemon/worker.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/files.h"
#include "pipeline/base/log_writer.h"
#include "pipeline/pipeline.h"
#include "sinks/singlestore/watch.h"

namespace rollcall {

// Returns the state directory, which contains the spool and, by default, the SQLite file.
[[nodiscard]] std::string state_dir_of(const Settings& settings);

class Daemon {
public:
    // config_file: path of the file with the settings, for the log; empty if the settings are the
    // defaults.
    Daemon(const Settings& settings, std::string_view version, std::string config_file);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Serves until SIGTERM or SIGINT. Returns the exit status of the process.
    [[nodiscard]] int run();

private:
    // The addresses on which the daemon listens for one protocol, separated by commas.
    struct Listeners {
        std::string_view protocol;
        std::string addresses;
    };

    [[nodiscard]] Result<void> read_files();
    [[nodiscard]] Result<void> wait_for_room(const std::function<Result<void>()>& step);
    [[nodiscard]] Result<void> make_state_directory();
    [[nodiscard]] Result<void> load_fingerprint_key();

    [[nodiscard]] Result<void> start();

    // The steps of start(), in this order.
    void clear_pipeline();
    void build_pipeline();
    void build_workers();
    [[nodiscard]] Result<void> open_spool();
    void watch_overload();
    [[nodiscard]] Result<void> listen();
    [[nodiscard]] Result<void> listen_for_checkins(const List& addresses, std::string_view protocol,
                                                   Transport transport, TlsContext* tls);
    [[nodiscard]] Result<void> listen_for_operators(const List& addresses,
                                                    std::string_view protocol, TlsContext* tls);
    [[nodiscard]] Result<void> read_admin_token_file();
    void note_listener(std::string_view protocol, std::string_view address);
    void start_threads();
    void watch_threads();
    void show_pages();

    // stop() calls stop_workers(), then stop_pipeline().
    void stop();
    void stop_workers();
    void stop_pipeline();

    void log_ready() const;
    void log_reload() const;
    void begin_reload();
    void on_turn();
    void notify_watchdog();
    void obey_signals();
    [[noreturn]] void end(int status);
    [[noreturn]] void halt(const Error& error);
    [[noreturn]] void end_at_once(std::string_view reason);

    [[nodiscard]] Readiness readiness() const;
    [[nodiscard]] MetricShards shards() const;
    [[nodiscard]] std::vector<std::string> health_messages() const;

    LogWriter log_writer_;  // Created first and destroyed last, because all other parts log.
    Clock clock_;
    ThreadWatch thread_watch_;
    Signals signals_;
    const Settings settings_;
    std::string_view version_;
    std::string config_file_;
    std::vector<Listeners> listeners_;
    std::string state_dir_;
    ServiceManager service_manager_;
    Files files_;
    MetricShard shard_;  // The metrics of main's loop. The admin pages do not show them.
    Replies replies_;
    Admin admin_;
    HttpSession::Limits admin_limits_;
    SharedState shared_;
    OverloadController overload_;
    ClockWatch clock_watch_;
    FileWatch file_watch_;
    TlsContext tls_;
    KeyedHash::Key fingerprint_key_{};
    std::vector<std::unique_ptr<MetricShard>> worker_shards_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<SinglestoreWatch> watch_;  // Only set if check-ins reach SingleStore through
                                               // Kafka.
    std::vector<std::unique_ptr<Worker>> workers_;
    ReloadableFiles reloads_;
    uint64_t reloads_begun_ = 0;  // signals_.reloads_requested() when the last reload began.
    bool stopped_ = false;
    Loop loop_;  // Serves the admin pages, and calls on_turn() at least once a second.
};

}  // namespace rollcall
