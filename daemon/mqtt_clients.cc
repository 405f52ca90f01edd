#include "daemon/mqtt_clients.h"

#include <algorithm>

namespace rollcall {

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

MqttClients::Opened MqttClients::open(std::string_view client_id, MqttDesk& desk, bool clean_start,
                                      bool keep, int64_t now_s) {
    const std::lock_guard lock(mutex_);
    const auto [place, is_new] = clients_.try_emplace(std::string(client_id));
    Client& client = place->second;
    const bool was_away = !is_new && client.desk == nullptr;
    const bool taken_over = !is_new && client.desk != nullptr;
    if (taken_over) {
        client.desk->ask_to_leave(client.connection);
        slab_.add(Metric::mqtt_takeovers_total);
    }
    if (was_away) change_away(-1);
    const bool kept = was_away ? client.expires_s > now_s : client.keep;
    const bool present = !is_new && !clean_start && kept;
    client.connection = ++connections_;
    client.desk = &desk;
    client.keep = keep;
    if (!is_new) client.received->pass_to(client.connection);
    if (!present) client.received = std::make_shared<MqttReceived>();
    client.received->pass_to(client.connection);
    return {client.connection, present, client.received};
}

bool MqttClients::close(std::string_view client_id, uint64_t connection, uint32_t expiry_s,
                        int64_t now_s) {
    const std::lock_guard lock(mutex_);
    const auto place = clients_.find(client_id);
    if (place == clients_.end() || place->second.connection != connection) return true;
    if (away_ >= away_max_) drop_expired(now_s);
    if (expiry_s == 0 || away_ >= away_max_) {
        clients_.erase(place);
        return false;
    }
    place->second.desk = nullptr;
    place->second.expires_s = now_s + expiry_s;
    change_away(1);
    return true;
}

// A look at all of them, and so at most once a second.
void MqttClients::drop_expired(int64_t now_s) {
    if (dropped_s_ == now_s) return;
    dropped_s_ = now_s;
    const size_t dropped = std::erase_if(clients_, [now_s](const auto& entry) {
        return entry.second.desk == nullptr && entry.second.expires_s <= now_s;
    });
    change_away(-static_cast<int64_t>(dropped));
}

void MqttClients::change_away(int64_t change) {
    away_ += static_cast<size_t>(change);
    slab_.set(Metric::mqtt_sessions_away, static_cast<int64_t>(away_));
}

}  // namespace rollcall
