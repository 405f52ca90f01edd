#include "daemon/net/buffers.h"

#include <algorithm>
#include <utility>

namespace rollcall {

namespace {

constexpr size_t lent_bytes = 1024;  // Initial capacity of a lent buffer; the buffer can grow.
constexpr size_t idle_max = 4096;
constexpr size_t idle_kept = 64;              // Number of idle buffers that trim() keeps.
constexpr size_t idle_bytes_max = 16 * 1024;  // release() frees the memory of a larger buffer.

}  // namespace

void Buffer::drop_front(size_t count) {
    if (count == 0) return;
    bytes_->begin += count;
    if (bytes_->begin < bytes_->text.size() - bytes_->begin) return;
    bytes_->text.erase(0, bytes_->begin);
    bytes_->begin = 0;
}

void Buffer::clear() {
    if (!bytes_) return;
    bytes_->text.clear();
    bytes_->begin = 0;
}

void BufferPool::acquire(Buffer& buffer) {
    if (buffer.bytes_) return;
    if (idle_.empty()) {
        buffer.bytes_ = std::make_unique<Buffer::Bytes>(budget_, use_);
        buffer.bytes_->text.reserve(lent_bytes);
        return buffer.bytes_->charge_capacity();
    }
    buffer = std::move(idle_.back());
    idle_.pop_back();
    least_idle_ = std::min(least_idle_, idle_.size());
}

void BufferPool::release(Buffer& buffer) {
    if (!buffer.bytes_) return;
    buffer.clear();
    const size_t capacity = buffer.capacity();
    const bool reusable = lent_bytes <= capacity && capacity <= idle_bytes_max;
    if (reusable && idle_.size() < idle_max) idle_.push_back(std::move(buffer));
    buffer = {};
}

void BufferPool::trim() {
    const size_t unused = std::min(least_idle_, idle_.size() - std::min(idle_.size(), idle_kept));
    idle_.resize(idle_.size() - (unused + 1) / 2);
    least_idle_ = idle_.size();
}

}  // namespace rollcall
