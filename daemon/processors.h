// Processors: the number of processors that the process may use.
//
// Threads: any.
#pragma once

#include <cstddef>

#include "daemon/overload/cgroup.h"

namespace rollcall {

// Returns the smaller of two numbers: the processors in the affinity mask of the calling thread,
// and the CPU quota of its control groups, rounded up. The result is at least 1. Sources:
// sched_getaffinity(2); cgroup v2, "CPU Interface Files", cpu.max.
[[nodiscard]] size_t usable_processors(const CgroupPaths& paths = {});

}  // namespace rollcall
