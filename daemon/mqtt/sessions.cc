#include "daemon/mqtt/sessions.h"

#include <utility>

#include "daemon/mqtt/session.h"

namespace rollcall {

MqttSessions::MqttSessions(const IngestContext& context, MqttClients& registry,
                           std::function<void()> wake)
    : context_(context), registry_(registry), wake_(std::move(wake)) {}

std::unique_ptr<Session> MqttSessions::make(Connection& connection) {
    return std::make_unique<MqttSession>(connection, *this);
}

uint32_t MqttSessions::add(MqttSession& session) {
    if (free_indexes_.empty()) {
        sessions_.push_back(&session);
        return static_cast<uint32_t>(sessions_.size() - 1);
    }
    const uint32_t index = free_indexes_.back();
    free_indexes_.pop_back();
    sessions_[index] = &session;
    return index;
}

void MqttSessions::remove(uint32_t index) {
    sessions_[index] = nullptr;
    free_indexes_.push_back(index);
}

void MqttSessions::post_takeover(uint32_t session_index, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    takeovers_.push_back({session_index, connection});
    wake_();
}

void MqttSessions::close() {
    const std::lock_guard lock(mutex_);
    wake_ = {};
}

std::vector<MqttSessions::Takeover> MqttSessions::take_takeovers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(takeovers_, {});
}

void MqttSessions::on_turn() {
    for (const auto& [index, connection] : take_takeovers()) {
        MqttSession* const session = sessions_[index];
        if (session != nullptr && session->connection_number() == connection)
            session->end_for_takeover();
    }
    if (context_.credentials.changed())
        for (MqttSession* const session : sessions_)
            if (session != nullptr) session->revalidate_credential();
    store_due_wills();
}

void MqttSessions::store_due_wills() {
    const int64_t now = now_s();
    while (registry_.has_due_will(now) && context_.intake.has_room()) {
        const auto will = registry_.take_due_will(now);
        if (!will) return;
        (void)store(*will);
    }
}

Result<Receipt> MqttSessions::store(const DelayedWill& will) {
    const std::string_view known_site = will.site_is_authenticated ? will.site : std::string_view();
    const auto charged = context_.quotas.sender(known_site, will.tenant, will.peer);
    const int64_t now_us = context_.clock.steady_us();
    const auto refused = [&](Code code) {
        context_.refusals.count(
            {.transport = Transport::mqtt, .code = code, .address = will.peer, .site = will.site});
        return fail(code);
    };
    const auto standing = context_.quotas.standing(charged, now_us);
    if (standing.refused_us > 0) return refused(standing.code);
    Receipt receipt;
    const auto taken = context_.intake.announce(false,
                                                {.transport = Transport::mqtt,
                                                 .address = will.peer,
                                                 .device = will.site,
                                                 .received_us = context_.clock.wall_us(),
                                                 .site = known_site,
                                                 .tenant = will.tenant},
                                                receipt);
    if (!taken) return refused(taken.error().code);
    context_.quotas.charge(charged, 1, will.payload_bytes, now_us);
    return receipt;
}

}  // namespace rollcall
