// CgroupMemory: how near the process is to the memory limit of its control groups.
//
// What counts is what the kernel cannot take back: not the page cache, which a spool fills to any
// limit. Of the group and those above it, the one that is nearest counts, and of its two limits,
// where the kernel slows down (memory.high) and where it kills (memory.max), the smaller.
//
// Source: cgroup v2, Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files". Nothing is
//         known under v1.
// Threads: one.
#pragma once

#include <string>
#include <vector>

namespace rollcall {

class CgroupMemory {
public:
    // root: where control groups are mounted. self: the file that says which is the process's.
    explicit CgroupMemory(const std::string& root = "/sys/fs/cgroup",
                          const std::string& self = "/proc/self/cgroup");

    // Used, of the limit. 0: there is no limit.
    [[nodiscard]] double share() const;

private:
    std::vector<std::string> groups_;  // Folders: the process's, and those above it.
};

}  // namespace rollcall
