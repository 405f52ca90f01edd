#include "daemon/mqtt/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

using mqtt::Reason;
using mqtt::Type;
using mqtt::Version;

constexpr Millis rest_max{5000};       // At a time: who is not read from is not seen to leave.
constexpr Millis farewell_time{2000};  // For a client to hear why it has to go.

// What a topic for availability says, if it is one: is the router there?
std::optional<bool> availability(std::string_view payload) {
    if (payload == "online") return true;
    if (payload == "offline") return false;
    return std::nullopt;
}

Reason reason_for(Code code) {
    switch (code) {
        case Code::mqtt_malformed: return Reason::malformed_packet;
        case Code::mqtt_protocol_error:
        case Code::mqtt_unexpected_packet: return Reason::protocol_error;
        case Code::mqtt_too_large: return Reason::packet_too_large;
        case Code::mqtt_receive_maximum: return Reason::receive_maximum_exceeded;
        case Code::mqtt_topic_alias: return Reason::topic_alias_invalid;
        case Code::unknown_topic: return Reason::topic_name_invalid;
        case Code::over_site_quota:
        case Code::over_tenant_quota:
        case Code::over_network_quota: return Reason::quota_exceeded;
        case Code::mqtt_over_quota: return Reason::message_rate_too_high;
        case Code::too_slow: return Reason::unspecified_error;
        case Code::bad_credential: return Reason::bad_user_name_or_password;
        case Code::no_credential:
        case Code::expired_credential: return Reason::not_authorized;
        case Code::signature_checks_suspended: return Reason::server_busy;
        default: return Reason::payload_format_invalid;
    }
}

uint32_t milliseconds(Millis time) {
    return static_cast<uint32_t>(std::min<int64_t>(time.count(), UINT32_MAX));
}

uint32_t seconds(Millis time) { return static_cast<uint32_t>(time.count() / 1000); }

// For a client that has none. It only has to be nobody else's, and no longer than the least that
// mqtt.client_id_size_max can be.
std::string some_client_id() {
    std::random_device random;
    return fmt::format("client-{:08x}{:08x}", random(), random());
}

}  // namespace

MqttSession::MqttSession(Connection& connection, MqttSessions& all)
    : connection_(connection),
      all_(all),
      silence_max_ms_(milliseconds(all.settings.mqtt.connect_timeout_max)) {
    connection_.set_deadline(Millis(silence_max_ms_));
}

MqttSession::~MqttSession() {
    if (number_ != 0) all_.leave(seat_);
}

void MqttSession::on_data(std::string_view& bytes) {
    while (connection_.ready() && !bytes.empty()) {
        // Of whoever has not said who it is less is kept.
        auto size_max = all_.settings.mqtt.packet_size_max;
        if (!connected_) size_max = std::min(size_max, all_.settings.mqtt.connect_size_max);
        const auto packet = mqtt::parse(bytes, size_max.count, version_);
        if (!packet) {
            if (!connected_) version_ = mqtt::version_named(bytes).value_or(version_);
            refuse(packet.error().code);
            return;
        }
        if (!*packet) return;
        const auto& content = (*packet)->content;
        const bool is_connect = std::holds_alternative<mqtt::Connect>(content) ||
                                std::holds_alternative<mqtt::ConnectOtherVersion>(content);
        // CONNECT comes first, and only once [MQTT-3.1.0-1] [MQTT-3.1.0-2].
        if (is_connect == connected_) {
            refuse(Code::mqtt_unexpected_packet);
            return;
        }
        if (!std::visit([this](const auto& packet_content) { return on(packet_content); },
                        content)) {
            if (!connection_.throttled()) connection_.pause();
            return;
        }
        bytes.remove_prefix((*packet)->bytes);
        if (connection_.is_open()) set_deadline();
    }
}

// --- connecting ---

bool MqttSession::on(const mqtt::Connect& connect) {
    version_ = connect.version;
    packet_bytes_max_ = connect.packet_bytes_max;
    if (connection_.should_reject_for_overload())
        return reject(Reason::server_busy, Code::overloaded);
    // Without an id there is nothing to keep a session under [MQTT-3.1.3-8].
    if (!is_5() && connect.client_id.empty() && !connect.clean_start)
        return reject(Reason::client_identifier_not_valid, Code::mqtt_protocol_error);
    if (connect.client_id.size() > all_.settings.mqtt.client_id_size_max.count)
        return reject(Reason::client_identifier_not_valid, Code::mqtt_too_large);
    if (connect.will && connect.will->topic.size() > all_.settings.mqtt.topic_size_max.count)
        return reject(Reason::topic_name_invalid, Code::mqtt_too_large);
    if (connect.wants_authentication)
        return reject(Reason::bad_authentication_method, Code::mqtt_unsupported);
    if (const auto identified = identify(connect); !identified)
        return reject(reason_for(identified.error().code), identified.error().code);
    return accept(connect);
}

