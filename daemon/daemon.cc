#include "daemon/daemon.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include "config/cross_checks.h"
#include "daemon/net/listener.h"
#include "daemon/open_files.h"
#include "daemon/processors.h"
#include "daemon/security/fingerprint_key.h"
#include "pipeline/base/error.h"
#include "pipeline/base/log.h"
#include "sinks/make_sinks.h"

namespace rollcall {

namespace {

constexpr size_t admin_connections_max = 256;
// Times added to the limits of a stop. drain_grace exists because a worker checks its limit only
// once a second. stop_grace is for closing the sinks after the deliveries have ended.
constexpr Millis drain_grace{2000};
constexpr Millis stop_grace{1000};

ConnectionTable::Options admin_options(const Settings& settings, MemoryBudget& memory) {
    ConnectionTable::Options options(settings);
    options.connections_max = admin_connections_max;
    options.connections_per_address_max = 0;
    options.memory = &memory;
    options.memory_use = MemoryUse::admin;
    return options;
}

size_t workers_of(const Settings& settings) {
    if (settings.general.workers > 0) return settings.general.workers;
    return usable_processors();
}

// Reduces connections_max to the number of connections that the limit of open files permits.
Settings within_limits(Settings settings) {
    const uint64_t files = open_files::raise_limit();
    auto& connections_max = settings.general.connections_max;
    const uint64_t most = open_files::connections_within(connections_max, files);
    if (most < connections_max)
        log(LogLevel::warning,
            {.message = "connections_max: reduced, because the limit of open files is too low",
             .details = {{"from", connections_max}, {"to", most}, {"open_files_max", files}},
             .note = "raise LimitNOFILE= of the service"});
    connections_max = most;
    return settings;
}

// While the disk is full, the daemon checks for room once in each room_interval. The first of every
// attempts_between_lines checks writes a log line.
constexpr std::chrono::seconds room_interval{1};
constexpr int64_t attempts_between_lines = 600;

bool is_full_disk(const Error& error) {
    return error.code == Code::disk_full || error.os_errno == ENOSPC || error.os_errno == EDQUOT;
}

// Makes the process end if printing the message of an uncaught exception blocks: SIGALRM arrives a
// second after the exception (alarm(2)).
void limit_terminate() {
    static const std::terminate_handler report = std::get_terminate();
    std::set_terminate([] {
        alarm(1);
        report();
    });
}

// Binds each address, with one socket for each of `count` workers, and passes the sockets to use().
Result<void> listen_on_all(const List& addresses, std::string_view protocol, size_t count,
                           const std::function<void(const ListeningSockets&)>& use) {
    for (const auto& address : addresses) {
        const auto sockets = listen_on(address, count);
        if (!sockets) return std::unexpected(in_context(protocol, sockets.error()));
        use(*sockets);
        log(LogLevel::info, {.message = "listening",
                             .details = {{"protocol", protocol}, {"address", sockets->address}}});
    }
    return {};
}

}  // namespace

// Source: systemd.exec(5), StateDirectory=. $STATE_DIRECTORY holds one path, or several separated
// by colons.
std::string state_dir_of(const Settings& settings) {
    if (!settings.general.state_dir.empty()) return settings.general.state_dir;
    const char* given = std::getenv("STATE_DIRECTORY");
    if (given == nullptr || *given == '\0') return "rollcall-data";
    const std::string_view paths = given;
    return std::string(paths.substr(0, paths.find(':')));
}

Daemon::Daemon(const Settings& settings, std::string_view version, std::string config_file)
    : log_writer_(STDERR_FILENO, settings.general.log_queue_size_max.count),
      signals_(clock_, [this](std::string_view reason) { end_at_once(reason); }),
      settings_(within_limits(settings)),
      version_(version),
      config_file_(std::move(config_file)),
      state_dir_(state_dir_of(settings)),
      replies_(clock_),
      admin_(replies_, clock_, version_),
      admin_limits_(settings),
      shared_(settings),
      overload_(settings, shared_.overload),
      clock_watch_(clock_),
      file_watch_(clock_, watched_paths(settings)),
      tls_(settings, clock_),
      loop_(clock_, shard_, admin_options(settings, shared_.memory), [this] { on_turn(); }) {}

Daemon::~Daemon() = default;

int Daemon::run() {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);  // A write beyond RLIMIT_FSIZE then fails with EFBIG.
    limit_terminate();
    const auto refuse = [](const Error& error, int status) {
        log(LogLevel::error, "cannot start: {}", describe(error));
        return status;
    };
    if (const auto read = read_files(); !read) return refuse(read.error(), exit_settings);
    const auto made = wait_for_room([this] { return make_state_directory(); });
    if (!made) return refuse(made.error(), EXIT_FAILURE);
    const auto key = wait_for_room([this] { return load_fingerprint_key(); });
    if (!key) return refuse(key.error(), exit_settings);
    if (const auto started = start(); !started) return refuse(started.error(), EXIT_FAILURE);
    service_manager_.ready();
    log_ready();
    loop_.run();
    log(LogLevel::notice, "stopped");
    return EXIT_SUCCESS;
}

