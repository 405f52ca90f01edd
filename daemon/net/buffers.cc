#include "daemon/net/buffers.h"

#include <utility>

namespace rollcall {

namespace {

constexpr size_t initial_bytes = 1024;
constexpr size_t free_max = 4096;             // Buffers that the pool keeps.
constexpr size_t free_bytes_max = 16 * 1024;  // Larger buffers are freed.

}  // namespace

void BufferPool::acquire(Buffer& buffer) {
    if (buffer.bytes_) return;
    if (free_.empty()) return buffer.string().reserve(initial_bytes);
    buffer = std::move(free_.back());
    free_.pop_back();
}

void BufferPool::release(Buffer& buffer) {
    if (!buffer.bytes_) return;
    buffer.clear();
    const size_t capacity = buffer.bytes_->capacity();
    const bool is_worth_keeping = initial_bytes <= capacity && capacity <= free_bytes_max;
    if (is_worth_keeping && free_.size() < free_max) free_.push_back(std::move(buffer));
    buffer = {};
}

}  // namespace rollcall
