#include "daemon/net/tls_handshakes.h"

#include "daemon/net/connection.h"

namespace rollcall {

namespace {

constexpr int64_t turn_us = 1000;

}  // namespace

bool TlsHandshakes::run() {
    if (next() == nullptr) return false;
    const int64_t until_us = clock_.steady_us() + turn_us;
    while (Queue* const queue = next()) {
        Connection& connection = *queue->front();
        queue->pop_front();
        connection.continue_handshake();
        if (clock_.steady_us() >= until_us) return next() != nullptr;
    }
    return false;
}

TlsHandshakes::Queue* TlsHandshakes::next() {
    if (!continuing_.empty()) return &continuing_;
    return new_.empty() || !may_begin() ? nullptr : &new_;
}

bool TlsHandshakes::may_begin() {
    if (has_room()) return true;
    Connection* const oldest = begun_.evictable(uv_now(&loop_));
    if (oldest == nullptr) return false;
    oldest->fail_handshake(Code::tls_timeout);
    return true;
}

// Returns whether one more handshake may begin without aborting another. A handshake may always
// begin if no other is running, so that even with a small memory budget every client can connect at
// some time.
bool TlsHandshakes::has_room() const {
    if (begun_.size() == 0) return true;
    if (begun_.size() >= handshakes_max_) return false;
    if (memory_ == nullptr) return true;
    const auto used = static_cast<size_t>(memory_->used_by(MemoryUse::tls_handshakes));
    return used + handshake_bytes <= memory_->allowance();
}

void TlsHandshakes::enqueue(Connection& connection, bool begun) {
    (begun ? continuing_ : new_).push_back(&connection);
}

void TlsHandshakes::begin(Connection& connection) {
    begun_.add(connection, uv_now(&loop_));
    charge_begun();
}

void TlsHandshakes::succeed(Connection& connection, bool resumed) {
    end(connection, resumed ? TlsHandshake::resumed : TlsHandshake::full);
}

void TlsHandshakes::fail(Connection& connection) { end(connection, TlsHandshake::failed); }

void TlsHandshakes::end(Connection& connection, TlsHandshake result) {
    shard_.add(Metric::tls_handshakes_total, 1, label_of(result));
    begun_.remove(connection);
    charge_begun();
}

void TlsHandshakes::remove(Connection& connection) {
    if (connection.waits_for_handshake()) {
        std::erase(new_, &connection);
        std::erase(continuing_, &connection);
    }
    begun_.remove(connection);
    charge_begun();
}

}  // namespace rollcall
