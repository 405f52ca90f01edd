// SharedCount: a number to which several threads add, and which is compared with a limit of the
// process.
//
// Each thread sees its own additions at once, and the additions of other threads slightly later. So
// the number can exceed the limit by the additions that some threads do not see yet.
//
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

namespace rollcall {

class SharedCount {
public:
    // Adds `amount`, which may be negative, and returns the sum.
    int64_t add(int64_t amount) {
        // relaxed: no other data depends on this number, which other threads load in read().
        return count_.fetch_add(amount, std::memory_order_relaxed) + amount;
    }
    [[nodiscard]] int64_t read() const {
        // relaxed: no other data depends on this number, which other threads change in add().
        return count_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<int64_t> count_{};
};

}  // namespace rollcall
