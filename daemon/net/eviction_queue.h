// EvictionQueue: connections that hold something scarce and have not shown yet what for, the oldest
// first. When there is no room for another, the oldest makes way, if it has had its time.
//
// Any may leave at any moment, at a cost that does not grow with their number.
//
// Threads: the loop's. Units: ms of the loop's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace rollcall {

class Connection;

class EvictionQueue {
public:
    void add(Connection& connection, uint64_t now_ms) {
        if (places_.contains(&connection)) return;
        places_.emplace(&connection, all_.insert(all_.end(), {&connection, now_ms}));
    }
    // Who is not there is not there.
    void remove(const Connection& connection) {
        const auto place = places_.find(&connection);
        if (place == places_.end()) return;
        all_.erase(place->second);
        places_.erase(place);
    }
    [[nodiscard]] size_t size() const { return all_.size(); }
    // nullptr: nobody has to.
    [[nodiscard]] Connection* evictable(uint64_t now_ms) const {
        if (all_.empty() || now_ms - all_.front().since_ms < time_ms) return nullptr;
        return all_.front().connection;
    }

private:
    static constexpr uint64_t time_ms = 2000;

    struct Entry {
        Connection* connection;
        uint64_t since_ms;
    };
    std::list<Entry> all_;
    std::unordered_map<const Connection*, std::list<Entry>::iterator> places_;
};

}  // namespace rollcall
