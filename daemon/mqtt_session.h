// MQTT session: one MQTT 3.1.1 client that publishes check-ins.
//
// CONNECT, PUBLISH with QoS 0 and 1, PINGREQ, DISCONNECT. A PUBACK goes out when its check-in is on
// disk, in the order of the PUBLISH packets [MQTT-4.6.0-2]. There is no session state to keep:
// nothing is ever sent to a client but answers, so Session Present is always 0.
//
// A topic may also say that a router is there or gone, in the words of Home Assistant: `online`,
// `offline`. A client whose will is for such a topic is gone, whatever the will says, when its
// connection ends without DISCONNECT [MQTT-3.1.2-8]: then a row says so, online = 0.
//
// A report that cannot be decoded is acknowledged and counted: 3.1.1 has no other way to say that
// sending it again is of no use, and a router would send it for ever. Who sent it is still seen.
//
// Threads: the loop's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "daemon/connection.h"
#include "daemon/liveness.h"
#include "daemon/mqtt_codec.h"
#include "pipeline/intake.h"

namespace rollcall {

class MqttSession final : public Session {
public:
    MqttSession(Connection& connection, const Settings& settings, Intake& intake,
                Liveness& liveness, const Clock& clock, Slab& slab);

    void receive(std::string_view& bytes) override;
    void resume() override {}  // The packet that found the ring full is still in the input.
    void expire() override;
    void closed() override;

private:
    // Each says whether the packet is done with; not so only if the ring is full.
    bool on(const mqtt::Connect& connect);
    bool on(const mqtt::ConnectOtherVersion& connect);
    bool on(const mqtt::Publish& publish);
    bool on(const mqtt::Pingreq&);
    bool on(const mqtt::Disconnect&);
    bool on(const mqtt::Unsupported&);

    [[nodiscard]] const std::string* filter_for(std::string_view topic) const;
    [[nodiscard]] Sender sender_at(std::string_view device) const;
    void count(Code code);
    void refuse(Code code);

    Connection& connection_;
    const Settings& settings_;
    Intake& intake_;
    Liveness& liveness_;
    const Clock& clock_;
    Slab& slab_;
    Receipt receipt_;  // Of what was taken of a message before the ring was full.
    // From the will's topic, as long as there is a will; and the site that is reported for there.
    std::optional<std::string> will_device_;
    std::string will_site_;
    bool connected_ = false;
    Millis silence_max_;
};

}  // namespace rollcall
