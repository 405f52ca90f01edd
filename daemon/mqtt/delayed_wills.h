// DelayedWills: wills of closed connections that wait for their Will Delay Interval to pass, the
// one that is due first in front [MQTT5-3.1.3-9].
//
// A client that comes back in time withdraws its will. A client that comes and goes all day would
// leave one withdrawn will each time, until its delay has passed. So add() removes the withdrawn
// ones whenever their number may have doubled. What remains is at most one will for each session
// that is kept without a connection (`mqtt.sessions_max`), so twice as many is the bound.
//
// Threads: the worker's. Units: microseconds of the steady clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "daemon/mqtt/unreleased.h"

namespace rollcall {

struct DelayedWill {
    std::shared_ptr<MqttUnreleased> session;  // Knows the newest connection of the client.
    uint64_t connection;                      // The connection whose will this is.
    std::string site;
    std::string peer;
    std::string tenant = {};

    // Returns true if the client has connected again.
    [[nodiscard]] bool withdrawn() const { return session->newest_connection() != connection; }
};

class DelayedWills {
public:
    void add(int64_t due_us, DelayedWill will) {
        if (wills_.size() >= clean_up_at_) {
            std::erase_if(wills_, [](const auto& entry) { return entry.second.withdrawn(); });
            clean_up_at_ = std::max(clean_up_min, 2 * wills_.size());
        }
        wills_.emplace(due_us, std::move(will));
    }
    [[nodiscard]] bool empty() const { return wills_.empty(); }
    [[nodiscard]] size_t size() const { return wills_.size(); }
    // Returns nullptr if no will is due.
    [[nodiscard]] const DelayedWill* due(int64_t now_us) const {
        const auto first = wills_.begin();
        return first == wills_.end() || first->first > now_us ? nullptr : &first->second;
    }
    // Removes the will that due() returned.
    void pop() { wills_.erase(wills_.begin()); }

private:
    static constexpr size_t clean_up_min = 1024;

    std::multimap<int64_t, DelayedWill> wills_;  // By the time when they are due.
    size_t clean_up_at_ = clean_up_min;
};

}  // namespace rollcall