void Daemon::log_ready() const {
    LogEvent event{
        .message = "ready",
        .details = {{"version", version_},
                    {"config", config_file_.empty() ? "none" : config_file_},
                    {"state", state_dir_},
                    {"sinks", fmt::format("{}", fmt::join(settings_.general.sinks, ","))},
                    {"auth", settings_.auth.mode}}};
    for (const Listeners& listening : listeners_)
        event.details.emplace_back(listening.protocol, listening.addresses);
    log(LogLevel::notice, event);
}

// --- start ---

// Repeats a step of the start until the disk has room for it. A stop signal during the wait ends
// the process.
Result<void> Daemon::wait_for_room(const std::function<Result<void>()>& step) {
    for (int64_t attempts = 0;; ++attempts) {
        auto done = step();
        if (done || !is_full_disk(done.error())) {
            if (attempts > 0) log(LogLevel::notice, "start: the disk has room again");
            return done;
        }
        if (attempts % attempts_between_lines == 0)
            log(LogLevel::warning, "start: waiting until the disk has room: {}",
                describe(done.error()));
        service_manager_.waiting("waiting until the disk has room");
        std::this_thread::sleep_for(room_interval);
    }
}

Result<void> Daemon::read_files() {
    const auto remember_versions = [this]() -> Result<void> {
        file_watch_.remember();
        return {};
    };
    if (auto done = reloads_.add(remember_versions); !done) return done;
    const auto read_credentials = [this] {
        auto loaded = shared_.credential_files.load();
        if (loaded)
            for (const auto& warning : shared_.credential_files.warnings())
                log(LogLevel::warning, "{}", warning);
        return loaded;
    };
    if (auto read = reloads_.add(read_credentials); !read) return read;
    if (auto read = reloads_.add([this] { return read_admin_token_file(); }); !read) return read;
    for (const auto& warning : plaintext_warnings(settings_)) log(LogLevel::warning, "{}", warning);
    return reloads_.add([this] { return tls_.load(); });
}

Result<void> Daemon::read_admin_token_file() {
    const std::string& path = settings_.admin.token_file;
    if (path.empty()) return {};
    const auto digest = read_admin_token(path);
    if (!digest) return std::unexpected(digest.error());
    admin_.require_token(*digest, settings_);
    return {};
}

Result<void> Daemon::make_state_directory() {
    if (const auto made = files_.make_directories(state_dir_); !made)
        return std::unexpected(in_context("state_dir", made.error()));
    return {};
}

Result<void> Daemon::load_fingerprint_key() {
    const std::string& shared = settings_.delivery.fingerprint_key_file;
    const auto key =
        shared.empty() ? own_fingerprint_key(state_dir_) : read_fingerprint_key(shared);
    if (!key) return std::unexpected(key.error());
    fingerprint_key_ = *key;
    return {};
}

Result<void> Daemon::start() {
    const auto opened = wait_for_room([this] {
        clear_pipeline();  // A failed attempt leaves a part of the spool open.
        build_pipeline();
        build_workers();
        return open_spool();
    });
    if (!opened) return opened;
    watch_overload();
    if (auto listening = listen(); !listening) return listening;
    watch_threads();
    show_pages();
    signals_.serve([this] { loop_.wake(); });
    start_threads();
    return {};
}

void Daemon::clear_pipeline() {
    workers_.clear();
    pipeline_.reset();
    watch_.reset();
    worker_shards_.clear();
}

void Daemon::build_pipeline() {
    std::vector<MetricShard*> shards;
    for (size_t i = 0; i < workers_of(settings_); ++i)
        shards.push_back(worker_shards_.emplace_back(std::make_unique<MetricShard>()).get());
    std::vector<NamedSink> sinks = make_sinks(settings_, state_dir_);
    if (auto topic_end = topic_end_of(sinks))
        watch_ = std::make_unique<SinglestoreWatch>(settings_, clock_, std::move(topic_end));
    pipeline_ = std::make_unique<Pipeline>(
        files_, clock_, settings_,
        Pipeline::Options{.spool_directory = state_dir_ + "/spool",
                          .sinks = std::move(sinks),
                          .worker_shards = std::move(shards),
                          .fingerprint_key = fingerprint_key_,
                          .on_halt = [this](const Error& error) { halt(error); }});
}

