// CgroupMemory: measures how close the process is to the memory limit of its control groups.
//
// The page cache does not count as used memory. The kernel can reclaim the page cache, and writing
// the spool would fill it up to any limit. The parents of the process's control group can also have
// limits. Of all these groups, the group that is closest to its limit counts. The limit of a group
// is the smaller of memory.high and memory.max. At memory.high the kernel slows the process down;
// at memory.max it kills the process.
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

    // Returns the used fraction of the limit of the group that is closest to its limit; 0 if no
    // group has a limit.
    [[nodiscard]] double share() const;
    // Returns the lowest limit of all groups, in bytes; UINT64_MAX if no group has a limit.
    [[nodiscard]] uint64_t limit() const;

private:
    std::vector<std::string> groups_;  // Directories of the process's group and of its parents.
};

}  // namespace rollcall
