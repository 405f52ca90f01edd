#include "daemon/mqtt/clients.h"

#include <algorithm>

#include "pipeline/base/shrink.h"

namespace rollcall {

namespace {

constexpr int drops_max = 100;  // While all workers wait.

}  // namespace

void MqttReceived::pass_to(uint64_t connection) {
    const std::lock_guard lock(mutex_);
    last_connection_ = connection;
}

uint64_t MqttReceived::last_connection() {
    const std::lock_guard lock(mutex_);
    return last_connection_;
}

MqttReceived::Known MqttReceived::knows(uint16_t packet_id, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    Known known = Known::no;
    for (const Message& message : messages_) {
        if (message.packet_id != packet_id) continue;
        if (message.connection == connection || message.connection == 0) return Known::yes;
        known = Known::unsettled;
    }
    return known;
}

void MqttReceived::add(uint16_t packet_id, uint64_t connection, uint64_t end) {
    const std::lock_guard lock(mutex_);
    messages_.push_back({packet_id, connection, end});
}

bool MqttReceived::release(uint16_t packet_id) {
    const std::lock_guard lock(mutex_);
    return std::erase_if(messages_, [&](const Message& message) {
               return message.packet_id == packet_id;
           }) > 0;
}

void MqttReceived::settle(uint64_t connection, uint64_t said) {
    const std::lock_guard lock(mutex_);
    std::erase_if(messages_, [&](const Message& message) {
        return message.connection == connection && message.end > said;
    });
    for (Message& message : messages_)
        if (message.connection == connection) message.connection = 0;
}

size_t MqttReceived::size() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
}

MqttClients::Opened MqttClients::open(std::string client_id, MqttMailbox& mailbox, uint32_t seat,
                                      bool clean_start, bool keep, int64_t now_s) {
    const std::lock_guard lock(mutex_);
    Client& client = *clients_.try_emplace(std::move(client_id)).first;
    Entry& entry = client.second;
    bool kept = false;
    switch (entry.state) {
        case State::connected:
            kept = entry.keep;
            entry.mailbox->ask_to_leave(entry.seat, entry.connection);
            shard_.add(Metric::mqtt_takeovers_total);
            break;
        case State::away:
            kept = entry.expires_s > now_s;
            come_back(client);
            break;
        case State::over: break;
    }
    const bool present = kept && !clean_start;
    entry.state = State::connected;
    entry.connection = ++connections_;
    entry.mailbox = &mailbox;
    entry.seat = seat;
    entry.keep = keep;
    ++entry.open;
    if (entry.received) entry.received->pass_to(entry.connection);
    if (!present) entry.received.reset();
    return {&client, entry.connection, present, entry.received};
}

std::shared_ptr<MqttReceived> MqttClients::received(Client& client, uint64_t connection) {
    const std::lock_guard lock(mutex_);
    Entry& entry = client.second;
    if (entry.connection != connection) return nullptr;
    if (!entry.received) {
        entry.received = std::make_shared<MqttReceived>();
        entry.received->pass_to(connection);
    }
    return entry.received;
}

void MqttClients::keep(Client& client, uint64_t connection, bool keep) {
    const std::lock_guard lock(mutex_);
    if (client.second.connection == connection) client.second.keep = keep;
}

MqttClients::Closed MqttClients::close(Client& client, uint64_t connection, uint32_t expiry_s,
                                       int64_t now_s) {
    const std::lock_guard lock(mutex_);
    Entry& entry = client.second;
    --entry.open;
    if (entry.connection != connection) {
        if (entry.state == State::over) forget(client);
        return Closed::taken_over;
    }
    drop_some_expired(now_s);
    if (expiry_s == 0 || away_.size() >= away_max_) {
        end_session(client);
        return Closed::ended;
    }
    // Both are whole seconds of times that are not: never too early [MQTT5-3.1.2-23].
    go_away(client, static_cast<uint32_t>(std::min<int64_t>(now_s + expiry_s + 1, UINT32_MAX)));
    return Closed::kept;
}

bool MqttClients::drop_expired(int64_t now_s) {
    const std::lock_guard lock(mutex_);
    return drop_some_expired(now_s);
}

bool MqttClients::drop_some_expired(int64_t now_s) {
    for (int drops = 0; !away_.empty() && away_.begin()->first <= now_s; ++drops) {
        if (drops == drops_max) return true;
        Client& client = *away_.begin()->second;
        come_back(client);
        end_session(client);
    }
    return false;
}

void MqttClients::end_session(Client& client) {
    client.second.state = State::over;
    client.second.received.reset();
    forget(client);
}

// If no connection knows it any more.
void MqttClients::forget(const Client& client) {
    if (client.second.open > 0) return;
    clients_.erase(client.first);
    shrink_buckets(clients_);
}

void MqttClients::go_away(Client& client, uint32_t expires_s) {
    client.second.state = State::away;
    client.second.expires_s = expires_s;
    away_.emplace(expires_s, &client);
    shard_.set(Metric::mqtt_sessions_offline, static_cast<int64_t>(away_.size()));
}

void MqttClients::come_back(Client& client) {
    away_.erase({client.second.expires_s, &client});
    shard_.set(Metric::mqtt_sessions_offline, static_cast<int64_t>(away_.size()));
}

}  // namespace rollcall
