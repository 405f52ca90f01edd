// DelayedWills: MQTT wills whose connections have closed and whose rows are not stored yet. A will
// waits until its Will Delay Interval has passed [MQTT5-3.1.3-9], or until a worker's ring has room
// for its row.
//
// Only the will of a client's last connection waits for its delay. If the client connects again,
// the owner (MqttClients) removes this will. The number and the total size of the wills are
// limited. If a will does not fit, add() fails, and the will is stored at once.
//
// Threads: the owner's (MqttClients, under its mutex); any thread may call next_due_s().
// Units: seconds of the steady clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "pipeline/base/latest.h"
#include "pipeline/base/shrink.h"

namespace rollcall {

// A will whose connection has closed, with everything that its row needs.
struct DelayedWill {
    std::string site;
    bool site_is_authenticated = false;  // True if the credential named the site.
    std::string peer = {};
    std::string tenant = {};
    size_t payload_bytes = 0;
};

class DelayedWills {
public:
    struct Limits {
        size_t count;
        size_t bytes;
    };
    static constexpr int64_t never = std::numeric_limits<int64_t>::max();

    explicit DelayedWills(const Limits& limits) : limits_(limits) {}

    // Adds the will of a connection. Requires that no will of this connection is stored here yet.
    // Returns false, and leaves the will unchanged, if there is no room.
    [[nodiscard]] bool add(uint64_t connection, int64_t due_s, DelayedWill& will) {
        const size_t size = bytes_of(will);
        if (wills_.size() >= limits_.count || bytes_ + size > limits_.bytes) return false;
        bytes_ += size;
        due_.emplace(connection, due_s);
        wills_.emplace(std::pair(due_s, connection), std::move(will));
        publish();
        return true;
    }
    // Removes the will of a connection. Has no effect if the connection has no will here.
    void remove(uint64_t connection) {
        const auto due = due_.find(connection);
        if (due == due_.end()) return;
        (void)take(wills_.find({due->second, connection}));
    }
    // Removes and returns the first will that is due; returns nothing if no will is due.
    [[nodiscard]] std::optional<DelayedWill> take_due(int64_t now_s) {
        if (wills_.empty() || wills_.begin()->first.first > now_s) return std::nullopt;
        return take(wills_.begin());
    }
    // Returns the time at which the first will is due; `never` if there is no will.
    [[nodiscard]] int64_t next_due_s() const { return next_due_s_.read(); }
    [[nodiscard]] size_t size() const { return wills_.size(); }
    [[nodiscard]] size_t bytes() const { return bytes_; }

private:
    // Ordered by due time, then connection.
    using Wills = std::map<std::pair<int64_t, uint64_t>, DelayedWill>;

    // Estimated memory of a will without its texts: a node in each of the two containers, and the
    // overhead of the allocator.
    static constexpr size_t node_bytes = sizeof(Wills::value_type) + 160;

    [[nodiscard]] static size_t bytes_of(const DelayedWill& will) {
        return node_bytes + will.site.capacity() + will.peer.capacity() + will.tenant.capacity();
    }
    DelayedWill take(Wills::iterator place) {
        DelayedWill will = std::move(place->second);
        bytes_ -= bytes_of(will);
        due_.erase(place->first.second);
        wills_.erase(place);
        shrink_buckets(due_);
        publish();
        return will;
    }
    void publish() { next_due_s_.set(wills_.empty() ? never : wills_.begin()->first.first); }

    Limits limits_;
    Wills wills_;
    std::unordered_map<uint64_t, int64_t> due_;  // The due time of each will, by connection.
    size_t bytes_ = 0;
    Latest<int64_t> next_due_s_{never};
};

}  // namespace rollcall
