// EvictionQueue: connections that hold a scarce resource and have not proved that they belong to a
// client of ours, oldest first.
//
// The resource is an entry in the connection table, or one of the handshakes that may run at the
// same time. When the resource is used up, the oldest connection is closed in favour of a new one,
// provided that the oldest has been in the queue for two seconds.
//
// Adding and removing take constant time. Memory use is proportional to the number of connections.
//
// Threads: the loop's. Units: milliseconds of the loop's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

#include "pipeline/base/shrink.h"

namespace rollcall {

class Connection;

class EvictionQueue {
public:
    // Adds a connection at the end. Has no effect if the connection is already in the queue.
    void add(Connection& connection, uint64_t now_ms) {
        if (places_.contains(&connection)) return;
        places_.emplace(&connection, entries_.insert(entries_.end(), {&connection, now_ms}));
    }
    // Removes a connection. Has no effect if the connection is not in the queue.
    void remove(const Connection& connection) {
        const auto place = places_.find(&connection);
        if (place == places_.end()) return;
        entries_.erase(place->second);
        places_.erase(place);
        shrink_buckets(places_);
    }
    [[nodiscard]] size_t size() const { return entries_.size(); }
    // Returns the number of connections for which memory is allocated.
    [[nodiscard]] size_t capacity() const { return places_.bucket_count(); }
    // Returns the oldest connection, or nullptr if it has been in the queue for less than two
    // seconds.
    [[nodiscard]] Connection* evictable(uint64_t now_ms) const {
        if (entries_.empty() || now_ms - entries_.front().since_ms < grace_ms) return nullptr;
        return entries_.front().connection;
    }

private:
    static constexpr uint64_t grace_ms = 2000;

    struct Entry {
        Connection* connection;
        uint64_t since_ms;
    };
    std::list<Entry> entries_;
    std::unordered_map<const Connection*, std::list<Entry>::iterator> places_;
};

}  // namespace rollcall
