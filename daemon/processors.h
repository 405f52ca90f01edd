// Processors: the number of processors that the process may use.
//
// Threads: any.
#pragma once

#include <cstddef>

#include "daemon/overload/cgroup.h"

namespace rollcall {

// Returns the number of processors in the affinity mask of the calling thread, or the CPU quota of
// the control groups, rounded up, if this quota is lower. The result is at least 1. Sources:
// sched_getaffinity(2); cgroup v2, "CPU Interface Files", cpu.max.
[[nodiscard]] size_t usable_processors(const CgroupPaths& paths = {});

}  // namespace rollcall
