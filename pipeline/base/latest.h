// Latest: a single value that one thread writes and other threads read.
//
// A reader gets the newest value or a slightly older one. The value does not tell the reader which
// other data the writer has already written. Use Latest for a value that one thread reports about
// itself and on which another thread bases decisions. Use a Cursor to pass data between threads.
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
        // relaxed: no other data depends on this value, which other threads load in read().
        value_.store(value, std::memory_order_relaxed);
    }

    void add(T amount) {
        // relaxed twice: only the one writer changes the value, so no read-modify-write is needed.
        const T now = value_.load(std::memory_order_relaxed);
        value_.store(now + amount, std::memory_order_relaxed);
    }

    [[nodiscard]] T read() const {
        // relaxed: no other data depends on this value, which the writer stores in set() and add().
        return value_.load(std::memory_order_relaxed);
    }

private:
    static_assert(std::atomic<T>::is_always_lock_free);

    std::atomic<T> value_{};
};

}  // namespace rollcall
