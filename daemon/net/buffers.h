// Buffer: a byte string that is often empty, and then is one pointer. BufferPool: the memory of the
// buffers of one loop.
//
// Nearly every connection is idle nearly all the time. So a buffer gets its memory from the pool
// when it is needed, and the pool takes it back when the buffer is empty.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

// A byte string. It allocates memory of its own if BufferPool::acquire() was not called.
class Buffer {
public:
    [[nodiscard]] bool empty() const { return !bytes_ || bytes_->empty(); }
    [[nodiscard]] size_t size() const { return bytes_ ? bytes_->size() : 0; }
    [[nodiscard]] std::string_view view() const {
        return bytes_ ? std::string_view(*bytes_) : std::string_view();
    }
    void append(std::string_view bytes) { string().append(bytes); }
    void drop_front(size_t count) {
        if (count > 0) bytes_->erase(0, count);
    }
    void clear() {
        if (bytes_) bytes_->clear();
    }
    // Makes `count` bytes behind the contents readable; their values have no meaning.
    void reserve_padding(size_t count) {
        if (bytes_) bytes_->reserve(bytes_->size() + count);
    }

private:
    friend class BufferPool;

    std::string& string() {
        if (!bytes_) bytes_ = std::make_unique<std::string>();
        return *bytes_;
    }

    std::unique_ptr<std::string> bytes_;
};

class BufferPool {
public:
    // Gives the buffer memory, unless it has some.
    void acquire(Buffer& buffer);
    // Takes the memory of the buffer back, and throws its contents away.
    void release(Buffer& buffer);

private:
    std::vector<Buffer> free_;  // At most free_max (buffers.cc).
};

}  // namespace rollcall
