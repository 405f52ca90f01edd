// Control groups: finds the directories in which the kernel shows the limits of the control groups
// of this process.
//
// Source: cgroup v2, Documentation/admin-guide/cgroup-v2.rst. Finds no group under cgroup v1.
// Threads: any.
#pragma once

#include <string>
#include <vector>

namespace rollcall {

// The directory where control groups are mounted, and the file that names the group of the process.
struct CgroupPaths {
    std::string root = "/sys/fs/cgroup";
    std::string self = "/proc/self/cgroup";
};

// Returns the directories of the process's group and of its parents, the innermost first.
[[nodiscard]] std::vector<std::string> cgroup_directories(const CgroupPaths& paths = {});

}  // namespace rollcall