void Daemon::build_workers() {
    for (size_t i = 0; i < worker_shards_.size(); ++i) {
        workers_.push_back(std::make_unique<Worker>(settings_, clock_, shared_,
                                                    pipeline_->intake(i), *worker_shards_[i]));
        pipeline_->on_durable(i, [worker = workers_.back().get()] { worker->wake(); });
    }
}

Result<void> Daemon::open_spool() {
    if (const auto opened = pipeline_->open(); !opened)
        return std::unexpected(in_context(state_dir_ + "/spool", opened.error()));
    return {};
}

void Daemon::watch_overload() {
    std::vector<const AckTimes*> ack_times;
    for (const auto& worker : workers_) ack_times.push_back(&worker->ack_times());
    overload_.watch({.spool_load = [this] { return pipeline_->load(); },
                     .ack_times = std::move(ack_times),
                     .process_bytes = [] { return process_bytes(); },
                     .client_memory = &shared_.memory});
}

Result<void> Daemon::listen() {
    const auto& http = settings_.http;
    const auto& mqtt = settings_.mqtt;
    if (auto done = listen_for_checkins(http.listen, "http", Transport::http, nullptr); !done)
        return done;
    if (auto done = listen_for_checkins(mqtt.listen, "mqtt", Transport::mqtt, nullptr); !done)
        return done;
    if (auto done = listen_for_checkins(http.tls_listen, "https", Transport::http, &tls_); !done)
        return done;
    if (auto done = listen_for_checkins(mqtt.tls_listen, "mqtts", Transport::mqtt, &tls_); !done)
        return done;
    if (auto done = listen_for_operators(settings_.admin.listen, "admin", nullptr); !done)
        return done;
    return listen_for_operators(settings_.admin.tls_listen, "admin_tls", &tls_);
}

Result<void> Daemon::listen_for_checkins(const List& addresses, std::string_view protocol,
                                         Transport transport, TlsContext* tls) {
    return listen_on_all(addresses, protocol, workers_.size(), [&](const auto& sockets) {
        note_listener(protocol, sockets.address);
        for (size_t i = 0; i < workers_.size(); ++i)
            workers_[i]->listen(sockets.fds[i], transport, tls);
    });
}

Result<void> Daemon::listen_for_operators(const List& addresses, std::string_view protocol,
                                          TlsContext* tls) {
    return listen_on_all(addresses, protocol, 1, [this, protocol, tls](const auto& sockets) {
        note_listener(protocol, sockets.address);
        loop_.listen(sockets.fds.front(), {.transport = Transport::http,
                                           .make_session =
                                               [this](Connection& connection) {
                                                   return std::make_unique<HttpSession>(
                                                       connection, admin_, replies_, admin_limits_);
                                               },
                                           .tls = tls});
    });
}

// Keeps an address for the log line that says that the daemon is ready.
void Daemon::note_listener(std::string_view protocol, std::string_view address) {
    if (listeners_.empty() || listeners_.back().protocol != protocol)
        listeners_.push_back({protocol, std::string(address)});
    else
        listeners_.back().addresses.append(",").append(address);
}

void Daemon::start_threads() {
    pipeline_->start();
    for (auto& worker : workers_) worker->start();
    if (watch_) watch_->start();
    reloads_.start([this] { file_watch_.measure(); }, [this] { loop_.wake(); });
}

void Daemon::watch_threads() {
    using enum ThreadWatch::Role;
    for (size_t i = 0; i < workers_.size(); ++i)
        thread_watch_.add(fmt::format("worker {}", i), worker, workers_[i]->heartbeat());
    thread_watch_.add("committer", committer, std::as_const(*pipeline_).committer().heartbeat());
    for (const auto& [sink, heartbeat] : pipeline_->deliveries())
        thread_watch_.add(fmt::format("sink {}", to_text(sink)), delivery, *heartbeat);
}

// Connects the admin pages to the parts whose state they show.
void Daemon::show_pages() {
    const auto pipeline = [this] {
        return watch_ ? std::optional(watch_->status()) : std::nullopt;
    };
    admin_.show({.shards = shards(),
                 .readiness = [this] { return readiness(); },
                 .health_messages = [this] { return health_messages(); },
                 .sinks = [this] { return pipeline_->sinks(); },
                 .pipeline = pipeline,
                 .observations = [this] { return pipeline_->observations(); }});
}

