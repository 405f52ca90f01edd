// A library for LD_PRELOAD that counts the allocations of each thread, including those that C
// libraries make. thread_allocations.h describes the file with the counts. glibc still allocates
// the memory.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "tests/support/thread_allocations.h"

namespace {

using rollcall::ThreadAllocations;
constexpr size_t table_bytes = rollcall::counted_threads_max * sizeof(ThreadAllocations);

ThreadAllocations* table = nullptr;
std::atomic<uint32_t> threads{0};
// initial-exec: in a library, the first use of a thread-local variable with any other model
// allocates memory. Then count() would call itself.
__attribute__((tls_model("initial-exec"))) thread_local ThreadAllocations* own = nullptr;

__attribute__((constructor)) void open_table() {
    const char* path = std::getenv(rollcall::allocations_variable);
    if (path == nullptr) return;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, table_bytes) != 0) std::abort();
    void* memory = mmap(nullptr, table_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) std::abort();
    close(fd);
    table = static_cast<ThreadAllocations*>(memory);
}

// Counts an allocation in the calling thread's entry, which no other thread writes.
void count() {
    if (table == nullptr) return;
    if (own == nullptr) {
        // relaxed: no other data depends on this number. It only gives each thread its own entry.
        const uint32_t entry = threads.fetch_add(1, std::memory_order_relaxed);
        if (entry >= rollcall::counted_threads_max) std::abort();
        own = &table[entry];
        own->thread = static_cast<uint64_t>(gettid());
    }
    ++own->count;
}

}  // namespace

extern "C" {

void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t items, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) noexcept {
    count();
    return __libc_malloc(bytes);
}

void* calloc(size_t items, size_t bytes) noexcept {
    count();
    return __libc_calloc(items, bytes);
}

void* realloc(void* memory, size_t bytes) noexcept {
    count();
    return __libc_realloc(memory, bytes);
}

void* memalign(size_t alignment, size_t bytes) noexcept {
    count();
    return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) noexcept { return memalign(alignment, bytes); }

int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
    *memory = memalign(alignment, bytes);
    return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
