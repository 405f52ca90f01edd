#include "daemon/daemon.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "daemon/open_files.h"
#include "daemon/service_manager.h"
#include "pipeline/base/error.h"
#include "pipeline/base/log.h"
#include "sinks/make_sinks.h"

namespace rollcall {

namespace {

constexpr size_t admin_connections_max = 256;
constexpr size_t admin_output_bytes_max = 8 << 20;

ConnectionTable::Options admin_options(const Settings& settings) {
    ConnectionTable::Options options(settings);
    options.connections_max = admin_connections_max;
    options.connections_per_address_max = 0;
    options.output_bytes_max = admin_output_bytes_max;
    return options;
}

size_t workers_of(const Settings& settings) {
    if (settings.general.workers > 0) return settings.general.workers;
    return std::max(1U, std::thread::hardware_concurrency());
}

// As far as the process may open files.
Settings within_limits(Settings settings) {
    const uint64_t files = open_files::raise_limit();
    auto& connections_max = settings.general.connections_max;
    const uint64_t most =
        open_files::connections_of_worker(connections_max, workers_of(settings), files);
    if (most < connections_max)
        log(LogLevel::warning,
            "a worker holds {} connections, not connections_max: the process may open {} files",
            most, files);
    connections_max = most;
    return settings;
}

// Not exit(): other threads still run, and nothing they do may look like success.
void halt(const Error& error) {
    log(LogLevel::error, "stopping at once: {}", describe(error));
    std::_Exit(EXIT_FAILURE);
}

}  // namespace

// systemd.exec(5), StateDirectory=: one path, or several with colons between.
std::string state_dir_of(const Settings& settings) {
    if (!settings.general.state_dir.empty()) return settings.general.state_dir;
    const char* given = std::getenv("STATE_DIRECTORY");
    if (given == nullptr || *given == '\0') return "rollcall-data";
    const std::string_view paths = given;
    return std::string(paths.substr(0, paths.find(':')));
}

// The signals that mean stop or reload, as something to read from. They are blocked, also in the
// threads that start after this: no handler ever runs, and one that comes before the loop turns is
// not lost. Source: signalfd(2).
struct Daemon::Signals {
    Signals() {
        sigemptyset(&all);
        sigaddset(&all, SIGTERM);
        sigaddset(&all, SIGINT);
        sigaddset(&all, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
        ensure(fd >= 0);
    }
    ~Signals() { close(fd); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    sigset_t all{};
    int fd = -1;
    uv_poll_t poll{};
};

Daemon::Daemon(const Settings& settings, std::string_view version)
    : settings_(within_limits(settings)),
      version_(version),
      state_dir_(state_dir_of(settings)),
      replies_(clock_),
      admin_(replies_, clock_, version_),
      admin_limits_(settings),
      overload_(settings),
      clock_watch_(clock_),
      last_seen_(settings.replies.sites_max),
      mqtt_clients_(settings.mqtt.sessions_max),
      tls_(settings, clock_),
      credential_files_(settings),
      quotas_(settings),
      loop_(clock_, shard_, admin_options(settings), [this] { on_turn(); }),
      signals_(std::make_unique<Signals>()) {}

Daemon::~Daemon() = default;

int Daemon::run() {
    std::signal(SIGPIPE, SIG_IGN);
    if (!read_files()) return exit_settings;
    if (!start()) return EXIT_FAILURE;
    admin_.set_reason_not_ready({});
    service_manager::ready();
    log(LogLevel::notice, "rollcalld {} takes check-ins", version_);
    loop_.run();
    log(LogLevel::notice, "stopped");
    return EXIT_SUCCESS;
}

// Those that the settings name.
bool Daemon::read_files() {
    const auto credentials = [this]() -> std::expected<void, std::string> {
        const auto loaded = credential_files_.load();
        if (!loaded) return std::unexpected(describe(loaded.error()));
        for (const auto& warning : credential_files_.warnings())
            log(LogLevel::warning, "{}", warning);
        return {};
    };
    return reloads_.begin(credentials) &&
           reloads_.begin([this]() -> std::expected<void, std::string> {
               if (auto loaded = tls_.load(); !loaded)
                   return std::unexpected(describe(loaded.error()));
               return {};
           });
}

bool Daemon::start() {
    if (const auto made = files_.make_directories(state_dir_); !made) {
        log(LogLevel::error, "{}: {}", state_dir_, describe(made.error()));
        return false;
    }
    std::vector<MetricShard*> shards;
    for (size_t i = 0; i < workers_of(settings_); ++i)
        shards.push_back(worker_shards_.emplace_back(std::make_unique<MetricShard>()).get());
    pipeline_ = std::make_unique<Pipeline>(files_, clock_, settings_, state_dir_ + "/spool",
                                           make_sinks(settings_, state_dir_), shards, halt);
    for (size_t i = 0; i < shards.size(); ++i) {
        workers_.push_back(std::make_unique<Worker>(settings_, pipeline_->intake(i), overload_,
                                                    last_seen_, mqtt_clients_, credential_files_,
                                                    quotas_, clock_, *shards[i]));
        pipeline_->on_durable(i, [worker = workers_.back().get()] { worker->wake(); });
    }
    if (const auto opened = pipeline_->open(); !opened) {
        log(LogLevel::error, "{}/spool: {}", state_dir_, describe(opened.error()));
        return false;
    }
    pipeline_->start();
    MetricShards shown = pipeline_->shards();
    shown.insert(shown.end(), shards.begin(), shards.end());
    overload_.watch(shown);
    shown.push_back(&overload_.shard());
    shown.push_back(&clock_watch_.shard());
    shown.push_back(&mqtt_clients_.shard());
    shown.push_back(&tls_.shard());
    shown.push_back(&reloads_.shard());
    if (std::ranges::find(settings_.general.sinks, "kafka") != settings_.general.sinks.end()) {
        watch_ = std::make_unique<SinglestoreWatch>(
            settings_, clock_, [shards = pipeline_->shards()]() -> std::optional<int64_t> {
                int64_t end = 0;  // Of the sink that knows it, while its brokers are up.
                for (const MetricShard* shard : shards)
                    end += shard->read(Metric::kafka_topic_end_messages, 0);
                return end > 0 ? std::optional(end) : std::nullopt;
            });
        shown.push_back(&watch_->shard());
    }
    admin_.watch(std::move(shown));
    admin_.ask_for_health_messages([this] { return health_messages(); });
    admin_.ask_for_pipeline(
        [this] { return watch_ ? std::optional(watch_->status()) : std::nullopt; });

    const auto to_workers = [this](Transport transport, TlsContext* tls = nullptr) {
        return [this, transport, tls](const ListeningSockets& listening) {
            for (size_t i = 0; i < workers_.size(); ++i)
                workers_[i]->listen(listening.fds[i], transport, tls);
        };
    };
    const auto to_admin = [this](const ListeningSockets& listening) {
        loop_.listen(listening.fds.front(), {Transport::http, [this](Connection& connection) {
                                                 return std::make_unique<HttpSession>(
                                                     connection, admin_, replies_, admin_limits_);
                                             }});
    };
    const size_t each = workers_.size();
    const bool listening =
        listen(settings_.http.listen, "http", each, to_workers(Transport::http)) &&
        listen(settings_.mqtt.listen, "mqtt", each, to_workers(Transport::mqtt)) &&
        listen(settings_.http.tls_listen, "https", each, to_workers(Transport::http, &tls_)) &&
        listen(settings_.mqtt.tls_listen, "mqtts", each, to_workers(Transport::mqtt, &tls_)) &&
        listen(settings_.admin.listen, "admin", 1, to_admin);
    if (!listening) {
        pipeline_->stop();
        return false;
    }
    for (auto& worker : workers_) worker->start();
    if (watch_) watch_->start();

    ensure(uv_poll_init(&loop_.uv(), &signals_->poll, signals_->fd) == 0);
    signals_->poll.data = this;
    uv_poll_start(&signals_->poll, UV_READABLE,
                  [](uv_poll_t* poll, int, int) { static_cast<Daemon*>(poll->data)->on_signal(); });
    return true;
}

bool Daemon::listen(const std::vector<std::string>& addresses, std::string_view what, size_t each,
                    const std::function<void(const ListeningSockets&)>& use) {
    for (const auto& address : addresses) {
        const auto listening = listen_on(address, each);
        if (!listening) {
            log(LogLevel::error, "{}: {}", what, describe(listening.error()));
            return false;
        }
        use(*listening);
        log(LogLevel::info, "listening on {} ({})", listening->address, what);
    }
    return true;
}

std::vector<std::string> Daemon::health_messages() const {
    std::vector<std::string> all = pipeline_->health_messages();
    if (std::string sentence = watch_ ? watch_->health_message().text() : ""; !sentence.empty())
        all.push_back(std::move(sentence));
    for (auto& trouble : reloads_.health_messages()) all.push_back(std::move(trouble));
    return all;
}

// At least once a second.
void Daemon::on_turn() {
    const int64_t now_us = clock_.steady_us();
    overload_.measure(now_us);
    clock_watch_.measure();
    if (mqtt_clients_.drop_expired(now_us / 1'000'000)) loop_.wake();
}

void Daemon::on_signal() {
    signalfd_siginfo signal{};
    if (read(signals_->fd, &signal, sizeof signal) != sizeof signal) return;
    if (signal.ssi_signo == SIGHUP) return reload();
    stop();
}

void Daemon::reload() {
    service_manager::reloading(clock_.steady_us());
    reloads_.read_again();
    log(LogLevel::notice, "reloaded");
    service_manager::ready();
}

void Daemon::stop() {
    log(LogLevel::notice, "stopping");
    service_manager::stopping();
    if (watch_) watch_->begin_stop();  // Both may have to wait for one database.
    for (auto& worker : workers_) worker->begin_stop();
    for (auto& worker : workers_) worker->join();
    pipeline_->stop();
    if (watch_) watch_->join();
    uv_close(reinterpret_cast<uv_handle_t*>(&signals_->poll), nullptr);
    loop_.stop();
}

}  // namespace rollcall
