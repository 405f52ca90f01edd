#include "tests/support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// relaxed, at every access: no other data depends on this number.
std::atomic<size_t> count{0};

void* allocate(size_t bytes) {
    count.fetch_add(1, std::memory_order_relaxed);
    return std::malloc(bytes);
}

void* allocate_or_throw(size_t bytes) {
    if (void* memory = allocate(bytes)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// This file replaces all operators except the aligned ones. If it replaced only some, a sanitizer
// would report an error when its own delete frees memory that an operator of this file allocated.
void* operator new(size_t bytes) { return allocate_or_throw(bytes); }
void* operator new[](size_t bytes) { return allocate_or_throw(bytes); }
void* operator new(size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

size_t rollcall::allocations() { return count.load(std::memory_order_relaxed); }