// Returns all metric shards except that of main's loop. That loop serves only the admin pages, and
// the clients of these pages are not counted.
MetricShards Daemon::shards() const {
    MetricShards all = pipeline_->shards();
    for (const auto& shard : worker_shards_) all.push_back(shard.get());
    for (const MetricShard* shard :
         {&log_writer_.shard(), &thread_watch_.shard(), &overload_.shard(), &clock_watch_.shard(),
          &shared_.mqtt_clients.shard(), &tls_.shard(), &reloads_.shard()})
        all.push_back(shard);
    if (watch_) all.push_back(&watch_->shard());
    return all;
}

std::vector<std::string> Daemon::health_messages() const {
    std::vector<std::string> all = thread_watch_.health_messages();
    for (auto& message : pipeline_->health_messages()) all.push_back(std::move(message));
    if (std::string message = watch_ ? watch_->health_message().text() : ""; !message.empty())
        all.push_back(std::move(message));
    for (auto& message : file_watch_.health_messages()) all.push_back(std::move(message));
    for (auto& message : reloads_.health_messages()) all.push_back(std::move(message));
    return all;
}

Readiness Daemon::readiness() const {
    const bool stuck = thread_watch_.has_stuck(ThreadWatch::Role::worker) ||
                       thread_watch_.has_stuck(ThreadWatch::Role::committer);
    return readiness_of(pipeline_->load(), overload_.last(), stuck);
}

// --- operation ---

// Called by the loop at least once a second.
void Daemon::on_turn() {
    if (stopped_) return;
    const int64_t now_us = clock_.steady_us();
    overload_.measure(now_us);
    clock_watch_.measure();
    if (thread_watch_.measure(now_us)) {
        pipeline_->measure_health();
        notify_watchdog();
    }
    if (shared_.mqtt_clients.drop_expired(now_us / 1'000'000)) loop_.wake();
    obey_signals();
}

// Notifies the watchdog unless a thread is stuck. A committer that waits for the disk does not
// count as stuck, because a restart would not make the disk faster.
void Daemon::notify_watchdog() {
    service_manager_.retry();
    const bool stuck =
        thread_watch_.has_stuck(ThreadWatch::Role::worker) ||
        (thread_watch_.has_stuck(ThreadWatch::Role::committer) && !pipeline_->load().sync_began_us);
    if (!stuck) service_manager_.alive();
}

void Daemon::obey_signals() {
    if (signals_.stop_requested()) return stop();
    if (reloads_.try_end_reload()) {
        log_reload();
        service_manager_.ready();
    }
    if (!reloads_.is_reloading() && reloads_begun_ != signals_.reloads_requested()) begin_reload();
}

void Daemon::log_reload() const {
    const size_t failed = reloads_.health_messages().size();
    if (failed == 0)
        log(LogLevel::notice, "reload: complete");
    else
        log(LogLevel::warning, {.message = "reload: incomplete",
                                .details = {{"errors", failed}},
                                .note = "the lines above name the files with errors. All files of "
                                        "the same section ([auth], [tls] or [admin]) keep their "
                                        "previous contents until a reload succeeds"});
}

void Daemon::begin_reload() {
    reloads_begun_ = signals_.reloads_requested();
    service_manager_.reloading(clock_.steady_us());
    reloads_.begin_reload();
}

// Ends the process without exit(), because other threads are still running and may use any object.
void Daemon::end(int status) {
    log_writer_.flush();
    std::_Exit(status);
}

void Daemon::halt(const Error& error) {
    log(LogLevel::error, "exiting immediately: {}", describe(error));
    end(EXIT_FAILURE);
}

// Called by the thread of Signals.
void Daemon::end_at_once(std::string_view reason) {
    const std::string busy = thread_watch_.in_step();
    LogEvent event{
        .message = fmt::format("exiting before everything is stored, because {}", reason),
        .note = "the next start stores what is left in the spool"};
    if (!busy.empty()) event.details.emplace_back("busy", busy);
    log(LogLevel::warning, event);
    end(EXIT_SUCCESS);
}

// --- stop ---

void Daemon::stop() {
    log(LogLevel::notice, "stopping");
    service_manager_.stopping();
    if (watch_) watch_->begin_stop();  // Its thread ends while the workers stop.
    stop_workers();
    stop_pipeline();
    stopped_ = true;
    loop_.stop();
}

void Daemon::stop_workers() {
    signals_.end_after(settings_.general.drain_timeout_max + drain_grace);
    for (auto& worker : workers_) worker->begin_stop();
    for (auto& worker : workers_) worker->join();
}

// The time limit that this function sets also covers the destructors of the sinks, which run later.
void Daemon::stop_pipeline() {
    signals_.end_after(settings_.delivery.stop_timeout_max + stop_grace);
    pipeline_->stop();
    if (watch_) watch_->join();
    reloads_.stop();
    thread_watch_.forget_all();
}

}  // namespace rollcall
