#include "daemon/worker.h"

namespace rollcall {

Worker::Worker(const Settings& settings, Intake& intake, const Pace& pace, LastSeen& last_seen,
               MqttClients& mqtt_clients, const Clock& clock, Slab& slab)
    : settings_(settings),
      intake_(intake),
      clock_(clock),
      liveness_(intake, last_seen, slab),
      replies_(clock),
      checkins_(settings, intake, replies_, pace, last_seen, liveness_, clock, slab),
      http_limits_{settings.http.header_size_max.count,
                   settings.http.body_size_max.count,
                   std::max(settings.http.body_size_max, settings.http.batch_size_max).count,
                   settings.http.request_timeout_max,
                   settings.http.idle_timeout_max,
                   settings.http.raw_spaces_in_target},
      mqtt_(settings, mqtt_clients, intake, liveness_, clock, slab, [this] { wake(); }),
      loop_(clock, slab,
            {settings.general.connections_max, settings.general.output_size_max.count,
             settings.tls.handshakes_max},
            [this] { on_turn(); }) {}

Worker::~Worker() { ensure(!thread_.joinable()); }

void Worker::listen(int fd, Transport transport, TlsContext* tls) {
    const auto http = [this](Connection& connection) -> std::unique_ptr<Session> {
        return std::make_unique<HttpSession>(connection, checkins_, replies_, http_limits_);
    };
    const auto mqtt = [this](Connection& connection) -> std::unique_ptr<Session> {
        return mqtt_.make(connection);
    };
    if (transport == Transport::http) {
        loop_.listen(fd, transport, http, tls);
    } else {
        loop_.listen(fd, transport, mqtt, tls);
    }
}

void Worker::start() {
    thread_ = std::thread([this] { loop_.run(); });
}

void Worker::on_turn() {
    loop_.connections().release(intake_.durable());
    mqtt_.turn();
    if (intake_.has_room()) loop_.connections().resume();
    intake_.publish();
    if (stopping_.read() != 0) stop_step();
}

void Worker::stop_step() {
    const int64_t now = clock_.steady_us();
    if (stop_before_us_ == 0) {
        stop_before_us_ = now + settings_.general.drain_timeout_max.count() * 1000;
        loop_.stop_listening();
        loop_.connections().finish_all();
    }
    // The sweep turns the loop at least once a second.
    const bool done = loop_.connections().empty() && intake_.handed_over();
    if (!done && now < stop_before_us_) return;
    mqtt_.close();
    loop_.end();
}

void Worker::begin_stop() {
    stopping_.advance(1);
    loop_.wake();
}

void Worker::join() { thread_.join(); }

}  // namespace rollcall
