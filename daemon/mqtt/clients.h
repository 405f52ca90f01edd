// MqttClients: the registry of the daemon's MQTT clients by client id. For each client it stores
// the connection, and the state of the session, which can outlive a connection.
//
// All workers share one registry, because a client can reconnect to any of them. A client id has at
// most one connection. When a client connects again, the new connection takes over. The registry
// then tells the worker of the old connection to close the old connection [MQTT-3.1.4-2].
//
// The state of a session consists of the QoS 2 messages that the client has not released yet
// (MqttUnreleased), and of a will that waits for its delay. After the end of a connection, the
// state stays in memory for the time that the client asked for. A restart of the daemon loses the
// state. If a client then repeats a message, the message is still recognized as a duplicate by its
// fingerprint (pipeline/columns/row_id.h).
//
//   |  connected  --close, session kept-->      offline  --expiry-->  ended
//   |  connected  --close, session not kept-->  ended
//   |  offline    --open-->                     connected
//
// An entry is removed when its session has ended and all of its connections are closed.
//
// Wills [MQTT-3.1.2-8] [MQTT5-3.1.2-8]. A will without a delay is stored by the caller of close().
// A will with a delay waits in this registry, and is discarded if the client connects again during
// the delay. If the caller cannot store a will because its worker's ring is full, the will also
// waits in this registry. If a new connection has taken over, close() discards the will of the old
// connection in two cases. In the first case the new connection is of the same site, so the router
// is online. In the second case the will has a delay, and the new connection continues the session.
//
// Threads: any. One mutex is enough, because threads rarely lock it. They lock it when a client
// connects or disconnects, when a will is due, and for packets of QoS 2. A router sends only a few
// packets of QoS 2 a minute.
// Units: seconds of the steady clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "config/metrics.h"
#include "daemon/mqtt/delayed_wills.h"
#include "daemon/mqtt/unreleased.h"
#include "pipeline/base/hash.h"

namespace rollcall {

// The mailbox of a worker, which receives takeovers of its connections.
class MqttMailbox {
public:
    // Asks the worker to close the connection of the session with this index, if the number of that
    // connection is still `connection`. Any thread may call this.
    virtual void post_takeover(uint32_t session_index, uint64_t connection) = 0;

protected:
    ~MqttMailbox() = default;
};

// Identifies the site of a connection; 0 if the site is not known when the client connects.
using MqttSiteHash = uint32_t;

struct MqttClosingWill {
    DelayedWill will;
    uint32_t delay_s = 0;
    MqttSiteHash site_hash = 0;
};

class MqttClients {
public:
    // offline_max: maximum number of sessions without a connection. Further sessions end with their
    // connections. A session that takes more than its share of the memory budget also ends with its
    // connection.
    MqttClients(size_t offline_max, const DelayedWills::Limits& wills, MemoryBudget& memory)
        : offline_max_(offline_max),
          wills_(wills),
          memory_(memory),
          wills_charge_(&memory, MemoryUse::wills) {}

    enum class State : uint8_t { connected, offline, ended };
    // One client. The registry can have a million entries, so small members share bytes.
    struct Entry {
        std::shared_ptr<MqttUnreleased> unreleased;  // Created when first needed.
        uint64_t connection = 0;                     // The number of the newest connection.
        MqttMailbox* mailbox = nullptr;              // Mailbox of the worker that has the
                                                     // connection.
        uint32_t session_index = 0;                  // Index of the session in that worker.
        uint32_t expires_s = 0;                      // Time at which an offline session expires.
        MqttSiteHash site_hash = 0;                  // The site of the newest connection.
        uint32_t open_connections : 28 = 0;
        bool keep_session : 1 = false;  // The session outlives the newest connection.
        bool is_continued : 1 = false;  // The newest connection continued an earlier session.
        State state : 2 = State::ended;
    };
    static_assert(sizeof(Entry) == 48);
    // A client id and its entry. A pointer to a Client is valid until the last connection of the
    // client is closed.
    using Client = std::pair<const std::string, Entry>;

