// BufferPool: memory for what is read and not yet understood, said and not yet sent.
//
// Nearly every client has nothing under way nearly all the time, and then its buffers are a pointer
// each. The memory is lent by a pool of its loop, and given back when the buffer is empty.
//
// Threads: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

// Bytes in a row. It makes its own memory if it was lent none.
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
    // So many bytes behind them can be read, though not used.
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
    // To one that has no memory yet.
    void acquire(Buffer& buffer);
    // With what is in it.
    void release(Buffer& buffer);

private:
    std::vector<Buffer> spare_;
};

}  // namespace rollcall
