// Control groups: finds the directories in which the kernel shows the limits of the process's
// control groups.
//
// Source: cgroup v2, Documentation/admin-guide/cgroup-v2.rst. Finds no directory under v1.
// Threads: any.
#pragma once

#include <string>
#include <vector>

namespace rollcall {

// root: the directory where control groups are mounted. self: the file that names the control group
// of the process.
struct CgroupPaths {
    std::string root = "/sys/fs/cgroup";
    std::string self = "/proc/self/cgroup";
};

// Returns the directory of the process's control group, followed by the directories of its parents,
// the nearest parent first.
[[nodiscard]] std::vector<std::string> cgroup_directories(const CgroupPaths& paths = {});

}  // namespace rollcall
