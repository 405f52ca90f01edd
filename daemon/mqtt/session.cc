#include "daemon/mqtt/session.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "daemon/mqtt/packet_parser.h"
#include "daemon/mqtt/packet_writer.h"
#include "daemon/mqtt/publish.h"
#include "daemon/mqtt/will.h"
#include "pipeline/base/hash.h"

namespace rollcall {

namespace {

using mqtt::Reason;

// An idle client takes at most 700 bytes for this object, the connection and an entry in
// MqttClients.
static_assert(sizeof(MqttSession) <= 128);

constexpr Millis farewell_time{2000};  // Time for the client to receive the reason of the
                                       // disconnect.

bool is_connect(const decltype(mqtt::Packet::content)& content) {
    return std::holds_alternative<mqtt::Connect>(content) ||
           std::holds_alternative<mqtt::ConnectOtherVersion>(content);
}

}  // namespace

MqttSession::MqttSession(Connection& connection, MqttSessions& sessions)
    : replies_(connection),
      sessions_(sessions),
      silence_max_ms_(milliseconds_of(sessions.settings().mqtt.connect_timeout_max)) {
    connection.set_deadline(Millis(silence_max_ms_));
}

MqttSession::~MqttSession() {
    if (connection_number_ != 0) sessions_.remove(index_);
}

void MqttSession::on_data(std::string_view& bytes) {
    while (connection().ready() && !bytes.empty()) {
        const auto packet = mqtt::parse(bytes, packet_bytes_max(), replies_.version());
        if (!packet) {
            if (!is_connected())
                replies_.set_version(mqtt::version_named(bytes).value_or(replies_.version()));
            refuse(packet.error().code);
            return;
        }
        if (!*packet) return;
        const auto& content = (*packet)->content;
        // CONNECT comes first, and only once [MQTT-3.1.0-1] [MQTT-3.1.0-2].
        if (is_connect(content) == is_connected()) {
            refuse(Code::mqtt_unexpected_packet);
            return;
        }
        if (!std::visit([this](const auto& any) { return handle(any); }, content)) {
            if (!connection().throttled()) connection().pause();
            return;
        }
        bytes.remove_prefix((*packet)->bytes);
        if (connection().is_open()) set_deadline();
    }
}

// Returns the largest packet that the client may send. The limit is smaller until the
// client is authenticated.
size_t MqttSession::packet_bytes_max() const {
    const Settings& settings = sessions_.settings();
    const auto size_max = settings.mqtt.packet_size_max;
    return is_connected() ? size_max.count
                          : std::min(size_max, settings.mqtt.connect_size_max).count;
}

// --- CONNECT ---

bool MqttSession::handle(const mqtt::Connect& connect) {
    replies_.set_version(connect.version);
    replies_.set_packet_bytes_max(connect.packet_bytes_max);
    if (connection().should_reject_for_overload())
        return reject_connect({Reason::server_busy, Code::overloaded});
    if (const auto refusal = refusal_of(connect, sessions_.settings()))
        return reject_connect(*refusal);
    if (const auto identified = identify(connect); !identified) {
        const Code code = identified.error().code;
        return reject_connect({reason_for(code), code}, connect.client_id);
    }
    return accept(connect);
}

bool MqttSession::handle(const mqtt::ConnectOtherVersion&) {
    return reject_connect({Reason::unsupported_protocol_version, Code::mqtt_unsupported});
}

Result<void> MqttSession::identify(const mqtt::Connect& connect) {
    Credential credential =
        Credential::login(connect.username.value_or(""), connect.password.value_or(""));
    credential.peer = connection().peer();
    credential.certified = connection().certificate_name();
    return sessions_.context().credentials.identify(credential, identity_);
}

bool MqttSession::is_over_quota() const {
    const IngestContext& context = sessions_.context();
    const auto sender =
        context.quotas.sender(identity_.site(), identity_.tenant(), connection().peer());
    return context.quotas.standing(sender, context.clock.steady_us()).over_us > 0;
}

bool MqttSession::accept(const mqtt::Connect& connect) {
    const Settings& settings = sessions_.settings();
    replies_.set_wants_reasons(connect.wants_reasons);
    const MqttConnectTerms terms = negotiate(connect, settings, is_over_quota());
    // A client that cannot receive the CONNACK with the terms would break the terms.
    if (!replies_.fits(terms.connack(connect.version, false, settings)))
        return reject_connect({Reason::packet_too_large, Code::mqtt_unsupported},
                              connect.client_id);

    state_ = State::connected;
    silence_max_ms_ = terms.silence_max_ms;
    session_expiry_s_ = terms.session_expiry_s;
    session_wanted_ = terms.session_wanted;
    connection().mark_authenticated();
    register_client(connect, terms);
    return true;
}

void MqttSession::register_client(const mqtt::Connect& connect, const MqttConnectTerms& terms) {
    if (auto will = will_of(connect, sessions_.settings())) {
        lazy_ = std::make_unique<MqttLazyState>();
        lazy_->will = std::make_unique<MqttWill>(std::move(*will));
    }
    index_ = sessions_.add(*this);
    const auto opened = sessions_.registry().open(
        registry_key(identity_, terms.client_id), sessions_.mailbox(), index_, connect.clean_start,
        session_expiry_s_ > 0, sessions_.now_s(), site_hash());
    client_ = opened.client;
    connection_number_ = opened.connection;
    if (opened.unreleased) {
        if (!lazy_) lazy_ = std::make_unique<MqttLazyState>();
        lazy_->unreleased = opened.unreleased;
    }
    replies_.send(terms.connack(connect.version, opened.session_present, sessions_.settings()));
}

bool MqttSession::reject_connect(const MqttConnectRefusal& refusal, std::string_view client_id) {
    replies_.send_refusing_connack(refusal.reason, to_text(refusal.code));
    count(refusal.code, client_id);
    connection().close_after_replies(Linger::always);
    return true;
}

// --- packets of a connected client ---

MqttPublisher MqttSession::publisher() {
    return {.replies = replies_,
            .identity = identity_,
            .client = *client_,
            .connection = connection_number_,
            .lazy = lazy_};
}

bool MqttSession::handle(const mqtt::Publish& publish) {
    using Progress = MqttPublishHandler::Progress;
    const auto progress =
        MqttPublishHandler(sessions_.context(), sessions_.registry(), publisher()).handle(publish);
    if (!progress) return refuse(progress.error().code);
    if (*progress == Progress::taken_over) end_for_takeover();
    return *progress != Progress::blocked;
}

bool MqttSession::handle(const mqtt::Acknowledgement& acknowledgement) {
    MqttPublishHandler(sessions_.context(), sessions_.registry(), publisher())
        .handle(acknowledgement);
    return true;
}

bool MqttSession::handle(const mqtt::Subscribe& subscribe) {
    count(Code::mqtt_unsupported);
    replies_.send(mqtt::suback(replies_.version(), subscribe.packet_id, subscribe.filters,
                               Reason::not_authorized));
    return true;
}

bool MqttSession::handle(const mqtt::Unsubscribe& unsubscribe) {
    replies_.send(mqtt::unsuback(replies_.version(), unsubscribe.packet_id, unsubscribe.filters,
                                 Reason::no_subscription_existed));
    return true;
}

bool MqttSession::handle(const mqtt::Pingreq&) {
    replies_.send(mqtt::pingresp());
    return true;
}

bool MqttSession::handle(const mqtt::Disconnect& disconnect) {
    if (disconnect.session_expiry_s) {
        // CONNECT asked for a session that ends with the connection. In MQTT 5, a DISCONNECT must
        // not change that (section 3.14.2.2.2).
        if (!session_wanted_ && *disconnect.session_expiry_s > 0)
            return refuse(Code::mqtt_protocol_error);
        session_expiry_s_ = std::min(*disconnect.session_expiry_s,
                                     seconds_of(sessions_.settings().mqtt.session_expiry_max));
        // Tell the registry now, because the client can connect again before the last answer is
        // sent.
        sessions_.registry().set_keep_session(*client_, connection_number_, session_expiry_s_ > 0);
    }
    if (disconnect.reason == Reason::success && lazy_) lazy_->will.reset();  // [MQTT-3.1.2-10]
    connection().close_after_replies(Linger::if_unread);
    return true;
}

// The server refuses a CONNECT with an authentication method, so AUTH is an error [MQTT5-4.12.0-7].
bool MqttSession::handle(const mqtt::Auth&) { return refuse(Code::mqtt_protocol_error); }

void MqttSession::count(Code code, std::string_view client_id) {
    if (client_ != nullptr) client_id = client_id_in(identity_, client_->first);
    sessions_.context().refusals.count({.transport = Transport::mqtt,
                                        .code = code,
                                        .address = connection().peer(),
                                        .site = identity_.site(),
                                        .client = client_id});
}

void MqttSession::set_deadline() {
    Millis deadline(silence_max_ms_);
    if (identity_.expires_s != 0) {
        // Add one second, so that the credential has certainly expired when the deadline passes.
        const int64_t left_ms =
            (identity_.expires_s + 1) * 1000 - sessions_.context().clock.wall_us() / 1000;
        deadline = std::min(deadline, Millis(std::max<int64_t>(left_ms, 0)));
    }
    connection().set_deadline(deadline);
}

// --- the end ---

// Ends the connection of a client that breaks the protocol [MQTT-4.8.0-1].
bool MqttSession::refuse(Code code) {
    count(code);
    end(reason_for(code), to_text(code), Linger::always);
    return true;
}

void MqttSession::end(Reason reason, std::string_view reason_string, Linger linger) {
    if (is_connected()) {
        replies_.send_disconnect(reason, reason_string);
    } else if (replies_.is_5()) {
        // Send no reason string. The CONNECT was not parsed, so the client's maximum packet size is
        // unknown.
        replies_.send(mqtt::refusing_connack(replies_.version(), reason));
    }
    connection().close_after_replies(linger);
}

void MqttSession::on_deadline() {
    if (!is_connected()) {
        count(Code::timeout);
        return connection().close();
    }
    revalidate_credential();
    if (!connection().is_open()) return;
    // The daemon is not reading from this connection, so it cannot tell whether the client is
    // silent.
    if (!connection().ready()) return set_deadline();
    count(Code::timeout);
    end(Reason::keep_alive_timeout, {}, Linger::if_unread);
    connection().set_deadline(farewell_time);
}

bool MqttSession::on_shutdown() {
    if (is_connected()) end(Reason::server_shutting_down, {}, Linger::if_unread);
    return true;
}

void MqttSession::end_for_takeover() {
    if (!connection().is_open()) return;
    end(Reason::session_taken_over, {}, Linger::if_unread);
    connection().set_deadline(farewell_time);
}

void MqttSession::revalidate_credential() {
    if (!is_connected() || !connection().is_open()) return;
    const auto valid = sessions_.context().credentials.revalidate(identity_);
    if (valid) return;
    count(valid.error().code);
    end(Reason::not_authorized, to_text(valid.error().code), Linger::if_unread);
    connection().set_deadline(farewell_time);
}

void MqttSession::on_close() {
    if (connection_number_ == 0) return;
    if (lazy_ && lazy_->unreleased)
        lazy_->unreleased->settle(connection_number_, connection().sendable_end());
    std::optional<MqttClosingWill> will = take_will();
    sessions_.registry().close(*client_, connection_number_, session_expiry_s_, sessions_.now_s(),
                               will);
    if (will) store_will(std::move(will->will));
}

// Hashes the site of the credential or, without a credential, the site in the will's topic.
MqttSiteHash MqttSession::site_hash() const {
    const MqttWill* const will = lazy_ ? lazy_->will.get() : nullptr;
    if (identity_.site().empty() && will == nullptr) return 0;
    const std::string_view site = identity_.site().empty() ? will->device : identity_.site();
    return static_cast<MqttSiteHash>(process_hash(site)) | 1;
}

std::optional<MqttClosingWill> MqttSession::take_will() {
    if (!lazy_ || !lazy_->will) return std::nullopt;
    const MqttSiteHash hash = site_hash();
    const auto will = std::move(lazy_->will);
    return MqttClosingWill{.will = {.site = will->site(identity_.site()),
                                    .site_is_authenticated = !identity_.site().empty(),
                                    .peer = std::string(connection().peer()),
                                    .tenant = std::string(identity_.tenant()),
                                    .payload_bytes = will->payload_bytes},
                           .delay_s = will->delay_s,
                           .site_hash = hash};
}

void MqttSession::store_will(DelayedWill will) {
    const bool has_room = sessions_.context().intake.has_room();
    if (!has_room &&
        sessions_.registry().keep_due_will(connection_number_, sessions_.now_s(), will))
        return;
    const auto receipt = sessions_.store(will);
    if (receipt) connection().reply_when_durable(receipt->slot, receipt->accepted, {});
}

}  // namespace rollcall
