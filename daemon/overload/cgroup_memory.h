// CgroupMemory: measures how close the process is to the memory limit of its control groups.
//
// The page cache does not count, because the kernel can reclaim it, and because writing the spool
// would fill it up to any limit. Each parent of the process's control group can have a limit, too;
// the group that is closest to its limit counts. The limit of a group is the smaller of memory.high
// and memory.max. At memory.high the kernel slows the process down; at memory.max it kills the
// process.
//
// Source: cgroup v2, Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files". Under v1 no
//         limit is found.
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rollcall {

class CgroupMemory {
public:
    // root: where control groups are mounted. self: the file that names the process's group.
    explicit CgroupMemory(const std::string& root = "/sys/fs/cgroup",
                          const std::string& self = "/proc/self/cgroup");

    // Returns the fraction of the limit that is used; 0 if there is no limit.
    [[nodiscard]] double share() const;
    // Returns the lowest limit, in bytes; UINT64_MAX if there is none.
    [[nodiscard]] uint64_t limit() const;

private:
    std::vector<std::string> groups_;  // Directories of the process's group and of its parents.
};

}  // namespace rollcall
