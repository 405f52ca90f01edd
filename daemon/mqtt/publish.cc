#include "daemon/mqtt/publish.h"

#include <algorithm>
#include <utility>

#include "daemon/mqtt/connect.h"
#include "daemon/mqtt/packet_writer.h"
#include "daemon/mqtt/topics.h"
#include "pipeline/decode/decode.h"

namespace rollcall {

namespace {

using mqtt::Reason;
using mqtt::Type;

// Longest time without reading from a connection. It is short, because during that time the daemon
// does not notice that the client disconnects.
constexpr Millis throttle_max{5000};

}  // namespace

Sender mqtt_sender(const IngestContext& context, const Connection& connection,
                   const Identity& identity, std::string_view device) {
    return {.transport = Transport::mqtt,
            .address = connection.peer(),
            .device = device,
            .received_us = context.clock.wall_us(),
            .site = identity.site(),
            .tenant = identity.tenant()};
}

Result<MqttPublishHandler::Progress> MqttPublishHandler::handle(const mqtt::Publish& publish) {
    const auto topic = topic_of(publish);
    if (!topic) return std::unexpected(topic.error());
    if (publish.qos == 2)
        if (const auto progress = handle_duplicate(publish)) return *progress;
    if (!has_room_for(publish)) return fail(Code::mqtt_receive_maximum);
    if (publish.qos == 2 && !lazy().unreleased->has_memory()) return fail(Code::memory_short);
    if (const std::string* const filter = mqtt::filter_for(*topic, context_.settings))
        return store(publish, *filter, *topic);
    count(Code::unknown_topic, *topic);
    acknowledge_now(publish, Code::unknown_topic);
    return Progress::done;
}

Result<std::string_view> MqttPublishHandler::topic_of(const mqtt::Publish& publish) {
    if (!publish.topic_alias) return publish.topic;
    return lazy().aliases.resolve(publish, context_.settings);
}

std::optional<MqttPublishHandler::Progress> MqttPublishHandler::handle_duplicate(
    const mqtt::Publish& publish) {
    MqttUnreleased* const messages = unreleased();
    if (messages == nullptr) return Progress::taken_over;
    switch (messages->state_of(publish.packet_id, publisher_.connection)) {
        case MqttUnreleased::State::unknown: break;
        case MqttUnreleased::State::unsettled: return Progress::blocked;
        case MqttUnreleased::State::stored:
            replies_.send(replies_.acknowledgement(publish, std::nullopt));
            return Progress::done;
    }
    return std::nullopt;
}

// The receive window does not count the unreleased messages of earlier connections. To limit the
// messages of all connections together, a session may have at most twice mqtt.in_flight_max
// unreleased messages.
bool MqttPublishHandler::has_room_for(const mqtt::Publish& publish) {
    if (publish.qos == 0 || (publish.qos == 1 && !replies_.is_5())) return true;
    if (!publisher_.lazy) return true;
    const size_t in_flight_max = context_.settings.mqtt.in_flight_max;
    const auto& messages = publisher_.lazy->unreleased;
    const size_t remembered = publish.qos == 2 && messages ? messages->size() : 0;
    return publisher_.lazy->window.size(replies_.connection().sendable_end()) < in_flight_max &&
           remembered < 2 * in_flight_max;
}

Result<MqttPublishHandler::Progress> MqttPublishHandler::store(const mqtt::Publish& publish,
                                                               const std::string& filter,
                                                               std::string_view topic) {
    const Identity& identity = publisher_.identity;
    const auto charged =
        context_.quotas.sender(identity.site(), identity.tenant(), replies_.connection().peer());
    const int64_t now_us = context_.clock.steady_us();
    auto& lazy_state = publisher_.lazy;
    // If a part of the message, which is a list, is already stored, do not refuse the rest.
    if (!lazy_state || !lazy_state->partial) {
        const auto standing = context_.quotas.standing(charged, now_us);
        if (standing.refused_us > 0) return refuse_for_quota(publish, topic, standing);
        if (lazy_state && standing.over_us == 0) lazy_state->quota_refusals = 0;
    }
    Sender sender =
        mqtt_sender(context_, replies_.connection(), identity, mqtt::level_at_plus(filter, topic));
    sender.route = topic;
    if (publish.qos > 0) {
        sender.client = publisher_.client.first;
        sender.packet_id = publish.packet_id;
        sender.again = publish.dup;
    }
    const auto partial = lazy_state ? std::exchange(lazy_state->partial, nullptr) : nullptr;
    Receipt receipt = partial ? std::move(*partial) : Receipt{};
    const auto taken = take(publish, sender, receipt);
    if (!taken && taken.error().code == Code::ring_full) {
        if (receipt.items > 0) lazy().partial = std::make_unique<Receipt>(std::move(receipt));
        return Progress::blocked;
    }
    context_.quotas.charge(charged, std::max<size_t>(1, receipt.items), publish.payload.size(),
                           now_us);
    if (taken) {
        context_.liveness.taken(receipt, sender);
        acknowledge(publish, sender, receipt, std::nullopt);
    } else {
        count(taken.error().code, topic);
        context_.liveness.refused(taken.error().code, sender);
        acknowledge(publish, sender, receipt, taken.error().code);
    }
    return Progress::done;
}

Result<void> MqttPublishHandler::take(const mqtt::Publish& publish, const Sender& sender,
                                      Receipt& receipt) {
    if (const auto online = availability(publish.payload))
        return context_.intake.announce(*online, sender, receipt);
    Sender declared = sender;
    declared.charset = declared_charset(publish.content_type);
    return context_.intake.accept(publish.payload, body_hint(publish.content_type), declared,
                                  receipt);
}

Result<MqttPublishHandler::Progress> MqttPublishHandler::refuse_for_quota(
    const mqtt::Publish& publish, std::string_view topic, const Quotas::Standing& standing) {
    if (!replies_.is_5() || publish.qos == 0) {
        replies_.connection().throttle(
            std::min(Millis(standing.refused_us / 1000 + 1), throttle_max));
        return Progress::blocked;
    }
    count(standing.code, topic);
    acknowledge_now(publish, standing.code);
    // A client that reacts to a refusal has at most in_flight_max messages on their way. This
    // client has ignored the refusals.
    if (++lazy().quota_refusals > context_.settings.mqtt.in_flight_max)
        return fail(Code::mqtt_over_quota);
    return Progress::done;
}

void MqttPublishHandler::acknowledge(const mqtt::Publish& publish, const Sender& sender,
                                     const Receipt& receipt, std::optional<Code> fault) {
    if (receipt.accepted > 0) {
        if (publisher_.lazy && publisher_.lazy->will &&
            publisher_.lazy->will->device == sender.device)
            publisher_.lazy->will->reported_site = receipt.site;
        replies_.connection().reply_when_durable(receipt.slot, receipt.accepted,
                                                 replies_.acknowledgement(publish, {}));
        remember(publish);
    } else if (!fault && !receipt.refused.empty()) {
        acknowledge_now(publish, receipt.refused.back().code);
    } else {
        acknowledge_now(publish, fault);  // If there is no fault, the message is an empty list.
    }
}

void MqttPublishHandler::acknowledge_now(const mqtt::Publish& publish, std::optional<Code> fault) {
    replies_.send(replies_.acknowledgement(publish, fault));
    // After a PUBREC with an error, no PUBREL follows [MQTT5-4.3.3-4].
    if (!fault || !replies_.is_5()) remember(publish);
}

void MqttPublishHandler::remember(const mqtt::Publish& publish) {
    const uint64_t output_end = replies_.connection().output_end();
    if (publish.qos == 2) {
        lazy().unreleased->add(publish.packet_id, publisher_.connection, output_end);
        lazy().window.add_qos2();
    }
    if (publish.qos == 1 && replies_.is_5()) lazy().window.add_qos1(output_end);
}

void MqttPublishHandler::handle(const mqtt::Acknowledgement& acknowledgement) {
    const auto& [type, packet_id, reason] = acknowledgement;
    if (type == Type::pubrel) {
        auto* const lazy_state = publisher_.lazy.get();
        const bool known = lazy_state != nullptr && lazy_state->unreleased &&
                           lazy_state->unreleased->release(packet_id);
        if (lazy_state != nullptr) lazy_state->window.release_qos2();
        replies_.send(
            mqtt::acknowledgement(replies_.version(), Type::pubcomp, packet_id,
                                  known ? Reason::success : Reason::packet_identifier_not_found));
    } else if (type == Type::pubrec && replies_.is_5() && !is_error(reason)) {
        // The server never sent a message with this packet id. 5.0 requires an answer only to a
        // PUBREC that reports no error (sections 4.3.3 and 4.13.2).
        replies_.send(mqtt::acknowledgement(replies_.version(), Type::pubrel, packet_id,
                                            Reason::packet_identifier_not_found));
    }
}

void MqttPublishHandler::count(Code code, std::string_view topic) {
    context_.refusals.count({.transport = Transport::mqtt,
                             .code = code,
                             .address = replies_.connection().peer(),
                             .target = topic,
                             .site = publisher_.identity.site(),
                             .client = client_id_in(publisher_.identity, publisher_.client.first)});
}

MqttLazyState& MqttPublishHandler::lazy() {
    if (!publisher_.lazy) publisher_.lazy = std::make_unique<MqttLazyState>();
    return *publisher_.lazy;
}

MqttUnreleased* MqttPublishHandler::unreleased() {
    auto& messages = lazy().unreleased;
    if (!messages) messages = registry_.unreleased(publisher_.client, publisher_.connection);
    return messages.get();
}

}  // namespace rollcall
