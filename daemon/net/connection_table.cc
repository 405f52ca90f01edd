#include "daemon/net/connection_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/net/network.h"
#include "pipeline/base/shrink.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

constexpr size_t read_buffer_bytes = 64 * 1024;
constexpr size_t sample_max = 128;   // Connections whose networks over_share() compares.
constexpr size_t sample_margin = 8;  // In a partial sample, a smaller excess can be chance.

std::unique_ptr<char[]> make_buffer() {
    return std::unique_ptr<char[]>(new char[read_buffer_bytes + body_padding]{});
}

// Returns the key for counting connections per address: the whole IPv4 address, or the /64 network
// of an IPv6 address. A site gets at least a /64 network from its provider (RFC 6177).
uint64_t network_of_peer(const Connection& connection) {
    return network_of(connection.peer(), 32, 64);
}

class NetworkCounts {
public:
    struct Network {
        uint64_t hash = 0;
        size_t connections = 0;
        Connection* last = nullptr;
    };
    void add(Connection& connection) {
        Network& network = of(network_of_peer(connection));
        ++network.connections;
        network.last = &connection;
    }
    // Returns the entry of the network with this hash. If there is none, adds an entry without
    // connections.
    [[nodiscard]] Network& of(uint64_t hash) {
        size_t at = 0;
        while (at < used_ && networks_[at].hash != hash) ++at;
        if (at == used_) networks_[used_++].hash = hash;
        return networks_[at];
    }
    [[nodiscard]] const Network& largest() const {
        return *std::ranges::max_element(networks_, {}, &Network::connections);
    }

private:
    std::array<Network, sample_max + 1> networks_{};
    size_t used_ = 0;
};

}  // namespace

ConnectionTable::Options::Options(const Settings& settings)
    : connections_max(settings.general.connections_max),
      connections_per_address_max(settings.general.connections_per_address_max),
      output_bytes_max(settings.general.output_size_max.count),
      output_timeout_max(settings.general.output_timeout_max),
      pending_acks_max(settings.general.pending_acks_max),
      handshakes_max(settings.tls.handshakes_max),
      ring_rows_max(settings.ingest.slots_max * settings.ingest.slot_rows_max) {}

ConnectionTable::ConnectionTable(uv_loop_t& loop, const Clock& clock, MetricShard& shard,
                                 Options options)
    : loop_(loop),
      clock_(clock),
      shard_(shard),
      refusals_(clock, shard),
      options_(std::move(options)),
      open_connections_(options_.open_connections != nullptr ? *options_.open_connections
                                                             : own_connections_),
      handshakes_(loop, clock, shard, options_.memory, options_.handshakes_max),
      acks_(options_.ring_rows_max),
      memory_(options_.memory != nullptr ? *options_.memory : own_memory_),
      buffers_(&memory_, options_.memory_use),
      read_buffer_(make_buffer()) {}

ConnectionTable::~ConnectionTable() { ensure(connections_.empty()); }

// --- opening and closing ---

void ConnectionTable::accept(int fd, const sockaddr_storage& peer, const ListenOptions& options) {
    connections_.push_back(std::make_unique<Connection>(*this, options, fd, peer));
    Connection& connection = *connections_.back();
    connection.set_index(static_cast<uint32_t>(connections_.size() - 1));
    shard_.add(Metric::connections, 1, label_of(options.transport));
    shard_.add(Metric::connections_opened_total, 1, label_of(options.transport));
    if (!make_room_for(connection)) return connection.refuse(Code::too_many_connections);
    unauthenticated_.add(connection, now_ms());
    connection.start();
    if (const Millis delay = overload_delay(); delay > Millis(0)) connection.defer(delay);
}

bool ConnectionTable::make_room_for(const Connection& newcomer) {
    const int64_t open = open_connections_.add(1);
    if (open <= static_cast<int64_t>(options_.connections_max)) return true;
    if (Connection* const oldest = unauthenticated_.evictable(now_ms())) {
        oldest->evict(Code::evicted);
        return true;
    }
    Connection* const victim = over_share(newcomer);
    if (victim != nullptr) victim->evict(Code::over_connection_share);
    return victim != nullptr;
}

// Ignores connections that are closing, because they leave the table anyway.
Connection* ConnectionTable::over_share(const Connection& newcomer) {
    NetworkCounts counts;
    const size_t sampled = std::min(connections_.size(), sample_max);
    const size_t step = connections_.size() / sampled;
    for (size_t at = 0; at < sampled; ++at) {
        Connection& connection = *connections_[(sample_at_ + at * step) % connections_.size()];
        if (connection.is_open() && &connection != &newcomer) counts.add(connection);
    }
    ++sample_at_;
    const size_t margin = step == 1 ? 1 : sample_margin;
    const size_t own = counts.of(network_of_peer(newcomer)).connections;
    const NetworkCounts::Network& largest = counts.largest();
    return largest.connections > own + margin ? largest.last : nullptr;
}

bool ConnectionTable::admit(const Connection& connection) {
    if (options_.connections_per_address_max == 0) return true;
    size_t& count = per_network_[network_of_peer(connection)];
    if (count == options_.connections_per_address_max) return false;
    ++count;
    return true;
}

