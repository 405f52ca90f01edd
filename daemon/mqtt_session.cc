#include "daemon/mqtt_session.h"

#include "pipeline/decode.h"

namespace rollcall {

namespace {

template <size_t size>
std::string_view view(const std::array<char, size>& bytes) {
    return {bytes.data(), bytes.size()};
}

// What a topic for availability says, if it is one: is the router there?
std::optional<bool> availability(std::string_view payload) {
    if (payload == "online") return true;
    if (payload == "offline") return false;
    return std::nullopt;
}

}  // namespace

MqttSession::MqttSession(Connection& connection, const Settings& settings, Intake& intake,
                         Liveness& liveness, const Clock& clock, Slab& slab)
    : connection_(connection),
      settings_(settings),
      intake_(intake),
      liveness_(liveness),
      clock_(clock),
      slab_(slab),
      silence_max_(settings.mqtt.connect_timeout_max) {
    connection_.set_deadline(silence_max_);
}

void MqttSession::receive(std::string_view& bytes) {
    while (connection_.open() && !bytes.empty()) {
        const auto packet = mqtt::parse(bytes, settings_.mqtt.packet_size_max.count);
        if (!packet) return refuse(packet.error().code);
        if (!*packet) return;
        const bool is_connect =
            std::holds_alternative<mqtt::Connect>((*packet)->content) ||
            std::holds_alternative<mqtt::ConnectOtherVersion>((*packet)->content);
        // CONNECT comes first, and only once [MQTT-3.1.0-1] [MQTT-3.1.0-2].
        if (is_connect == connected_) return refuse(Code::mqtt_out_of_order);
        const bool done =
            std::visit([this](const auto& content) { return on(content); }, (*packet)->content);
        if (!done) return connection_.pause();
        bytes.remove_prefix((*packet)->bytes);
        connection_.set_deadline(silence_max_);
    }
}

bool MqttSession::on(const mqtt::Connect& connect) {
    using mqtt::ConnectReturn;
    // Without an id there is nothing to keep a session under [MQTT-3.1.3-8].
    if (connect.client_id.empty() && !connect.clean_session) {
        connection_.reply(view(mqtt::connack(false, ConnectReturn::identifier_rejected)));
        refuse(Code::mqtt_malformed);
        return true;
    }
    connected_ = true;
    if (connect.will)
        if (const std::string* const filter = filter_for(connect.will->topic))
            will_device_ = mqtt::level_at_plus(*filter, connect.will->topic);
    // One and a half times the keep-alive [MQTT-3.1.2-24].
    silence_max_ = connect.keep_alive_s > 0 ? Millis(connect.keep_alive_s * 1500)
                                            : settings_.mqtt.idle_timeout_max;
    connection_.reply(view(mqtt::connack(false, ConnectReturn::accepted)));
    return true;
}

bool MqttSession::on(const mqtt::ConnectOtherVersion&) {
    using mqtt::ConnectReturn;
    connection_.reply(view(mqtt::connack(false, ConnectReturn::unacceptable_protocol_version)));
    refuse(Code::mqtt_unsupported);
    return true;
}

bool MqttSession::on(const mqtt::Publish& publish) {
    if (publish.qos > 1) {
        refuse(Code::mqtt_unsupported);
        return true;
    }
    const std::string* const filter = filter_for(publish.topic);
    if (filter == nullptr) {
        refuse(Code::unknown_topic);
        return true;
    }
    const Sender sender = sender_at(mqtt::level_at_plus(*filter, publish.topic));
    const auto online = availability(publish.payload);
    const auto taken = online
                           ? intake_.announce(*online, sender, receipt_)
                           : intake_.accept(publish.payload, BodyHint::unknown, sender, receipt_);
    if (!taken && taken.error().code == Code::ring_full) return false;
    if (taken) {
        liveness_.taken(receipt_, sender);
    } else {
        count(taken.error().code);
        liveness_.refused(taken.error().code, sender);
    }
    const auto puback = mqtt::puback(publish.packet_id);
    const std::string_view answer = publish.qos == 1 ? view(puback) : std::string_view();
    if (receipt_.accepted > 0) {
        if (will_device_ == sender.device) will_site_ = receipt_.site;
        connection_.reply_when_durable(receipt_.slot, receipt_.accepted, answer);
    } else {
        connection_.reply(answer);
    }
    receipt_ = {};
    return true;
}

bool MqttSession::on(const mqtt::Pingreq&) {
    connection_.reply(view(mqtt::pingresp()));
    return true;
}

bool MqttSession::on(const mqtt::Disconnect&) {
    will_device_.reset();  // [MQTT-3.1.2-10]
    connection_.finish(false);
    return true;
}

bool MqttSession::on(const mqtt::Unsupported&) {
    refuse(Code::mqtt_unsupported);
    return true;
}

const std::string* MqttSession::filter_for(std::string_view topic) const {
    for (const auto& filter : settings_.mqtt.topics)
        if (mqtt::matches(filter, topic)) return &filter;
    return nullptr;
}

Sender MqttSession::sender_at(std::string_view device) const {
    return {Transport::mqtt, connection_.peer(), device, clock_.wall_us()};
}

void MqttSession::count(Code code) {
    slab_.add(Metric::checkins_rejected_total, 1, label_of(Transport::mqtt, code));
}

// A server closes the connection of a client that breaks the protocol [MQTT-4.8.0-1].
void MqttSession::refuse(Code code) {
    count(code);
    connection_.finish(true);
}

void MqttSession::expire() {
    if (!connected_) count(Code::timeout);
    connection_.close();
}

// Its router is known by what it said of itself, if it said something on the topic of its will.
void MqttSession::closed() {
    if (!will_device_) return;
    Receipt gone;
    const auto taken =
        intake_.announce(false, sender_at(will_site_.empty() ? *will_device_ : will_site_), gone);
    if (!taken) return count(taken.error().code);
    connection_.reply_when_durable(gone.slot, gone.accepted, {});
}

}  // namespace rollcall
