// Latest: a single value that one thread writes and other threads read.
//
// A reader gets the newest value or one that is a moment old, and learns nothing about other
// memory. Use it for a value that a thread reports about itself and another thread decides by; use
// a Cursor to pass data between threads.
//
// Threads: set() and add() belong to one writer; any thread may call read().
#pragma once

#include <atomic>

namespace rollcall {

template <class T>
class Latest {
public:
    Latest() = default;
    explicit Latest(T value) : value_(value) {}

    void set(T value) {
        // relaxed: the value stands alone and orders nothing; read() is its counterpart.
        value_.store(value, std::memory_order_relaxed);
    }

    void add(T amount) {
        // relaxed twice: only the one writer changes the value, so no read-modify-write is needed.
        const T now = value_.load(std::memory_order_relaxed);
        value_.store(now + amount, std::memory_order_relaxed);
    }

    [[nodiscard]] T read() const {
        // relaxed: the value stands alone and orders nothing; set() and add() are its counterparts.
        return value_.load(std::memory_order_relaxed);
    }

private:
    static_assert(std::atomic<T>::is_always_lock_free);

    std::atomic<T> value_{};
};

}  // namespace rollcall
