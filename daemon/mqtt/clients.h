// MqttClients: the MQTT clients of the daemon by client id: the connection that each has,
// and the session state that outlives a connection.
//
// All workers share one registry, because a client may reconnect to any of them. A client id has at
// most one connection: a new one takes over, and the registry posts a takeover to the mailbox of
// the worker that has the old one [MQTT-3.1.4-2]. Session state is an MqttUnreleased. It stays in
// memory as long as its client asked for; a restart of the daemon forgets it. A message that is
// sent again after that is recognised by its fingerprint (pipeline/columns/row_id.h).
//
//   |  connected  --close, session kept-->  offline  --expiry-->  ended
//   |      |                                   |
//   |      +--close, session not kept--> ended +--open--> connected
//
// An entry is removed when its session has ended and all of its connections are closed.
//
// Threads: any. A mutex is enough: it is taken when a client connects or disconnects, and by
// packets
//          of QoS 2, of which a router sends a few a minute. Units: seconds of the steady clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/metrics.h"
#include "daemon/mqtt/unreleased.h"
#include "pipeline/base/hash.h"

namespace rollcall {

// The mailbox of a worker, which receives takeovers of its connections.
class MqttMailbox {
public:
    // Asks the session with this index to close, if it still has this connection. Any thread.
    virtual void post_takeover(uint32_t session_index, uint64_t connection) = 0;

protected:
    ~MqttMailbox() = default;
};

class MqttClients {
public:
    // offline_max: maximum number of sessions without a connection; further ones are not kept.
    explicit MqttClients(size_t offline_max) : offline_max_(offline_max) {}

    enum class State : uint8_t { connected, offline, ended };
    // One client. There may be a million of these.
    struct Entry {
        std::shared_ptr<MqttUnreleased> unreleased;  // Created when first needed.
        uint64_t connection = 0;                     // The newest one.
        MqttMailbox* mailbox = nullptr;              // Mailbox of its worker.
        uint32_t session_index = 0;                  // In that worker.
        uint32_t expires_s = 0;                      // While the session is offline.
        uint32_t open_connections = 0;
        bool keep_session = false;  // If the connection is taken over.
        State state = State::ended;
    };
    // A client id and its entry; valid until the last of its connections is closed.
    using Client = std::pair<const std::string, Entry>;

    struct Opened {
        Client* client;
        uint64_t connection;                         // The number of the connection, never 0.
        bool session_present;                        // An earlier session continues.
        std::shared_ptr<MqttUnreleased> unreleased;  // The messages of that session, or nullptr.
    };
    // Registers a connection. keep_session: the session is to outlive this connection.
    [[nodiscard]] Opened open(std::string client_id, MqttMailbox& mailbox, uint32_t session_index,
                              bool clean_start, bool keep_session, int64_t now_s);

    // Returns the unreleased messages of the session, which few clients need; nullptr if another
    // connection has taken over.
    [[nodiscard]] std::shared_ptr<MqttUnreleased> unreleased(Client& client, uint64_t connection);

    // Changes whether the session outlives the connection, as DISCONNECT may.
    void set_keep_session(Client& client, uint64_t connection, bool keep_session);

    enum class Closed : uint8_t {
        kept,        // The session is kept for expiry_s.
        ended,       // The session has ended, perhaps because there are too many.
        taken_over,  // The session belongs to another connection.
    };
    // Removes a connection; call it once for each connection that was opened.
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s);

    // Removes some of the sessions that have expired; returns true if there are more.
    bool drop_expired(int64_t now_s);

    [[nodiscard]] const MetricShard& shard() const { return shard_; }

    // The hash has a secret key, because clients choose their ids: with std::hash they could choose
    // ids that share a bucket, and each CONNECT would search all of them under the mutex. It is
    // noexcept, because the library then stores no hash value in each entry.
    struct Hash {
        size_t operator()(std::string_view id) const noexcept { return process_hash(id); }
    };

private:
    void end_session(Client& client);
    void erase_if_closed(const Client& client);
    bool drop_some_expired(int64_t now_s);
    void add_offline(Client& client, uint32_t expires_s);
    void remove_offline(Client& client);

    std::mutex mutex_;
    std::unordered_map<std::string, Entry, Hash> clients_;
    std::set<std::pair<uint32_t, Client*>> offline_;  // Ordered by expiry.
    size_t offline_max_;
    uint64_t connections_ = 0;
    MetricShard shard_;  // Written under the mutex.
};

}  // namespace rollcall
