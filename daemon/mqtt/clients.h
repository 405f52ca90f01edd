// MqttClients: the MQTT clients of the daemon by client id: the connection that each has,
// and the session state that outlives a connection.
//
// All workers share one registry, because a client may reconnect to any of them. A client id has at
// most one connection: a new one takes over, and the registry posts a takeover to the mailbox of
// the worker that has the old one [MQTT-3.1.4-2]. Session state is an MqttUnreleased, and a will
// that waits for its delay. It stays in memory as long as its client asked for; a restart of the
// daemon forgets it. A message that is sent again after that is recognised by its fingerprint
// (pipeline/columns/row_id.h).
//
//   |  connected  --close, session kept-->  offline  --expiry-->  ended
//   |      |                                   |
//   |      +--close, session not kept--> ended +--open--> connected
//
// An entry is removed when its session has ended and all of its connections are closed.
//
// Wills. The will of a connection is withdrawn if its client has connected again for the same site,
// which is online then, or has continued the session before the will delay has passed
// [MQTT-3.1.2-8] [MQTT5-3.1.2-8]. Otherwise it waits here for its delay, or the caller stores it.
// A will that the caller cannot store because its ring is full waits here, too.
//
// Threads: any. A mutex is enough: it is taken when a client connects or disconnects, when a will
// is due, and by packets of QoS 2, of which a router sends a few a minute. Units: seconds of the
// steady clock.
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
    // Asks the session with this index to close, if it still has this connection. Any thread.
    virtual void post_takeover(uint32_t session_index, uint64_t connection) = 0;

protected:
    ~MqttMailbox() = default;
};

// Identifies the site of a connection; 0 if the site is not known when it connects.
using MqttSiteHash = uint32_t;

// The will of a connection that closes.
struct MqttClosingWill {
    DelayedWill will;
    uint32_t delay_s = 0;
    MqttSiteHash site_hash = 0;
};

class MqttClients {
public:
    // offline_max: maximum number of sessions without a connection; further ones are not kept, nor
    // those that take more than their share of the memory budget.
    MqttClients(size_t offline_max, const DelayedWills::Limits& wills, MemoryBudget& memory)
        : offline_max_(offline_max),
          wills_(wills),
          memory_(memory),
          wills_charge_(&memory, MemoryUse::wills) {}

    enum class State : uint8_t { connected, offline, ended };
    // One client. There may be a million of these, so that small members share their bytes.
    struct Entry {
        std::shared_ptr<MqttUnreleased> unreleased;  // Created when first needed.
        uint64_t connection = 0;                     // The newest one.
        MqttMailbox* mailbox = nullptr;              // Mailbox of its worker.
        uint32_t session_index = 0;                  // In that worker.
        uint32_t expires_s = 0;                      // While the session is offline.
        MqttSiteHash site_hash = 0;                  // The site of the newest connection.
        uint32_t open_connections : 28 = 0;
        bool keep_session : 1 = false;  // If the connection is taken over.
        bool is_continued : 1 = false;  // The newest connection continued an earlier session.
        State state : 2 = State::ended;
    };
    static_assert(sizeof(Entry) == 48);
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
                              bool clean_start, bool keep_session, int64_t now_s,
                              MqttSiteHash site_hash = 0);

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
    // Removes a connection; call it once for each connection that was opened. A will that is left
    // in `will` must be stored now; the others wait for their delay, or are withdrawn.
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s,
                 std::optional<MqttClosingWill>& will);
    Closed close(Client& client, uint64_t connection, uint32_t expiry_s, int64_t now_s) {
        std::optional<MqttClosingWill> none;
        return close(client, connection, expiry_s, now_s, none);
    }

    // Keeps the will of a closed connection that must be stored now, but for which a ring has no
    // room; take_due_will() returns it. Returns false if there is no room for it here either; the
    // will is then unchanged.
    [[nodiscard]] bool keep_due_will(uint64_t connection, int64_t now_s, DelayedWill& will);
    // Returns true if take_due_will() would find one; takes no lock.
    [[nodiscard]] bool has_due_will(int64_t now_s) const { return wills_.next_due_s() <= now_s; }
    // Removes and returns a will whose delay has passed; nothing if there is none.
    [[nodiscard]] std::optional<DelayedWill> take_due_will(int64_t now_s);

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
    std::set<std::pair<uint32_t, Client*>> offline_;  // Ordered by expiry.
    size_t offline_max_;
    DelayedWills wills_;  // By their connections, which are closed.
    MemoryBudget& memory_;
    MemoryCharge wills_charge_;
    uint64_t connections_ = 0;
    MetricShard shard_;  // Written under the mutex.
};

}  // namespace rollcall
