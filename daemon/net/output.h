// Output: the replies of one connection, in the order of their requests, until they are sent.
//
//   | first byte ever                                                     end() |
//   |---- taken and sent ----|---- sendable, until take() ----|---- waits for a slot ----|
//
// append() puts a reply at the end. A reply of append_waiting() must not be sent before its slot is
// on disk, and holds back everything behind it; release() lets it go. Positions are offsets in the
// stream of all bytes that were ever appended.
//
// An output without bytes owns no memory: it borrows a buffer of the pool (buffers.h).
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "daemon/net/buffers.h"

namespace rollcall {

class Output {
public:
    void append(std::string_view bytes, BufferPool& pool);
    // Appends a reply, which may be empty. The caller passes end() to release() when the slot is
    // on disk, in the order of the calls.
    void append_waiting(std::string_view bytes, BufferPool& pool);
    // Releases the oldest waiting reply, which ends at `reply_end`.
    void release(uint64_t reply_end);
    // Forgets the oldest waiting reply: nothing is sent any more.
    void forget_waiting() { --waiting_; }

    // Returns the bytes that may be sent and have not been taken, and counts them as taken. They
    // stay valid until the next call that is not const.
    [[nodiscard]] std::string_view take();
    // Drops the bytes that were taken.
    void drop_taken();
    // Returns the buffer to the pool if all bytes were taken.
    void free_if_taken(BufferPool& pool);
    // Returns the buffer to the pool with whatever is in it.
    void clear(BufferPool& pool) { pool.release(bytes_); }

    [[nodiscard]] uint64_t end() const { return begin_ + bytes_.size(); }
    // The end of the bytes that wait for no slot.
    [[nodiscard]] uint64_t sendable_end() const { return sendable_end_; }
    // Number of replies that wait for a slot.
    [[nodiscard]] uint32_t waiting() const { return waiting_; }
    // Bytes in memory, including those that were taken and not dropped yet.
    [[nodiscard]] size_t size() const { return bytes_.size(); }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }

private:
    Buffer bytes_;
    uint64_t begin_ = 0;         // The position of the first byte of bytes_.
    uint64_t taken_end_ = 0;     // Bytes before this position were taken.
    uint64_t sendable_end_ = 0;  // Bytes before this position wait for no slot.
    uint32_t waiting_ = 0;
};

}  // namespace rollcall