    struct Opened {
        Client* client;
        uint64_t connection;                         // The number of the connection, never 0.
        bool session_present;                        // An earlier session continues.
        std::shared_ptr<MqttUnreleased> unreleased;  // From the earlier session, or nullptr.
    };
    // Registers a connection. keep_session: whether the session outlives this connection.
    [[nodiscard]] Opened open(std::string client_id, MqttMailbox& mailbox, uint32_t session_index,
                              bool clean_start, bool keep_session, int64_t now_s,
                              MqttSiteHash site_hash = 0);

    // Returns the unreleased messages of the session; nullptr if another connection has taken over.
    [[nodiscard]] std::shared_ptr<MqttUnreleased> unreleased(Client& client, uint64_t connection);

    // Sets whether the session outlives the connection. A DISCONNECT can ask for a change.
    void set_keep_session(Client& client, uint64_t connection, bool keep_session);

    enum class Closed : uint8_t {
        kept,   // The session is kept for expiry_s.
        ended,  // The session has ended, because the client asked for this or there is no room.
        taken_over,  // The session belongs to a newer connection.
    };
    // Removes a connection. Call it once for each connection that was opened. If `will` still has a
    // value after the call, the caller must store the will now. If `will` is empty, the registry
    // has discarded the will or keeps it during its delay.
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s,
                 std::optional<MqttClosingWill>& will);
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s) {
        std::optional<MqttClosingWill> none;
        return close(client, connection, expiry_s, now_s, none);
    }

    // Keeps a will that is due, but that the caller cannot store because its ring is full. A later
    // call of take_due_will() returns the will. connection: the number of the closed connection to
    // which the will belongs. Returns false, and leaves the will unchanged, if there are too many
    // wills.
    [[nodiscard]] bool keep_due_will(uint64_t connection, int64_t now_s, DelayedWill& will);
    // Returns true if take_due_will() would return a will. Takes no lock.
    [[nodiscard]] bool has_due_will(int64_t now_s) const { return wills_.next_due_s() <= now_s; }
    // Removes and returns a will whose delay has passed; returns nothing if there is none.
    [[nodiscard]] std::optional<DelayedWill> take_due_will(int64_t now_s);

    // Removes some of the sessions that have expired; returns true if there are more.
    bool drop_expired(int64_t now_s);

    [[nodiscard]] const MetricShard& shard() const { return shard_; }

    // The hash has a secret key, because clients choose their ids. With std::hash, clients could
    // choose ids that all share a bucket, and each CONNECT would search the whole bucket under the
    // mutex. The operator is noexcept to save memory, because the library would otherwise store a
    // hash value in each entry.
    struct Hash {
        size_t operator()(std::string_view id) const noexcept { return process_hash(id); }
    };

private:
    void end_session(Client& client);
    void delay(uint64_t connection, uint32_t expiry_s, int64_t now_s,
               std::optional<MqttClosingWill>& will);
    [[nodiscard]] bool keep_will(uint64_t connection, int64_t due_s, DelayedWill& will);
    void report_wills();
    [[nodiscard]] bool may_keep(const Entry& entry) const;
    void erase_if_closed(const Client& client);
    bool drop_some_expired(int64_t now_s);
    void add_offline(Client& client, uint32_t expires_s);
    void remove_offline(Client& client);

    std::mutex mutex_;
    std::unordered_map<std::string, Entry, Hash> clients_;
    std::set<std::pair<uint32_t, Client*>> offline_;  // Ordered by time of expiry.
    size_t offline_max_;
    DelayedWills wills_;  // Keyed by the number of the closed connection.
    MemoryBudget& memory_;
    MemoryCharge wills_charge_;
    uint64_t connections_ = 0;
    MetricShard shard_;  // Written under the mutex.
};

}  // namespace rollcall
