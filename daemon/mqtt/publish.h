// MqttPublishHandler: handles one PUBLISH, or one packet of the QoS 2 flow, of a connected client.
//
//   |  PUBLISH --> topic, alias --> QoS 2 duplicate? --> receive window --> quota --> Intake
//   |                                                                                   |
//   |  PUBACK or PUBREC  <--  the check-in is on disk, in the order of the PUBLISH packets
//   |                         [MQTT-4.6.0-2]
//
// The credential of CONNECT names the site of a check-in. If the topic names another site, the name
// in the topic is ignored.
//
// When a client of 5.0 is over its quota, the server refuses its messages of QoS 1 and 2 with a
// reason code. The server ends the connection when it has refused more than mqtt.in_flight_max
// messages in a row. Messages of QoS 0, and messages of 3.1.1, cannot be refused. If such a message
// is over the quota, the server stops reading from the connection until the client may send again.
//
// Threads: the loop's. Each packet has its own handler object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/ingest/context.h"
#include "daemon/mqtt/clients.h"
#include "daemon/mqtt/lazy_state.h"
#include "daemon/mqtt/packets.h"
#include "daemon/mqtt/replies.h"
#include "daemon/overload/quotas.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/error.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

struct MqttPublisher {
    MqttReplies& replies;
    const Identity& identity;
    MqttClients::Client& client;
    uint64_t connection;  // Number of the connection in the registry.
    std::unique_ptr<MqttLazyState>& lazy;
};

// Returns the Sender of a message: the description of its client for Intake. device: the device
// that the topic names.
[[nodiscard]] Sender mqtt_sender(const IngestContext& context, const Connection& connection,
                                 const Identity& identity, std::string_view device);

class MqttPublishHandler {
public:
    MqttPublishHandler(const IngestContext& context, MqttClients& registry,
                       const MqttPublisher& publisher)
        : context_(context),
          registry_(registry),
          replies_(publisher.replies),
          publisher_(publisher) {}

    enum class Progress : uint8_t {
        done,
        blocked,     // Try the packet again later. The ring is full, the client must wait, or an
                     // earlier connection of the client has received this message and has not
                     // closed yet.
        taken_over,  // The client has connected again; this connection must end.
    };
    // Handles a PUBLISH. After an error the connection must end.
    [[nodiscard]] Result<Progress> handle(const mqtt::Publish& publish);
    // Handles PUBREL, and acknowledgements of messages that the server never sent.
    void handle(const mqtt::Acknowledgement& acknowledgement);

private:
    [[nodiscard]] Result<std::string_view> topic_of(const mqtt::Publish& publish);
    // Handles a duplicate of QoS 2; returns nothing if the message is new.
    [[nodiscard]] std::optional<Progress> handle_duplicate(const mqtt::Publish& publish);
    [[nodiscard]] bool has_room_for(const mqtt::Publish& publish);
    [[nodiscard]] Result<Progress> store(const mqtt::Publish& publish, const std::string& filter,
                                         std::string_view topic);
    // Passes the message to Intake. After ring_full, call take() again when the ring has room.
    [[nodiscard]] Result<void> take(const mqtt::Publish& publish, const Sender& sender,
                                    Receipt& receipt);
    [[nodiscard]] Result<Progress> refuse_for_quota(const mqtt::Publish& publish,
                                                    std::string_view topic,
                                                    const Quotas::Standing& standing);
    void acknowledge(const mqtt::Publish& publish, const Sender& sender, const Receipt& receipt,
                     std::optional<Code> fault);
    // Acknowledges a message from which no row was stored, without waiting for the disk.
    void acknowledge_now(const mqtt::Publish& publish, std::optional<Code> fault);
    void remember(const mqtt::Publish& publish);
    void count(Code code, std::string_view topic);

    [[nodiscard]] MqttLazyState& lazy();
    // Returns the unreleased messages of the session; nullptr if another connection has taken over.
    [[nodiscard]] MqttUnreleased* unreleased();

    const IngestContext& context_;
    MqttClients& registry_;
    MqttReplies& replies_;
    MqttPublisher publisher_;
};

}  // namespace rollcall
