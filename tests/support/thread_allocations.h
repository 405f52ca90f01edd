// ThreadAllocations: the number of allocations of one thread of a daemon.
//
// The library count_allocations (LD_PRELOAD) counts them in a file, whose path is in an environment
// variable. The file is an array of counted_threads_max entries in the order in which the threads
// made their first allocation; entries that are not used have thread 0.
#pragma once

#include <cstdint>

namespace rollcall {

inline constexpr const char* allocations_variable = "ROLLCALL_COUNT_ALLOCATIONS";
inline constexpr uint32_t counted_threads_max = 64;

struct ThreadAllocations {
    uint64_t thread = 0;  // The id that gettid(2) returns.
    uint64_t count = 0;
};

}  // namespace rollcall
