// SharedCount: a number to which several threads add, and by which they decide whether a limit of
// the process is reached.
//
// Each thread sees its own additions, and those of others at most a moment late. So a limit may be
// exceeded for that moment by what the other threads add.
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
        // relaxed: the number stands alone and orders nothing; read() is the counterpart.
        return count_.fetch_add(amount, std::memory_order_relaxed) + amount;
    }
    [[nodiscard]] int64_t read() const {
        // relaxed: the number stands alone and orders nothing; add() is the counterpart.
        return count_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<int64_t> count_{};
};

}  // namespace rollcall
