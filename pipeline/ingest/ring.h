// Ring: a bounded single-producer, single-consumer queue of slots, from one worker to the
// committer.
//
// The worker claims a slot, fills it and publishes it. The committer writes published slots to the
// spool and advances `durable`. The worker may then respond to the senders of the reports in those
// slots, and fill the slots again.
//
//      durable            published             durable + capacity
//         |  being written   |  free, or being filled  |
//
//    INVARIANT  durable <= published <= durable + capacity
//
// Source:  Lamport, "Specifying concurrent program modules", 1983. Unlike in that paper, the worker
//          caches the committer's index.
// Threads: the worker calls claim(), publish() and next(); the committer calls published(), at()
//          and advance_durable(); any thread may call durable().
// Units:   positions and capacity in slots, counted from the start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/base/cursor.h"

namespace rollcall {

template <class Slot>
class Ring {
public:
    // Constructs every slot with the same arguments.
    template <class... Arguments>
    explicit Ring(size_t capacity, const Arguments&... arguments) {
        ensure(capacity > 0);
        slots_.reserve(capacity);
        for (size_t i = 0; i < capacity; ++i) slots_.emplace_back(arguments...);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // Returns the next slot to fill, or nullptr if the ring is full. Never waits.
    [[nodiscard]] Slot* claim() {
        const uint64_t next = published_.own();
        if (next == durable_seen_ + slots_.size()) durable_seen_ = durable_.read();
        if (next == durable_seen_ + slots_.size()) return nullptr;
        return &slot(next);
    }

    // Passes to the committer the slot that claim() has returned.
    void publish() { published_.advance(published_.own() + 1); }

    // Returns the position of the slot that claim() returns.
    [[nodiscard]] uint64_t next() const { return published_.own(); }

    [[nodiscard]] uint64_t published() const { return published_.read(); }
    [[nodiscard]] Slot& at(uint64_t position) { return slot(position); }
    void advance_durable(uint64_t to) { durable_.advance(to); }
    [[nodiscard]] uint64_t durable() const { return durable_.read(); }

private:
    Slot& slot(uint64_t position) { return slots_[position % slots_.size()]; }

    Cursor published_;  // Advanced by the worker: the slots below it are filled.
    Cursor durable_;    // Advanced by the committer: the slots below it are on disk, and free.
    // The worker's copy of durable_. With it, the worker seldom has to read durable_ itself.
    alignas(cache_line_bytes) uint64_t durable_seen_ = 0;
    std::vector<Slot> slots_;
};

}  // namespace rollcall
