#include "daemon/mqtt/replies.h"

#include "daemon/mqtt/packet_writer.h"

namespace rollcall {

using mqtt::Reason;
using mqtt::Type;

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
        case Code::over_network_quota:
        case Code::memory_short: return Reason::quota_exceeded;
        case Code::mqtt_over_quota: return Reason::message_rate_too_high;
        case Code::too_slow: return Reason::unspecified_error;
        case Code::bad_credential: return Reason::bad_user_name_or_password;
        case Code::no_credential:
        case Code::unlimited_credential:
        case Code::expired_credential: return Reason::not_authorized;
        case Code::signature_checks_suspended: return Reason::server_busy;
        default: return Reason::payload_format_invalid;
    }
}

void MqttReplies::send(std::string_view packet) {
    if (!packet.empty() && fits(packet)) connection_.reply(packet);
}

void MqttReplies::send_refusing_connack(Reason reason, std::string_view reason_string) {
    send(with_reason_string(reason_string, [&](std::string_view text) {
        return mqtt::refusing_connack(version_, reason, text);
    }));
}

void MqttReplies::send_disconnect(Reason reason, std::string_view reason_string) {
    if (!is_5()) return;
    send(with_reason_string(reason_string,
                            [&](std::string_view text) { return mqtt::disconnect(reason, text); }));
}

std::string MqttReplies::acknowledgement(const mqtt::Publish& publish,
                                         std::optional<Code> fault) const {
    if (publish.qos == 0) return {};
    const Type type = publish.qos == 1 ? Type::puback : Type::pubrec;
    if (!fault || !is_5()) return mqtt::acknowledgement(version_, type, publish.packet_id);
    const Reason reason = reason_for(*fault);
    return with_reason_string(to_text(*fault), [&](std::string_view text) {
        return mqtt::acknowledgement(version_, type, publish.packet_id, reason, text);
    });
}

}  // namespace rollcall
