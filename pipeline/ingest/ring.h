// Ring: the hand-over from one worker to the committer.
//
// The worker claims a slot, fills it and publishes it; the committer writes published slots to the
// spool and declares them durable. That one step does two things: the senders of those slots may be
// answered, and the slots may be filled again.
//
//      durable            published             durable + capacity
//         |  being written   |  free, or being filled  |
//
//    INVARIANT  durable <= published <= durable + capacity
//
// The shape is the bounded single-producer single-consumer queue of Lamport (1983), with the far
// index cached by the worker.
//
// Threads: claim(), publish() the worker; published(), at(), advance_durable() the committer;
//          durable() anyone.
// Units:   positions and capacity in slots, counted since start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/base/cursor.h"

namespace rollcall {

template <class Slot>
class Ring {
public:
    // Makes every slot with the same arguments, once.
    template <class... Arguments>
    explicit Ring(size_t capacity, const Arguments&... arguments) {
        ensure(capacity > 0);
        slots_.reserve(capacity);
        for (size_t i = 0; i < capacity; ++i) slots_.emplace_back(arguments...);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // The slot to fill next, or nullptr when the ring is full. Never waits.
    [[nodiscard]] Slot* claim() {
        const uint64_t next = published_.own();
        if (next == durable_seen_ + slots_.size()) durable_seen_ = durable_.read();
        if (next == durable_seen_ + slots_.size()) return nullptr;
        return &slot(next);
    }

    // Hands over the slot that claim() returned.
    void publish() { published_.advance(published_.own() + 1); }

    // The number that the slot which claim() returns will have.
    [[nodiscard]] uint64_t next() const { return published_.own(); }

    [[nodiscard]] uint64_t published() const { return published_.read(); }
    [[nodiscard]] Slot& at(uint64_t position) { return slot(position); }
    void advance_durable(uint64_t to) { durable_.advance(to); }
    [[nodiscard]] uint64_t durable() const { return durable_.read(); }

private:
    Slot& slot(uint64_t position) { return slots_[position % slots_.size()]; }

    Cursor published_;  // Moved by the worker: slots below it are filled.
    Cursor durable_;    // Moved by the committer: slots below it are on disk, and free.
    alignas(cache_line_bytes) uint64_t durable_seen_ = 0;  // The worker's copy: asks less often.
    std::vector<Slot> slots_;
};

}  // namespace rollcall