Result<void> MqttSession::identify(const mqtt::Connect& connect) {
    Credential presented =
        Credential::login(connect.username.value_or(""), connect.password.value_or(""));
    presented.peer = connection_.peer();
    presented.certified = connection_.certificate_name();
    return all_.credentials.identify(presented, who_);
}

bool MqttSession::reject(Reason reason, Code code) {
    say(with_words(to_text(code), [&](std::string_view words) {
        return mqtt::refusing_connack(version_, reason, words);
    }));
    count(code);
    connection_.close_after_replies(Linger::always);
    return true;
}

bool MqttSession::accept(const mqtt::Connect& connect) {
    const auto& limits = all_.settings.mqtt;
    wants_reasons_ = connect.wants_reasons;

    mqtt::ServerProperties properties;
    properties.packet_bytes_max = static_cast<uint32_t>(limits.packet_size_max.count);
    properties.receive_max = static_cast<uint16_t>(limits.in_flight_max);
    const auto charged = all_.quotas.sender(who_.site(), who_.tenant(), connection_.peer());
    // Who is over its quota is asked to wait for each answer.
    if (all_.quotas.standing(charged, all_.clock.steady_us()).over_us > 0)
        properties.receive_max = 1;
    properties.topic_alias_max = static_cast<uint16_t>(limits.topic_aliases_max);
    std::string client_id(connect.client_id);
    if (client_id.empty()) {
        client_id = some_client_id();
        properties.assigned_client_id = client_id;
    }
    // Nobody may throw out another site's clients by their ids. No site has a line feed in it.
    std::string id_of_site =
        who_.site().empty() ? client_id : fmt::format("{}\n{}", who_.site(), client_id);

    // 3.1.1 keeps the session of a client that did not ask for a clean one.
    const uint32_t expiry_max_s = seconds(limits.session_expiry_max);
    const uint32_t wanted_s = is_5()                ? connect.session_expiry_s
                              : connect.clean_start ? 0
                                                    : UINT32_MAX;
    session_expiry_s_ = std::min(wanted_s, expiry_max_s);
    wants_session_ = wanted_s > 0;
    if (wanted_s > expiry_max_s) properties.session_expiry_s = session_expiry_s_;

    // One and a half times the keep-alive [MQTT-3.1.2-24].
    constexpr uint32_t half_times_ms = 1500;
    silence_max_ms_ = milliseconds(all_.settings.mqtt.idle_timeout_max);
    if (connect.keep_alive_s > 0) {
        silence_max_ms_ = connect.keep_alive_s * half_times_ms;
    } else if (is_5()) {
        properties.keep_alive_s = static_cast<uint16_t>(
            std::clamp<uint32_t>(silence_max_ms_ / half_times_ms, 1, UINT16_MAX));
        silence_max_ms_ = *properties.keep_alive_s * half_times_ms;
    }
    // A client must hear what holds from now on, or it would break it.
    if (mqtt::connack(version_, false, properties).size() > packet_bytes_max_)
        return reject(Reason::packet_too_large, Code::mqtt_unsupported);

    connected_ = true;
    connection_.mark_authenticated();
    take_will(connect);
    seat_ = all_.enter(*this);
    const auto opened = all_.clients.open(std::move(id_of_site), all_, seat_, connect.clean_start,
                                          session_expiry_s_ > 0, all_.now_s());
    client_ = opened.client;
    number_ = opened.connection;
    if (opened.received) rare().received = opened.received;
    say(mqtt::connack(version_, opened.present, properties));
    return true;
}

void MqttSession::set_deadline() {
    Millis deadline(silence_max_ms_);
    if (who_.expires_s != 0) {
        // A second more, so that it is over then by every clock.
        const int64_t left_ms = (who_.expires_s + 1) * 1000 - all_.clock.wall_us() / 1000;
        deadline = std::min(deadline, Millis(std::max<int64_t>(left_ms, 0)));
    }
    connection_.set_deadline(deadline);
}

void MqttSession::take_will(const mqtt::Connect& connect) {
    if (!connect.will) return;
    const std::string* const filter = filter_for(connect.will->topic);
    if (filter == nullptr) return;
    const std::string_view device = mqtt::level_at_plus(*filter, connect.will->topic);
    rare().will = std::make_unique<Will>(Will{std::string(device), {}, connect.will->delay_s});
}

