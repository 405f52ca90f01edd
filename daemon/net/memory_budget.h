// MemoryBudget: limits the memory that all clients together may occupy, and counts the memory of
// each use.
//
// The budget counts memory that a client can make grow and keep: unfinished requests, unread
// responses, packet ids of MQTT sessions, and MQTT wills that are not stored yet. The allowance is
// the part of the budget that is still free. A single user (a connection or a session) may hold as
// much memory as the allowance. As the budget fills up, the allowance shrinks, so the largest users
// must wait first. If N users take all that they may, each ends up with 1 / (N + 1) of the budget,
// and the same amount is left for the next user.
//
// The daemon does not read from a connection that holds more than the allowance. It resumes reading
// when the connection holds less, or when other users have freed memory. A client that holds
// nothing is always served. So memory use can exceed the budget by the bytes that the workers read
// at the same moment, and by a small read for each client.
//
// Memory that no client can make grow (slots, batches, the deduplication window) has limits of its
// own and is not counted by the budget. The overload controller watches the memory of the whole
// process (memory_max).
//
// Source: dynamic queue length thresholds, Choudhury and Hahne, IEEE/ACM Transactions on Networking
//         6(2), 1998, with alpha = 1.
// Threads: any. Each change of a charge costs two additions to numbers that all threads share.
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
    // Returns the allowance: how many bytes a single user may hold now.
    [[nodiscard]] size_t allowance() const {
        const int64_t left = bytes_max_ - used_.read();
        return left > 0 ? static_cast<size_t>(left) : 0;
    }

private:
    int64_t bytes_max_;
    SharedCount used_;
    std::array<SharedCount, label_values(Labels::memory_use)> used_by_;
};

// The memory of one owner that is charged to a budget. The destructor returns the whole charge to
// the budget.
class MemoryCharge {
public:
    MemoryCharge() = default;
    // budget: nullptr counts nothing.
    MemoryCharge(MemoryBudget* budget, MemoryUse use) : budget_(budget), use_(use) {}
    ~MemoryCharge() { set(0); }
    MemoryCharge(const MemoryCharge&) = delete;
    MemoryCharge& operator=(const MemoryCharge&) = delete;

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
