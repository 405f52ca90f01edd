// Output: the replies of one connection, in the order of their requests, until they are sent.
//
//   | first byte ever                                                     end() |
//   |---- taken and sent ----|---- sendable, until take() ----|---- waits for a slot ----|
//
// append() adds a reply at the end. append_waiting() adds a reply that must not be sent before the
// slot with its check-ins is on disk. The bytes after this reply also wait, until release() is
// called. Positions are byte offsets in the whole output of the connection.
//
// An output that contains bytes borrows a buffer from the pool (buffers.h). An empty output owns no
// memory.
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
    // Appends a reply, which may be empty. The caller must store the value of end() after this
    // call, and pass that value to release() when the slot is on disk. Replies are released in the
    // order in which they were appended.
    void append_waiting(std::string_view bytes, BufferPool& pool);
    // Releases the oldest waiting reply, which ends at `reply_end`.
    void release(uint64_t reply_end);
    // Forgets the oldest waiting reply, which will not be sent.
    void forget_waiting() { --waiting_; }

    // Returns the bytes that may be sent and have not been taken, and counts them as taken. They
    // stay valid until the next call of a non-const function.
    [[nodiscard]] std::string_view take();
    void drop_taken();
    // Returns the buffer to the pool if all bytes were taken.
    void free_if_taken(BufferPool& pool);
    // Returns the buffer to the pool, and discards its content.
    void clear(BufferPool& pool) { pool.release(bytes_); }

    [[nodiscard]] uint64_t end() const { return begin_ + bytes_.size(); }
    // The end of the bytes that wait for no slot.
    [[nodiscard]] uint64_t sendable_end() const { return sendable_end_; }
    // Number of replies that wait for a slot.
    [[nodiscard]] uint32_t waiting() const { return waiting_; }
    // Bytes in memory, including those that take() has returned and drop_taken() has not dropped.
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