bool MqttSession::on(const mqtt::ConnectOtherVersion&) {
    return reject(Reason::unsupported_protocol_version, Code::mqtt_unsupported);
}

// --- messages ---

bool MqttSession::on(const mqtt::Publish& publish) {
    const auto topic = topic_of(publish);
    if (!topic) return true;
    if (publish.qos == 2) {
        MqttReceived* const known = received();
        if (known == nullptr) {
            taken_over();
            return true;
        }
        switch (known->knows(publish.packet_id, number_)) {
            case MqttReceived::Known::yes: say(answer(publish, std::nullopt)); return true;
            case MqttReceived::Known::unsettled: return false;
            case MqttReceived::Known::no: break;
        }
    }
    if (!may_send(publish)) return true;
    if (const std::string* const filter = filter_for(*topic)) return take(publish, *filter, *topic);
    count(Code::unknown_topic);
    decline(publish, Code::unknown_topic);
    return true;
}

std::optional<std::string_view> MqttSession::topic_of(const mqtt::Publish& publish) {
    if (!publish.topic_alias) return publish.topic;
    if (publish.topic.size() > all_.settings.mqtt.topic_size_max.count) {
        refuse(Code::mqtt_too_large);  // To be remembered.
        return std::nullopt;
    }
    const size_t alias = *publish.topic_alias;
    if (alias == 0 || alias > all_.settings.mqtt.topic_aliases_max) {
        refuse(Code::mqtt_topic_alias);
        return std::nullopt;
    }
    auto& aliases = rare().aliases;
    if (aliases.size() < alias) aliases.resize(alias);
    std::string& topic = aliases[alias - 1];
    if (!publish.topic.empty()) topic = publish.topic;
    if (topic.empty()) {
        refuse(Code::mqtt_protocol_error);  // Section 3.3.4 of 5.0.
        return std::nullopt;
    }
    return topic;
}

MqttSession::Rare& MqttSession::rare() {
    if (!rare_) rare_ = std::make_unique<Rare>();
    return *rare_;
}

MqttReceived* MqttSession::received() {
    auto& received = rare().received;
    if (!received) received = all_.clients.received(*client_, number_);
    return received.get();
}

// As many at a time as the Receive Maximum says [MQTT5-3.3.4-7]; 3.1.1 knows none, but what has to
// be remembered of QoS 2 has its limit. Each connection begins anew (section 4.9 of 5.0): messages
// that an earlier one has left do not count, but that a session has twice as many in all.
bool MqttSession::may_send(const mqtt::Publish& publish) {
    if (publish.qos == 0 || (publish.qos == 1 && !is_5())) return true;
    if (!rare_) return true;
    auto& answers = rare_->answers;
    const auto out = std::ranges::upper_bound(answers, connection_.sendable_end());
    answers.erase(answers.begin(), out);
    const size_t most = all_.settings.mqtt.in_flight_max;
    const size_t remembered = publish.qos == 2 && rare_->received ? rare_->received->size() : 0;
    if (answers.size() + rare_->unreleased < most && remembered < 2 * most) return true;
    refuse(Code::mqtt_receive_maximum);
    return false;
}

bool MqttSession::take(const mqtt::Publish& publish, const std::string& filter,
                       std::string_view topic) {
    const auto charged = all_.quotas.sender(who_.site(), who_.tenant(), connection_.peer());
    const int64_t now_us = all_.clock.steady_us();
    // Not in the middle of a list, of which a part was taken.
    if (!rare_ || !rare_->begun) {
        const auto standing = all_.quotas.standing(charged, now_us);
        if (standing.refused_us > 0) return refuse_for_quota(publish, standing);
        if (rare_ && standing.over_us == 0) rare_->over_quota = 0;
    }
    Sender sender = sender_at(mqtt::level_at_plus(filter, topic));
    if (publish.qos > 0) {
        sender.client = client_->first;
        sender.packet_id = publish.packet_id;
        sender.again = publish.dup;
    }
    const auto begun = rare_ ? std::exchange(rare_->begun, nullptr) : nullptr;
    Receipt receipt = begun ? std::move(*begun) : Receipt{};
    const auto online = availability(publish.payload);
    const auto taken = online ? all_.intake.announce(*online, sender, receipt)
                              : all_.intake.accept(publish.payload, body_hint(publish.content_type),
                                                   sender, receipt);
    if (!taken && taken.error().code == Code::ring_full) {
        if (receipt.items > 0) rare().begun = std::make_unique<Receipt>(std::move(receipt));
        return false;
    }
    all_.quotas.charge(charged, std::max<size_t>(1, receipt.items), publish.payload.size(), now_us);
    if (taken) {
        all_.liveness.taken(receipt, sender);
    } else {
        count(taken.error().code);
        all_.liveness.refused(taken.error().code, sender);
    }
    if (receipt.accepted > 0) {
        if (rare_ && rare_->will && rare_->will->device == sender.device)
            rare_->will->site = receipt.site;
        connection_.reply_when_durable(receipt.slot, receipt.accepted, answer(publish, {}));
        remember(publish);
    } else if (!taken) {
        decline(publish, taken.error().code);
    } else if (!receipt.refused.empty()) {
        decline(publish, receipt.refused.back().code);
    } else {
        decline(publish, std::nullopt);  // A list of none.
    }
    return true;
}