void ConnectionTable::forget_address(const Connection& connection) {
    if (options_.connections_per_address_max == 0) return;
    const auto found = per_network_.find(network_of_peer(connection));
    if (--found->second > 0) return;
    per_network_.erase(found);
    shrink_buckets(per_network_);
}

void ConnectionTable::on_closed(Connection& connection) {
    shard_.add(Metric::connections, -1, label_of(connection.transport()));
    if (connection.is_admitted()) forget_address(connection);
    if (connection.paused()) std::erase(paused_, &connection);
    destroy_if_unreferenced(connection);
}

void ConnectionTable::destroy_if_unreferenced(Connection& connection) {
    if (!connection.is_unreferenced()) return;
    open_connections_.add(-1);
    const uint32_t index = connection.index();
    connections_.back()->set_index(index);
    std::swap(connections_[index], connections_.back());
    connections_.pop_back();
    shrink_capacity(connections_);
}

void ConnectionTable::drain_all() {
    stopping_ = true;
    for (auto& connection : connections_) connection->drain();
}

void ConnectionTable::close_all() {
    stopping_ = true;
    for (; !acks_.empty(); acks_.pop()) {
        Connection& connection = *acks_.front().connection;
        connection.forget_reply();
        destroy_if_unreferenced(connection);
    }
    for (Connection* connection : released_) {
        connection->forget_flush();
        destroy_if_unreferenced(*connection);
    }
    released_.clear();
    for (auto& connection : connections_) connection->close();
}

// --- memory ---

// Returns no memory if the last read was from the same connection, because libuv reads from one
// connection up to 32 times in a row, as long as each read fills its memory. Without memory, libuv
// stops reading. The next turn reads the rest of the input, because epoll then reports the
// connection again.
std::span<char> ConnectionTable::read_buffer(const Connection& connection, size_t bytes_max) {
    if (std::exchange(last_read_, &connection) == &connection) return {};
    const size_t left = turn_read_ < turn_bytes ? turn_bytes - turn_read_ : 0;
    const size_t share = std::clamp(left, read_bytes_min, read_buffer_bytes);
    return {read_buffer_.get(), std::min(share, bytes_max)};
}

void ConnectionTable::count_read(size_t bytes) {
    const size_t before = turn_read_;
    turn_read_ += bytes;
    const bool is_due = turn_read_ / turn_bytes > before / turn_bytes;
    if (is_due && options_.on_input_max) options_.on_input_max();
}

void ConnectionTable::end_turn() {
    last_read_ = nullptr;
    turn_read_ = 0;
}

std::span<char> ConnectionTable::plaintext_buffer() {
    if (!plaintext_buffer_) plaintext_buffer_ = make_buffer();
    return {plaintext_buffer_.get(), read_buffer_bytes};
}

// --- acknowledgements ---

void ConnectionTable::await_durable(Connection& connection, uint64_t slot, size_t checkins) {
    make_room_for_ack();
    acks_.push({slot, &connection, connection.output_end(), static_cast<uint32_t>(checkins),
                clock_.steady_us()});
}

// Within one turn of the loop, the committer can free slots, and the worker can fill the same slots
// again. So acks_ can contain acknowledgements whose slots are already durable. Removing the
// acknowledgements of durable slots always makes room. Each remaining acknowledgement has at least
// one row in a slot that is not durable, and acks_ has as many entries as the ring has rows.
void ConnectionTable::make_room_for_ack() {
    if (acks_.full() && options_.durable) settle(options_.durable());
}

void ConnectionTable::settle(uint64_t durable) {
    const int64_t now_us = acks_.empty() ? 0 : clock_.steady_us();
    while (!acks_.empty() && acks_.front().slot < durable) {
        const PendingAck ack = acks_.front();
        acks_.pop();
        Connection& connection = *ack.connection;
        shard_.add(Metric::checkins_accepted_total, ack.checkins, label_of(connection.transport()));
        const int64_t ack_us = now_us - ack.received_us;
        shard_.observe(Metric::ack_seconds, ack_us);
        ack_times_.add(ack_us);
        if (connection.release_reply(ack.end)) released_.push_back(&connection);
    }
}

// released_ can grow during the loop below. A flush can pass kept requests to a session, and the
// acknowledgement of such a request can call make_room_for_ack().
void ConnectionTable::release_replies(uint64_t durable) {
    settle(durable);
    for (size_t at = 0; at < released_.size(); ++at) {
        Connection& connection = *released_[at];
        connection.flush_released();
        destroy_if_unreferenced(connection);
    }
    released_.clear();
}

void ConnectionTable::resume_paused() {
    resuming_.swap(paused_);
    for (Connection* connection : resuming_) connection->resume();
    resuming_.clear();
}

// --- the sweep ---

// The sweep goes from the back to the front. destroy_if_unreferenced() moves the last connection to
// the index of the destroyed one, so an unvisited connection never moves into the visited part.
void ConnectionTable::begin_sweep() {
    if (sweep_at_ == 0) sweep_at_ = connections_.size();
    buffers_.trim();
}

bool ConnectionTable::sweep() {
    const uint64_t now = now_ms();
    sweep_at_ = std::min(sweep_at_, connections_.size());
    for (size_t checked = 0; checked < sweep_step && sweep_at_ > 0; ++checked)
        connections_[--sweep_at_]->check_deadlines(now);
    return sweep_at_ > 0;
}

}  // namespace rollcall
