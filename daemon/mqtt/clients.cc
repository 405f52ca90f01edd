#include "daemon/mqtt/clients.h"

#include <algorithm>

#include "pipeline/base/shrink.h"

namespace rollcall {

namespace {

constexpr int drops_max = 100;  // Limit for one call, because all workers wait for the mutex.

}  // namespace

MqttClients::Opened MqttClients::open(std::string client_id, MqttMailbox& mailbox,
                                      uint32_t session_index, bool clean_start, bool keep_session,
                                      int64_t now_s, MqttSiteHash site_hash) {
    const std::lock_guard lock(mutex_);
    Client& client = *clients_.try_emplace(std::move(client_id)).first;
    Entry& entry = client.second;
    bool was_kept = false;
    switch (entry.state) {
        case State::connected:
            was_kept = entry.keep_session;
            entry.mailbox->post_takeover(entry.session_index, entry.connection);
            shard_.add(Metric::mqtt_takeovers_total);
            break;
        case State::offline:
            was_kept = entry.expires_s > now_s;
            remove_offline(client);
            wills_.remove(entry.connection);
            report_wills();
            break;
        case State::ended: break;
    }
    const bool session_present = was_kept && !clean_start;
    entry.state = State::connected;
    entry.connection = ++connections_;
    entry.mailbox = &mailbox;
    entry.session_index = session_index;
    entry.site_hash = site_hash;
    entry.keep_session = keep_session;
    entry.is_continued = session_present;
    ++entry.open_connections;
    if (!session_present) entry.unreleased.reset();
    return {&client, entry.connection, session_present, entry.unreleased};
}

std::shared_ptr<MqttUnreleased> MqttClients::unreleased(Client& client, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    Entry& entry = client.second;
    if (entry.connection != connection) return nullptr;
    if (!entry.unreleased) entry.unreleased = std::make_shared<MqttUnreleased>(memory_);
    return entry.unreleased;
}

void MqttClients::set_keep_session(Client& client, uint64_t connection, bool keep_session) {
    const std::lock_guard lock(mutex_);
    if (client.second.connection == connection) client.second.keep_session = keep_session;
}

MqttClients::Closed MqttClients::close(Client& client, uint64_t connection, uint32_t expiry_s,
                                       int64_t now_s, std::optional<MqttClosingWill>& will) {
    const std::lock_guard lock(mutex_);
    Entry& entry = client.second;
    --entry.open_connections;
    if (entry.connection != connection) {
        if (will &&
            (will->site_hash == entry.site_hash || (will->delay_s > 0 && entry.is_continued)))
            will.reset();
        if (entry.state == State::ended) erase_if_closed(client);
        return Closed::taken_over;
    }
    drop_some_expired(now_s);
    if (expiry_s == 0 || !may_keep(entry)) {
        end_session(client);
        return Closed::ended;
    }
    // now_s is rounded down. Add a second, so that the session does not expire too early
    // [MQTT5-3.1.2-23].
    add_offline(client, static_cast<uint32_t>(std::min<int64_t>(now_s + expiry_s + 1, UINT32_MAX)));
    if (will) delay(connection, expiry_s, now_s, will);
    return Closed::kept;
}

bool MqttClients::may_keep(const Entry& entry) const {
    const bool has_memory = !entry.unreleased || entry.unreleased->has_memory();
    return has_memory && offline_.size() < offline_max_;
}

// A will waits until its delay has passed or its session ends, whichever is earlier
// [MQTT5-3.1.2-8]. now_s is rounded down, so add a second to avoid a delay that is too short.
void MqttClients::delay(uint64_t connection, uint32_t expiry_s, int64_t now_s,
                        std::optional<MqttClosingWill>& will) {
    const uint32_t delay_s = std::min(will->delay_s, expiry_s);
    if (delay_s == 0) return;
    if (!keep_will(connection, now_s + delay_s + 1, will->will))
        return shard_.add(Metric::mqtt_wills_early_total);
    will.reset();
}

bool MqttClients::keep_due_will(uint64_t connection, int64_t now_s, DelayedWill& will) {
    const std::lock_guard lock(mutex_);
    return keep_will(connection, now_s, will);
}

bool MqttClients::keep_will(uint64_t connection, int64_t due_s, DelayedWill& will) {
    if (memory_.allowance() == 0 || !wills_.add(connection, due_s, will)) return false;
    report_wills();
    return true;
}

std::optional<DelayedWill> MqttClients::take_due_will(int64_t now_s) {
    const std::lock_guard lock(mutex_);
    auto will = wills_.take_due(now_s);
    report_wills();
    return will;
}

void MqttClients::report_wills() {
    shard_.set(Metric::mqtt_wills_waiting, static_cast<int64_t>(wills_.size()));
    wills_charge_.set(wills_.bytes());
}

bool MqttClients::drop_expired(int64_t now_s) {
    const std::lock_guard lock(mutex_);
    return drop_some_expired(now_s);
}

bool MqttClients::drop_some_expired(int64_t now_s) {
    for (int drops = 0; !offline_.empty() && offline_.begin()->first <= now_s; ++drops) {
        if (drops == drops_max) return true;
        Client& client = *offline_.begin()->second;
        remove_offline(client);
        end_session(client);
    }
    return false;
}

void MqttClients::end_session(Client& client) {
    client.second.state = State::ended;
    client.second.unreleased.reset();
    erase_if_closed(client);
}

void MqttClients::erase_if_closed(const Client& client) {
    if (client.second.open_connections > 0) return;
    clients_.erase(client.first);
    shrink_buckets(clients_);
}

void MqttClients::add_offline(Client& client, uint32_t expires_s) {
    client.second.state = State::offline;
    client.second.expires_s = expires_s;
    offline_.emplace(expires_s, &client);
    shard_.set(Metric::mqtt_sessions_offline, static_cast<int64_t>(offline_.size()));
}

void MqttClients::remove_offline(Client& client) {
    offline_.erase({client.second.expires_s, &client});
    shard_.set(Metric::mqtt_sessions_offline, static_cast<int64_t>(offline_.size()));
}

}  // namespace rollcall
