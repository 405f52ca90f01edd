// Cursor: a number that one thread moves, and others read.
//
// It is the only ordered atomic of the program. "What lies below this number is finished" is the
// whole of every hand-over: whoever reads the number may use everything below it.
//
// Threads: own(), advance() and retreat() the one writer; read() anyone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pipeline/base/error.h"

namespace rollcall {

inline constexpr size_t cache_line_bytes = 64;

// Named so that the stress test can be built with one of them weakened, and must then fail.
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

    // relaxed: only the writer asks, and it knows what it wrote.
    [[nodiscard]] uint64_t own() const { return value_.load(std::memory_order_relaxed); }

    void advance(uint64_t to) {
        ensure(to >= own());
        // release: pairs with read(). What the writer did to things below `to` is visible to
        // whoever sees `to`; in the other direction, its reads of them are over.
        value_.store(to, ROLLCALL_ORDER_ADVANCE);
    }

    // Moves the number back, because what lies between is not finished after all. A reader that saw
    // the larger number may act on it until it reads again.
    void retreat(uint64_t to) {
        ensure(to <= own());
        // release: as in advance().
        value_.store(to, ROLLCALL_ORDER_ADVANCE);
    }

    [[nodiscard]] uint64_t read() const {
        // acquire: pairs with advance(), see there.
        return value_.load(ROLLCALL_ORDER_READ);
    }

private:
    std::atomic<uint64_t> value_{0};
};

}  // namespace rollcall
