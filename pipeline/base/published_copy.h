// PublishedCopy: a copy, for other threads, of a value that one thread changes.
//
// The owner of the value publishes copies from time to time. publish() never waits. If another
// thread is reading the copy, publish() returns false and changes nothing. The value should keep
// its size, so that a copy allocates no memory.
//
// Threads: one thread publishes; any thread reads.
#pragma once

#include <mutex>

namespace rollcall {

template <class T>
class PublishedCopy {
public:
    explicit PublishedCopy(const T& value) : value_(value) {}

    [[nodiscard]] bool publish(const T& value) {
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock) return false;
        value_ = value;
        return true;
    }
    [[nodiscard]] T read() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

private:
    mutable std::mutex mutex_;
    T value_;
};

}  // namespace rollcall
