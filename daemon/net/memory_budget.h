// MemoryBudget: what clients may hold in memory together, and how much of it each use takes.
//
// It counts what a client can make grow and keep: unfinished requests, unread responses, packet ids
// of MQTT sessions, wills that wait. The limit for one user (a connection or a session) is what is
// left of the budget, allowance(). The nearer the budget is to its end, the smaller are the users
// that must wait, so the largest users wait first. N users that take all they can share the budget
// evenly, and leave as much for the next one as each of them has.
//
// A connection that holds more than the allowance is not read from until its share has shrunk or
// others have given memory back; a client that holds nothing is always served. So the budget is
// exceeded by at most what the workers read at the same time, and by a small read of each client.
//
// Memory that no client can make grow (slots, batches, the deduplication window) has limits of its
// own and is not counted here. The overload controller watches the sum of all (memory_max).
//
// Source: dynamic queue length thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking
//         6(2), 1998, with alpha = 1.
// Threads: any. A change of a capacity costs one or two additions to shared numbers; memory that is
//          reused costs none.
// Units: bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "config/metrics.h"
#include "pipeline/base/shared_count.h"

namespace rollcall {

class MemoryBudget {
public:
    explicit MemoryBudget(size_t bytes_max) : bytes_max_(static_cast<int64_t>(bytes_max)) {}
    // A budget without a limit, for tests.
    MemoryBudget() : MemoryBudget(std::numeric_limits<int64_t>::max()) {}

    void add(MemoryUse use, int64_t bytes) {
        used_.add(bytes);
        used_by_[static_cast<size_t>(use)].add(bytes);
    }
    [[nodiscard]] int64_t used() const { return used_.read(); }
    [[nodiscard]] int64_t used_by(MemoryUse use) const {
        return used_by_[static_cast<size_t>(use)].read();
    }
    // Returns how much a single user may hold now.
    [[nodiscard]] size_t allowance() const {
        const int64_t left = bytes_max_ - used_.read();
        return left > 0 ? static_cast<size_t>(left) : 0;
    }

private:
    int64_t bytes_max_;
    SharedCount used_;
    std::array<SharedCount, label_values(Labels::memory_use)> used_by_;
};

// The part of the budget that one owner takes. It gives everything back at its end.
class MemoryCharge {
public:
    MemoryCharge() = default;
    // budget: null if nothing is counted.
    MemoryCharge(MemoryBudget* budget, MemoryUse use) : budget_(budget), use_(use) {}
    ~MemoryCharge() { set(0); }
    MemoryCharge(const MemoryCharge&) = delete;
    MemoryCharge& operator=(const MemoryCharge&) = delete;

    // Sets how much the owner holds now.
    void set(size_t bytes) {
        if (bytes == bytes_) return;
        if (budget_ != nullptr)
            budget_->add(use_, static_cast<int64_t>(bytes) - static_cast<int64_t>(bytes_));
        bytes_ = bytes;
    }
    [[nodiscard]] size_t bytes() const { return bytes_; }

private:
    MemoryBudget* budget_ = nullptr;
    size_t bytes_ = 0;
    MemoryUse use_ = MemoryUse::buffers;
};

}  // namespace rollcall