// 5.0 says so, and ends the connection of a client that does not heed it: who has been refused more
// messages than could be on their way has sent the last ones knowing better. Who cannot be told, by
// 3.1.1 or of QoS 0, is not read from until it may send again.
bool MqttSession::refuse_for_quota(const mqtt::Publish& publish, const Quotas::Standing& standing) {
    if (!is_5() || publish.qos == 0) {
        connection_.throttle(std::min(Millis(standing.refused_us / 1000 + 1), rest_max));
        return false;
    }
    count(standing.code);
    decline(publish, standing.code);
    if (++rare().over_quota > all_.settings.mqtt.in_flight_max) return refuse(Code::mqtt_over_quota);
    return true;
}

void MqttSession::decline(const mqtt::Publish& publish, std::optional<Code> fault) {
    say(answer(publish, fault));
    // After a PUBREC that says why not there is no PUBREL [MQTT5-4.3.3-4].
    if (!fault || !is_5()) remember(publish);
}

void MqttSession::remember(const mqtt::Publish& publish) {
    if (publish.qos == 2) {
        rare().received->add(publish.packet_id, number_, connection_.output_end());
        ++rare_->unreleased;
    }
    if (publish.qos == 1 && is_5()) rare().answers.push_back(connection_.output_end());
}

std::string MqttSession::answer(const mqtt::Publish& publish, std::optional<Code> fault) const {
    if (publish.qos == 0) return {};
    const Type type = publish.qos == 1 ? Type::puback : Type::pubrec;
    if (!fault || !is_5()) return mqtt::acknowledgement(version_, type, publish.packet_id);
    const Reason reason = reason_for(*fault);
    return with_words(to_text(*fault), [&](std::string_view words) {
        return mqtt::acknowledgement(version_, type, publish.packet_id, reason, words);
    });
}

bool MqttSession::on(const mqtt::Acknowledgement& acknowledgement) {
    const auto& [type, packet_id] = acknowledgement;
    if (type == Type::pubrel) {
        const bool known = rare_ && rare_->received && rare_->received->release(packet_id);
        // Each PUBCOMP lets the client send one more, whichever connection the message was of.
        if (rare_ && rare_->unreleased > 0) --rare_->unreleased;
        say(mqtt::acknowledgement(version_, Type::pubcomp, packet_id,
                                  known ? Reason::success : Reason::packet_identifier_not_found));
    } else if (type == Type::pubrec && is_5()) {
        // Of a message that was never sent. Section 4.13.2 of 5.0 wants an answer to this one only.
        say(mqtt::acknowledgement(version_, Type::pubrel, packet_id,
                                  Reason::packet_identifier_not_found));
    }
    return true;
}

// --- the others ---

bool MqttSession::on(const mqtt::Subscribe& subscribe) {
    count(Code::mqtt_unsupported);
    say(mqtt::suback(version_, subscribe.packet_id, subscribe.filters, Reason::not_authorized));
    return true;
}

bool MqttSession::on(const mqtt::Unsubscribe& unsubscribe) {
    say(mqtt::unsuback(version_, unsubscribe.packet_id, unsubscribe.filters,
                       Reason::no_subscription_existed));
    return true;
}

bool MqttSession::on(const mqtt::Pingreq&) {
    say(mqtt::pingresp());
    return true;
}

bool MqttSession::on(const mqtt::Disconnect& disconnect) {
    if (disconnect.session_expiry_s) {
        // A session that was to end with its connection cannot be kept any more.
        if (!wants_session_ && *disconnect.session_expiry_s > 0)
            return refuse(Code::mqtt_protocol_error);
        session_expiry_s_ =
            std::min(*disconnect.session_expiry_s, seconds(all_.settings.mqtt.session_expiry_max));
        // The client may be back before the last answer here is out.
        all_.clients.keep(*client_, number_, session_expiry_s_ > 0);
    }
    if (disconnect.reason == Reason::success && rare_) rare_->will.reset();  // [MQTT-3.1.2-10]
    connection_.close_after_replies(Linger::if_unread);
    return true;
}

