// MqttSession: the protocol of one MQTT connection, for a client that publishes check-ins in MQTT
// 3.1.1 or 5.0.
//
//   |  awaiting_connect --CONNECT (connect.h)--> connected --DISCONNECT, error, timeout--> closed
//   |                                               |
//   |                                               +-- PUBLISH, PUBREL (publish.h)
//
// The server publishes no messages, so it refuses each SUBSCRIBE as not authorized. The server also
// ends the connection when the credential expires, or when a reload has removed the credential.
//
// Threads: the loop's. Memory: an idle client of 3.1.1 without a will has no MqttLazyState.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "daemon/mqtt/connect.h"
#include "daemon/mqtt/lazy_state.h"
#include "daemon/mqtt/packets.h"
#include "daemon/mqtt/replies.h"
#include "daemon/mqtt/sessions.h"
#include "daemon/net/connection.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/error.h"

namespace rollcall {

struct MqttPublisher;

class MqttSession final : public Session {
public:
    MqttSession(Connection& connection, MqttSessions& sessions);
    ~MqttSession() override;
    MqttSession(const MqttSession&) = delete;
    MqttSession& operator=(const MqttSession&) = delete;

    void on_data(std::string_view& bytes) override;
    void on_resume() override {}  // The packet to retry is still in the input.
    void on_deadline() override;
    void on_slow_input() override { refuse(Code::too_slow); }
    [[nodiscard]] bool on_shutdown() override;
    void on_close() override;
    // Returns the number of the connection in the registry; 0 until CONNECT is accepted.
    [[nodiscard]] uint64_t connection_number() const { return connection_number_; }
    // Ends the connection because the client has connected again.
    void end_for_takeover();
    // Ends the connection if its credential is no longer valid.
    void revalidate_credential();

private:
    enum class State : uint8_t { awaiting_connect, connected };

    // Each function returns true if it has handled the packet, and false if on_data() must retry
    // the packet later.
    bool handle(const mqtt::Connect& connect);
    bool handle(const mqtt::ConnectOtherVersion& connect);
    bool handle(const mqtt::Publish& publish);
    bool handle(const mqtt::Acknowledgement& acknowledgement);
    bool handle(const mqtt::Subscribe& subscribe);
    bool handle(const mqtt::Unsubscribe& unsubscribe);
    bool handle(const mqtt::Pingreq&);
    bool handle(const mqtt::Disconnect& disconnect);
    bool handle(const mqtt::Auth&);

    [[nodiscard]] Connection& connection() const { return replies_.connection(); }
    [[nodiscard]] bool is_connected() const { return state_ == State::connected; }
    [[nodiscard]] size_t packet_bytes_max() const;
    [[nodiscard]] Result<void> identify(const mqtt::Connect& connect);
    [[nodiscard]] bool is_over_quota() const;
    bool accept(const mqtt::Connect& connect);
    void register_client(const mqtt::Connect& connect, const MqttConnectTerms& terms);
    [[nodiscard]] MqttPublisher publisher();
    // Sets the deadline to the end of the keep-alive or to the expiry of the credential, whichever
    // is earlier.
    void set_deadline();
    // Counts a refusal. client_id: the id in CONNECT if the client is not connected yet; otherwise
    // empty.
    void count(Code code, std::string_view client_id = {});
    [[nodiscard]] MqttSiteHash site_hash() const;
    // Removes and returns the will of the closing connection; nothing if the connection has none.
    [[nodiscard]] std::optional<MqttClosingWill> take_will();
    void store_will(DelayedWill will);
    // Three ways to end the connection. The first two always return true, so that handle() can
    // return their result.
    bool reject_connect(const MqttConnectRefusal& refusal, std::string_view client_id = {});
    bool refuse(Code code);
    void end(mqtt::Reason reason, std::string_view reason_string, Linger linger);

    MqttReplies replies_;
    MqttSessions& sessions_;
    State state_ = State::awaiting_connect;
    bool session_wanted_ = false;  // Whether CONNECT asked to keep the session.
    uint32_t silence_max_ms_;
    uint32_t session_expiry_s_ = 0;
    uint32_t index_ = 0;  // Index in MqttSessions.
    uint64_t connection_number_ = 0;
    MqttClients::Client* client_ = nullptr;
    Identity identity_;
    std::unique_ptr<MqttLazyState> lazy_;
};

}  // namespace rollcall
