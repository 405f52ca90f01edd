// CgroupMemory: measures how near the process is to the memory limit of its control groups.
//
// The page cache does not count: the kernel can reclaim it, and writing the spool fills it up to
// any limit. Among the control group of the process and its parents, the one that is nearest to its
// limit decides. The limit of a group is the smaller of memory.high, where the kernel slows the
// process down, and memory.max, where the kernel kills it.
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

    // Returns the used share of the limit; 0 if there is no limit.
    [[nodiscard]] double share() const;
    // Returns the lowest limit, in bytes; UINT64_MAX if there is none.
    [[nodiscard]] uint64_t limit() const;

private:
    std::vector<std::string> groups_;  // Directories of the process's group and of its parents.
};

}  // namespace rollcall
