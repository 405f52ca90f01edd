// MqttClients: which MQTT client has which connection, and what of its session must outlive that.
//
// One table for all workers, as a client may come back to any of them. A client id has one
// connection: whoever had it is asked to leave [MQTT-3.1.4-2]. A session of this server is no more
// than the packet ids of QoS 2 messages that were taken and not released yet; it is kept in memory
// for as long as its client asked for, then goes, and a restart forgets it. A message that is sent
// again after that is known by its fingerprint (pipeline/columns/row_id.h).
//
// Threads: any. Mutexes, not atomics: they are taken when a client comes or goes and at packets of
// QoS 2, of which a router sends a few a minute.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/metrics.h"

namespace rollcall {

// Packet ids that were taken and not released [MQTT-4.3.3-2]. A connection that was taken over may
// still be at work when the next one is, so each message remembers whose it was.
class MqttReceived {
public:
    // The client has a newer connection, in this session or in one that begins instead.
    void pass_to(uint64_t connection);
    [[nodiscard]] uint64_t last_connection();

    enum class Known : uint8_t {
        no,
        yes,        // It is on disk, or will be before what `connection` says next.
        unsettled,  // An earlier connection has taken it and is still at work.
    };
    [[nodiscard]] Known knows(uint16_t packet_id, uint64_t connection);
    // Its PUBREC ends at `end` of the connection's output.
    void add(uint16_t packet_id, uint64_t connection, uint64_t end);
    // False if it was not there.
    bool release(uint16_t packet_id);
    // The connection ends; what it says from `said` on will never be heard, and the messages that
    // this was about may be on no disk: they are forgotten and will be sent again.
    void settle(uint64_t connection, uint64_t said);
    [[nodiscard]] size_t size();

private:
    struct Message {
        uint16_t packet_id;
        uint64_t connection;  // 0: of one that has ended.
        uint64_t end;
    };
    std::mutex mutex_;
    uint64_t last_connection_ = 0;
    std::vector<Message> messages_;
};

// Where the connections of a worker are asked to leave: at a seat, if that one still has it.
class MqttMailbox {
public:
    virtual void ask_to_leave(uint32_t seat, uint64_t connection) = 0;

protected:
    ~MqttMailbox() = default;
};

class MqttClients {
public:
    // away_max: sessions without a connection; what is more is not kept.
    explicit MqttClients(size_t away_max) : away_max_(away_max) {}

    enum class State : uint8_t { connected, away, over };
    // What is known of a client. There may be a million of these.
    struct Entry {
        std::shared_ptr<MqttReceived> received;  // Made when it is needed.
        uint64_t connection = 0;                 // The last one.
        MqttMailbox* mailbox = nullptr;          // Where that is.
        uint32_t seat = 0;
        uint32_t expires_s = 0;  // While it is away.
        uint32_t open = 0;       // Connections that are not closed.
        bool keep = false;       // The session, if the connection is taken over.
        State state = State::over;
    };
    // A client in the table, by its id, until the last of its connections is closed.
    using Client = std::pair<const std::string, Entry>;

    struct Opened {
        Client* client;
        uint64_t connection;                     // Its number, never 0.
        bool present;                            // There was a session, which goes on.
        std::shared_ptr<MqttReceived> received;  // Of that session; nullptr if there is nothing.
    };
    // keep: the session is to outlive this connection.
    [[nodiscard]] Opened open(std::string client_id, MqttMailbox& mailbox, uint32_t seat,
                              bool clean_start, bool keep, int64_t now_s);

    // What its session has received, which few ever ask for. nullptr: another connection has taken
    // over.
    [[nodiscard]] std::shared_ptr<MqttReceived> received(Client& client, uint64_t connection);

    // DISCONNECT may say otherwise than CONNECT did.
    void keep(Client& client, uint64_t connection, bool keep);

    enum class Closed : uint8_t {
        kept,        // The session, for expiry_s.
        ended,       // It is over, which may be because there are too many.
        taken_over,  // It is another connection's.
    };
    // Once for each connection that was opened.
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s);

    // Forgets some of the sessions that have expired; true if there are more, for another call.
    bool drop_expired(int64_t now_s);

    [[nodiscard]] const MetricShard& shard() const { return shard_; }

private:
    // For a hash that it takes for cheap the table does not keep one in each entry.
    struct Hash {
        size_t operator()(std::string_view id) const noexcept {
            return std::hash<std::string_view>{}(id);
        }
    };

    void end_session(Client& client);
    void forget(const Client& client);
    bool drop_some_expired(int64_t now_s);
    void go_away(Client& client, uint32_t expires_s);
    void come_back(Client& client);

    std::mutex mutex_;
    std::unordered_map<std::string, Entry, Hash> clients_;
    std::set<std::pair<uint32_t, Client*>> away_;  // By when their sessions expire.
    size_t away_max_;
    uint64_t connections_ = 0;
    MetricShard shard_;  // Written under the mutex.
};

}  // namespace rollcall
