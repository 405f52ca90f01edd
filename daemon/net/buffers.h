// Buffer: contiguous bytes that belong to a connection. BufferPool: the pool that lends memory to
// buffers.
//
// Most clients are idle most of the time. Each buffer of an idle client is only a pointer. The pool
// lends memory to a buffer that is about to be used, and takes the memory back when the buffer is
// empty. A burst of clients leaves idle memory in the pool; trim() frees it.
//
// All memory of the pool is charged to a memory budget (memory_budget.h), from the moment when the
// pool allocates it.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/net/memory_budget.h"

namespace rollcall {

// A queue of bytes. Bytes are appended at the back and dropped at the front. A buffer to which no
// pool has lent memory allocates its own memory, which is not charged to a budget.
class Buffer {
public:
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] size_t size() const { return bytes_ ? bytes_->text.size() - bytes_->begin : 0; }
    [[nodiscard]] std::string_view view() const {
        return bytes_ ? std::string_view(bytes_->text).substr(bytes_->begin) : std::string_view();
    }
    void append(std::string_view bytes) {
        own_bytes().text.append(bytes);
        bytes_->charge_capacity();
    }
    // Drops the first `count` bytes, in amortized constant time for each byte. The remaining bytes
    // are moved to the front of the memory only when at least as many bytes before them have been
    // dropped. So the memory holds at most twice as many bytes as the buffer.
    void drop_front(size_t count);
    void clear();
    // Makes `count` bytes after the last byte readable, as padding. Their content has no meaning.
    void reserve_padding(size_t count) {
        if (!bytes_) return;
        bytes_->text.reserve(bytes_->text.size() + count);
        bytes_->charge_capacity();
    }
    [[nodiscard]] size_t capacity() const { return bytes_ ? bytes_->text.capacity() : 0; }

private:
    friend class BufferPool;

    struct Bytes {
        Bytes() = default;
        Bytes(MemoryBudget* budget, MemoryUse use) : charge(budget, use) {}
        void charge_capacity() { charge.set(text.capacity()); }

        std::string text;
        size_t begin = 0;  // Bytes before this offset were dropped.
        MemoryCharge charge;
    };
    Bytes& own_bytes() {
        if (!bytes_) bytes_ = std::make_unique<Bytes>();
        return *bytes_;
    }

    std::unique_ptr<Bytes> bytes_;
};

class BufferPool {
public:
    // budget: nullptr charges nothing.
    explicit BufferPool(MemoryBudget* budget = nullptr, MemoryUse use = MemoryUse::buffers)
        : budget_(budget), use_(use) {}

    // Lends memory to a buffer that has none.
    void acquire(Buffer& buffer);
    // Takes the buffer's memory back, and discards the bytes in it.
    void release(Buffer& buffer);
    // Frees half of the memory that was idle during the whole time since the last call, but keeps a
    // few idle buffers. If called once a second, trim() frees the memory of a burst within some
    // seconds, but no memory that a steady load uses.
    void trim();
    [[nodiscard]] size_t idle() const { return idle_.size(); }
    // Returns an empty MemoryCharge, with which the caller charges memory that is not a Buffer to
    // the budget of this pool.
    [[nodiscard]] MemoryCharge charge() const { return {budget_, use_}; }

private:
    MemoryBudget* budget_;
    MemoryUse use_;
    std::vector<Buffer> idle_;
    size_t least_idle_ = 0;  // Lowest number of idle buffers since the last trim().
};

}  // namespace rollcall