// No method was agreed on in CONNECT [MQTT5-4.12.0-7].
bool MqttSession::on(const mqtt::Auth&) { return refuse(Code::mqtt_protocol_error); }

const std::string* MqttSession::filter_for(std::string_view topic) const {
    if (topic.size() > all_.settings.mqtt.topic_size_max.count) return nullptr;
    for (const auto& filter : all_.settings.mqtt.topics)
        if (mqtt::matches(filter, topic)) return &filter;
    return nullptr;
}

Sender MqttSession::sender_at(std::string_view device) const {
    return {.transport = Transport::mqtt,
            .address = connection_.peer(),
            .device = device,
            .received_us = all_.clock.wall_us(),
            .site = who_.site()};
}

// What is larger than the client takes is not said [MQTT5-3.1.2-24].
void MqttSession::say(std::string_view packet) {
    if (!packet.empty() && packet.size() <= packet_bytes_max_) connection_.reply(packet);
}

void MqttSession::count(Code code) {
    all_.refusals.count(Transport::mqtt, code, connection_.peer());
}

// --- the end ---

// A server closes the connection of a client that breaks the protocol [MQTT-4.8.0-1].
bool MqttSession::refuse(Code code) {
    count(code);
    dismiss(reason_for(code), to_text(code), Linger::always);
    return true;
}

void MqttSession::dismiss(Reason reason, std::string_view words, Linger linger) {
    if (connected_ && is_5()) {
        say(with_words(words,
                       [&](std::string_view some) { return mqtt::disconnect(reason, some); }));
    } else if (is_5()) {  // Of its CONNECT, so without words: nobody knows how many it would take.
        say(mqtt::refusing_connack(version_, reason));
    }
    connection_.close_after_replies(linger);
}

void MqttSession::on_deadline() {
    if (!connected_) {
        count(Code::timeout);
        return connection_.close();
    }
    check_credential();
    if (!connection_.is_open()) return;
    // What it sent meanwhile has not been read.
    if (!connection_.ready()) return set_deadline();
    count(Code::timeout);
    dismiss(Reason::keep_alive_timeout, {}, Linger::if_unread);
    connection_.set_deadline(farewell_time);
}

void MqttSession::on_shutdown() {
    if (connected_) dismiss(Reason::server_shutting_down, {}, Linger::if_unread);
}

void MqttSession::taken_over() {
    if (!connection_.is_open()) return;
    dismiss(Reason::session_taken_over, {}, Linger::if_unread);
    connection_.set_deadline(farewell_time);
}

void MqttSession::check_credential() {
    if (!connected_ || !connection_.is_open()) return;
    const auto still = all_.credentials.revalidate(who_);
    if (still) return;
    count(still.error().code);
    dismiss(Reason::not_authorized, to_text(still.error().code), Linger::if_unread);
    connection_.set_deadline(farewell_time);
}

// Its router is known by what it said of itself, if it said something on the topic of its will.
void MqttSession::on_close() {
    if (number_ == 0) return;
    const auto will = rare_ ? std::move(rare_->will) : nullptr;
    // The next connection shall be seen while this will waits.
    if (will && will->delay_s > 0) static_cast<void>(received());
    const auto received = rare_ ? rare_->received : nullptr;
    if (received) received->settle(number_, connection_.sendable_end());
    const auto ended = all_.clients.close(*client_, number_, session_expiry_s_, all_.now_s());
    if (!will || ended == MqttClients::Closed::taken_over) return;
    const std::string site(!who_.site().empty() ? who_.site()
                           : will->site.empty() ? will->device
                                                : will->site);
    // It does not wait longer than the session is kept [MQTT5-3.1.2-8].
    const uint32_t delay_s =
        ended == MqttClients::Closed::kept ? std::min(will->delay_s, session_expiry_s_) : 0;
    if (delay_s > 0)
        return all_.add(all_.clock.steady_us() + int64_t{delay_s} * 1'000'000,
                        {received, number_, site, std::string(connection_.peer())});
    Receipt gone;
    const auto taken = all_.intake.announce(false, sender_at(site), gone);
    if (!taken) return count(taken.error().code);
    connection_.reply_when_durable(gone.slot, gone.accepted, {});
}

}  // namespace rollcall
