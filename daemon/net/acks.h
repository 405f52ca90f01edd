// Acks: answers that wait until their slot is on disk, in the order of their slots.
//
// A queue in one piece of memory that grows to what a worker once needed and is used again: the
// steady state does not allocate.
//
// Threads: the worker that owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/error.h"

namespace rollcall {

class Connection;

struct Ack {
    uint64_t slot;
    Connection* connection;
    uint64_t end;         // Where the answer ends in the connection's output.
    uint32_t checkins;    // That it answers.
    int64_t received_us;  // When they were read; steady clock.
};

class Acks {
public:
    void push(const Ack& ack) {
        ensure(empty() || waiting_.back().slot <= ack.slot);
        waiting_.push_back(ack);
    }
    [[nodiscard]] bool empty() const { return first_ == waiting_.size(); }
    [[nodiscard]] const Ack& front() const { return waiting_[first_]; }
    void pop() {
        ++first_;
        if (!empty()) return;
        waiting_.clear();
        first_ = 0;
    }

private:
    std::vector<Ack> waiting_;
    size_t first_ = 0;
};

}  // namespace rollcall
