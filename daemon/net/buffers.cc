#include "daemon/net/buffers.h"

#include <utility>

namespace rollcall {

namespace {

constexpr size_t lent_bytes = 1024;  // It may grow.
constexpr size_t spare_max = 4096;
constexpr size_t spare_bytes_max = 16 * 1024;  // Of each.

}  // namespace

void BufferPool::acquire(Buffer& buffer) {
    if (buffer.bytes_) return;
    if (spare_.empty()) return buffer.string().reserve(lent_bytes);
    buffer = std::move(spare_.back());
    spare_.pop_back();
}

void BufferPool::release(Buffer& buffer) {
    if (!buffer.bytes_) return;
    buffer.clear();
    const size_t capacity = buffer.bytes_->capacity();
    const bool worth_it = lent_bytes <= capacity && capacity <= spare_bytes_max;
    if (worth_it && spare_.size() < spare_max) spare_.push_back(std::move(buffer));
    buffer = {};
}

}  // namespace rollcall
