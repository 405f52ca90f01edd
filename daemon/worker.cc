#include "daemon/worker.h"

namespace rollcall {

Worker::Worker(const Settings& settings, const Clock& clock, SharedState& shared, Intake& intake,
               MetricShard& shard)
    : settings_(settings),
      intake_(intake),
      overload_(shared.overload),
      clock_(clock),
      liveness_(intake, shared.last_seen, shard),
      credentials_(settings, shared.credential_files, clock),
      trusted_proxies_(settings.http.trusted_proxies),
      refusals_(clock, shard),
      replies_(clock, &shared.overload),
      checkins_(ingest_context(shared), replies_, shared.overload, shared.last_seen),
      http_limits_(settings),
      mqtt_(ingest_context(shared), shared.mqtt_clients, [this] { wake(); }),
      loop_(clock, shard, connection_options(shared), [this] { on_turn(); }) {}

IngestContext Worker::ingest_context(SharedState& shared) {
    return {.settings = settings_,
            .clock = clock_,
            .intake = intake_,
            .liveness = liveness_,
            .credentials = credentials_,
            .quotas = shared.quotas,
            .refusals = refusals_};
}

ConnectionTable::Options Worker::connection_options(SharedState& shared) {
    ConnectionTable::Options options(settings_);
    options.open_connections = &shared.connections;
    options.memory = &shared.memory;
    options.overload_delay = [this] { return defer(); };
    options.durable = [this] { return intake_.durable(); };
    options.on_input_max = [this] { acknowledge(); };
    return options;
}

Worker::~Worker() { ensure(!thread_.joinable()); }

void Worker::listen(int fd, Transport transport, TlsContext* tls) {
    ListenOptions options{.transport = transport, .make_session = {}, .tls = tls};
    if (transport == Transport::http) {
        options.make_session = [this](Connection& connection) {
            return std::make_unique<HttpSession>(connection, checkins_, replies_, http_limits_);
        };
        options.proxy_protocol = settings_.http.proxy_protocol;
        options.proxy_header_timeout_max = settings_.http.request_timeout_max;
        if (!trusted_proxies_.empty()) options.trusted_proxies = &trusted_proxies_;
    } else {
        options.make_session = [this](Connection& connection) { return mqtt_.make(connection); };
        options.proxy_protocol = settings_.mqtt.proxy_protocol;
        options.proxy_header_timeout_max = settings_.mqtt.connect_timeout_max;
        options.input_rate_min = {settings_.mqtt.connect_timeout_max,
                                  settings_.mqtt.packet_rate_min.count};
    }
    loop_.listen(fd, std::move(options));
}

// Returns how long a new client must wait because of overload. The time is random, so that not all
// new clients are served in the same turn.
Millis Worker::defer() {
    if (!overload_.overloaded()) return Millis(0);
    const auto most = static_cast<uint64_t>(settings_.general.overload_wait_max.count());
    return Millis(1 + (most == 0 ? 0 : random_() % most));
}

void Worker::start() {
    heartbeat_.begin_step();
    thread_ = std::thread([this] {
        name_this_thread("worker");
        loop_.run();
        heartbeat_.end_step();
    });
}

// Each turn is a step of the heartbeat and includes the wait for clients. This wait lasts at most a
// second, because a timer wakes the loop once a second (net/loop.h).
void Worker::on_turn() {
    heartbeat_.next_step();
    acknowledge();
    publish_observations();
    if (stopping_.read() != 0) stop_step();
}

// Sends the acknowledgements that are due, and passes the decoded rows to the committer.
void Worker::acknowledge() {
    loop_.connections().release_replies(intake_.durable());
    mqtt_.on_turn();
    if (intake_.has_room()) loop_.connections().resume_paused();
    intake_.publish();
}

// Publishes the statistics about unknown keys and warnings once a second, because copying them in
// each turn would be slow.
void Worker::publish_observations() {
    constexpr int64_t interval_us = 1'000'000;
    const int64_t now = clock_.steady_us();
    if (now < published_us_ + interval_us) return;
    published_us_ = now;
    intake_.publish_observations();
}

void Worker::stop_step() {
    const int64_t now = clock_.steady_us();
    if (stop_before_us_ == 0) {
        stop_before_us_ = now + settings_.general.drain_timeout_max.count() * 1000;
        loop_.stop_listening();
        loop_.connections().drain_all();
    }
    // This line runs at least once a second, because a timer wakes the loop.
    const bool done = loop_.connections().empty() && intake_.handed_over();
    if (!done && now < stop_before_us_) return;
    mqtt_.close();
    loop_.stop();
}

void Worker::begin_stop() {
    stopping_.advance(1);
    loop_.wake();
}

void Worker::join() { thread_.join(); }

}  // namespace rollcall
