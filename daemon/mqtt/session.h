// MQTT session: one client that publishes check-ins, in MQTT 3.1.1 or 5.0.
//
// A PUBACK or PUBREC goes out when its check-in is on disk, in the order of the PUBLISH packets
// [MQTT-4.6.0-2]. Nothing is ever sent to a client but answers: a SUBSCRIBE is answered that it is
// not authorized.
//
// A topic may also say that a router is there or gone, in the words of Home Assistant: `online`,
// `offline`. A client whose will is for such a topic is gone, whatever the will says, when its
// connection ends without DISCONNECT [MQTT-3.1.2-8] and its will delay has passed: then a row says
// so, online = 0. One that is back already is not gone, even if its last connection ends only then.
//
// A report that cannot be decoded is told by the reason code 0x99 in 5.0. 3.1.1 has no way to say
// that sending it again is of no use, and a router would for ever: there it is acknowledged.
// In both it is counted, and who sent it is still seen. The same is true of a topic that nobody
// takes, but that nobody is seen by it. Such a message would else come back after each reconnect,
// and hold up all that the router has to say (3.1.1 allows both [MQTT-3.3.5-2]).
//
// Whose check-ins they are says the credential of CONNECT; a topic that names another site changes
// nothing. When it has expired, or a reload has taken it away, the connection ends.
//
// Threads: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/mqtt/packet_parser.h"
#include "daemon/mqtt/packet_writer.h"
#include "daemon/mqtt/topics.h"
#include "daemon/mqtt/sessions.h"
#include "daemon/net/connection.h"
#include "daemon/security/credentials.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class MqttSession final : public Session {
public:
    MqttSession(Connection& connection, MqttSessions& all);
    ~MqttSession() override;
    MqttSession(const MqttSession&) = delete;
    MqttSession& operator=(const MqttSession&) = delete;

    void on_data(std::string_view& bytes) override;
    void on_resume() override {}  // The packet that could not be done with is still in the input.
    void on_deadline() override;
    void on_slow_input() override { refuse(Code::too_slow); }
    void on_shutdown() override;
    void on_close() override;
    // Of its connection, among all; 0 until there is an MQTT session.
    [[nodiscard]] uint64_t number() const { return number_; }
    // The client has connected again.
    void taken_over();
    // Ends the connection if its credential does not count any more.
    void check_credential();

private:
    // Each says whether the packet is done with. If not, the ring is full, or the client's last
    // connection has not ended yet and may have taken this message: then it is tried again.
    bool on(const mqtt::Connect& connect);
    bool on(const mqtt::ConnectOtherVersion& connect);
    bool on(const mqtt::Publish& publish);
    bool on(const mqtt::Acknowledgement& acknowledgement);
    bool on(const mqtt::Subscribe& subscribe);
    bool on(const mqtt::Unsubscribe& unsubscribe);
    bool on(const mqtt::Pingreq&);
    bool on(const mqtt::Disconnect& disconnect);
    bool on(const mqtt::Auth&);

    [[nodiscard]] bool is_5() const { return version_ == mqtt::Version::v5; }
    [[nodiscard]] Result<void> identify(const mqtt::Connect& connect);
    bool accept(const mqtt::Connect& connect);
    // Returns true: the packet is done with.
    bool reject(mqtt::Reason reason, Code code);
    void take_will(const mqtt::Connect& connect);
    // No longer than the client may be silent, and its credential is valid.
    void set_deadline();
    // The topic that is meant; nothing if the client was refused.
    [[nodiscard]] std::optional<std::string_view> topic_of(const mqtt::Publish& publish);
    // False if the client was refused.
    [[nodiscard]] bool may_send(const mqtt::Publish& publish);
    bool take(const mqtt::Publish& publish, const std::string& filter, std::string_view topic);
    bool refuse_for_quota(const mqtt::Publish& publish, const Quotas::Standing& standing);
    // Answers at once: of this message there is no row.
    void decline(const mqtt::Publish& publish, std::optional<Code> fault);
    // As long as it is not done with.
    void remember(const mqtt::Publish& publish);
    [[nodiscard]] std::string answer(const mqtt::Publish& publish, std::optional<Code> fault) const;

    [[nodiscard]] const std::string* filter_for(std::string_view topic) const;
    [[nodiscard]] Sender sender_at(std::string_view device) const;
    void say(std::string_view packet);
    // The packet that make() gives for these words, or for none if the client shall not hear them
    // [MQTT5-3.1.2-24] [MQTT5-3.1.2-29].
    template <class Make>
    [[nodiscard]] std::string with_words(std::string_view words, const Make& make) const {
        std::string packet = make(words);
        const bool may_hear = wants_reasons_ && packet.size() <= packet_bytes_max_;
        return may_hear ? packet : make(std::string_view());
    }
    // The last packet, if the version has one, and the end.
    void dismiss(mqtt::Reason reason, std::string_view words, Linger linger);
    void count(Code code);
    bool refuse(Code code);  // Returns true: the packet is done with.

    struct Will {
        std::string device;  // From its topic.
        std::string site;    // That is reported for there; empty if there was no report.
        uint32_t delay_s;
    };
    // An idle client shall cost little: what few have lies elsewhere, and is made when it is
    // needed.
    struct Rare {
        std::unique_ptr<Receipt> begun;  // Of a message of which a part was taken, before the ring
                                         // was full.
        std::unique_ptr<Will> will;      // As long as there is one.
        std::shared_ptr<MqttReceived> received;  // Messages of QoS 2,
        size_t unreleased = 0;                   // and how many of these are this connection's.
        // Of 5.0:
        std::vector<uint64_t> answers;     // Where those of QoS 1 end that may not have gone out.
        std::vector<std::string> aliases;  // Topics; empty where none is known.
        size_t over_quota = 0;             // Refused since it was last within its quota.
    };
    [[nodiscard]] Rare& rare();
    // nullptr: another connection has taken over.
    [[nodiscard]] MqttReceived* received();

    Connection& connection_;
    MqttSessions& all_;
    mqtt::Version version_ = mqtt::Version::v3_1_1;
    bool connected_ = false;
    bool wants_reasons_ = true;
    bool wants_session_ = false;  // To outlive its connection, whatever is granted.
    uint32_t silence_max_ms_;
    uint32_t packet_bytes_max_ = UINT32_MAX;  // That the client takes.
    uint32_t session_expiry_s_ = 0;
    uint32_t seat_ = 0;  // Among the worker's.
    uint64_t number_ = 0;
    MqttClients::Client* client_ = nullptr;
    Identity who_;
    std::unique_ptr<Rare> rare_;
};

}  // namespace rollcall
