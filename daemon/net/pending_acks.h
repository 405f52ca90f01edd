// PendingAcks: a bounded queue of acknowledgements. Each acknowledgement waits until the slot with
// its check-ins (pipeline/ingest/ring.h) is on disk. The queue has the order of the slots.
//
// Each pending acknowledgement belongs to at least one row of the worker's Ring that is not on disk
// yet, so `ingest.slots_max` x `ingest.slot_rows_max` entries are enough. The constructor reserves
// the memory of all entries. Each page becomes resident when an entry in the page is first used.
//
// Threads: the worker that owns it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pipeline/base/error.h"
#include "pipeline/base/zeroed.h"

namespace rollcall {

class Connection;

struct PendingAck {
    uint64_t slot;
    Connection* connection;
    uint64_t end;         // Position in the connection's output at which the response ends.
    uint32_t checkins;    // Number of check-ins that this response acknowledges.
    int64_t received_us;  // Time of the steady clock at which the check-ins were read.
};

class PendingAcks {
public:
    explicit PendingAcks(size_t capacity)
        : capacity_(capacity), entries_(zeroed<PendingAck>(capacity)) {
        ensure(capacity > 0);
    }

    // Requires !full(). The slot must be the slot of the last entry in the queue, or a later one.
    void push(const PendingAck& ack) {
        ensure(!full());
        ensure(empty() || last().slot <= ack.slot);
        entries_[wrapped(first_ + size_)] = ack;
        ++size_;
    }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == capacity_; }
    [[nodiscard]] size_t capacity() const { return capacity_; }
    [[nodiscard]] const PendingAck& front() const { return entries_[first_]; }
    void pop() {
        ensure(!empty());
        --size_;
        // An empty queue begins at the first entry again, so that a light load touches few pages.
        first_ = empty() ? 0 : wrapped(first_ + 1);
    }

private:
    [[nodiscard]] const PendingAck& last() const { return entries_[wrapped(first_ + size_ - 1)]; }
    [[nodiscard]] size_t wrapped(size_t index) const {
        return index < capacity_ ? index : index - capacity_;
    }

    size_t capacity_;
    ZeroedArray<PendingAck> entries_;
    size_t first_ = 0;
    size_t size_ = 0;
};

}  // namespace rollcall
