#include "daemon/net/output.h"

namespace rollcall {

void Output::append(std::string_view bytes, BufferPool& pool) {
    pool.acquire(bytes_);
    bytes_.append(bytes);
    if (waiting_ == 0) sendable_end_ = end();
}

void Output::append_waiting(std::string_view bytes, BufferPool& pool) {
    pool.acquire(bytes_);
    bytes_.append(bytes);
    ++waiting_;
}

// The release of the last waiting reply also releases all replies after it, because they wait for
// no slot.
void Output::release(uint64_t reply_end) {
    --waiting_;
    sendable_end_ = waiting_ == 0 ? end() : reply_end;
}

std::string_view Output::take() {
    const std::string_view sendable =
        bytes_.view().substr(taken_end_ - begin_, sendable_end_ - taken_end_);
    taken_end_ = sendable_end_;
    return sendable;
}

void Output::drop_taken() {
    bytes_.drop_front(taken_end_ - begin_);
    begin_ = taken_end_;
}

void Output::free_if_taken(BufferPool& pool) {
    if (taken_end_ != end()) return;
    begin_ = taken_end_;
    pool.release(bytes_);
}

}  // namespace rollcall
