// Cursor: a number that one thread advances and other threads read.
//
// Cursors are the only atomics of the program that order memory. They follow one rule: all data
// below the number is complete. So a thread that reads the number may use all data below the
// number.
//
// Threads: own(), advance() and retreat() belong to one writer; any thread may call read().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/error.h"

namespace rollcall {

inline constexpr size_t cache_line_bytes = 64;

// The memory orders are macros so that a build of the stress test can weaken one of them. The test
// must fail in such a build.
#ifndef ROLLCALL_ORDER_ADVANCE
#define ROLLCALL_ORDER_ADVANCE std::memory_order_release
#endif
#ifndef ROLLCALL_ORDER_READ
#define ROLLCALL_ORDER_READ std::memory_order_acquire
#endif

class alignas(cache_line_bytes) Cursor {
public:
    Cursor() = default;
    explicit Cursor(uint64_t start) : value_(start) {}

    // relaxed: only the writer calls this, and it reads its own writes.
    [[nodiscard]] uint64_t own() const { return value_.load(std::memory_order_relaxed); }

    void advance(uint64_t to) {
        ensure(to >= own());
        // release: pairs with read(). A thread that reads `to` sees everything that the writer did
        // to data below `to`. It may also overwrite this data, because the writer has finished
        // reading it.
        value_.store(to, ROLLCALL_ORDER_ADVANCE);
    }

    // Moves the number back, because the data between the new and the old number is not complete
    // after all. A reader that saw the old number acts on it until it reads again.
    void retreat(uint64_t to) {
        ensure(to <= own());
        // release: pairs with read(), for the same reason as in advance().
        value_.store(to, ROLLCALL_ORDER_ADVANCE);
    }

    [[nodiscard]] uint64_t read() const {
        // acquire: pairs with advance() and retreat(); advance() gives the reason.
        return value_.load(ROLLCALL_ORDER_READ);
    }

private:
    std::atomic<uint64_t> value_{0};
};

}  // namespace rollcall
