#include "daemon/mqtt/sessions.h"

#include <utility>

#include "daemon/mqtt/session.h"

namespace rollcall {

MqttSessions::MqttSessions(const IngestContext& context, MqttClients& clients_in,
                           std::function<void()> wake)
    : settings(context.settings),
      clients(clients_in),
      intake(context.intake),
      liveness(context.liveness),
      credentials(context.credentials),
      quotas(context.quotas),
      refusals(context.refusals),
      clock(context.clock),
      wake_(std::move(wake)) {}

std::unique_ptr<Session> MqttSessions::make(Connection& connection) {
    return std::make_unique<MqttSession>(connection, *this);
}

uint32_t MqttSessions::enter(MqttSession& session) {
    if (free_seats_.empty()) {
        seats_.push_back(&session);
        return static_cast<uint32_t>(seats_.size() - 1);
    }
    const uint32_t seat = free_seats_.back();
    free_seats_.pop_back();
    seats_[seat] = &session;
    return seat;
}

void MqttSessions::leave(uint32_t seat) {
    seats_[seat] = nullptr;
    free_seats_.push_back(seat);
}

void MqttSessions::ask_to_leave(uint32_t seat, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    leaving_.push_back({seat, connection});
    wake_();
}

void MqttSessions::close() {
    const std::lock_guard lock(mutex_);
    wake_ = {};
}

void MqttSessions::turn() {
    std::vector<Leaving> leaving;
    {
        const std::lock_guard lock(mutex_);
        leaving.swap(leaving_);
    }
    for (const auto& [seat, connection] : leaving) {
        MqttSession* const session = seats_[seat];
        if (session != nullptr && session->number() == connection) session->taken_over();
    }
    if (credentials.changed())
        for (MqttSession* const session : seats_)
            if (session != nullptr) session->check_credential();
    const int64_t now_us = wills_.empty() ? 0 : clock.steady_us();
    for (; const DelayedWill* const will = wills_.due(now_us); wills_.pop())
        if (!execute(*will)) break;
}

bool MqttSessions::execute(const DelayedWill& will) {
    if (will.withdrawn()) return true;
    Receipt gone;
    const auto taken =
        intake.announce(false, {Transport::mqtt, will.peer, will.site, clock.wall_us()}, gone);
    return taken.has_value() || taken.error().code != Code::ring_full;
}

}  // namespace rollcall
