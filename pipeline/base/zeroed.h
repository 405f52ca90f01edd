// ZeroedArray: an array of zeros from the kernel. The pages of the array use no memory until they
// are first accessed.
//
// Threads: the thread that owns the array.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "pipeline/base/error.h"

namespace rollcall {

struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
};

template <class T>
using ZeroedArray = std::unique_ptr<T[], FreeMemory>;

template <class T>
[[nodiscard]] ZeroedArray<T> zeroed(size_t count) {
    void* const memory = std::calloc(count, sizeof(T));
    ensure(memory != nullptr);
    return ZeroedArray<T>(static_cast<T*>(memory));
}

}  // namespace rollcall
