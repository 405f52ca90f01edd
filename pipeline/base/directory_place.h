// DirectoryPlace: the identity of a directory, by which the next start can tell whether it is still
// the same directory or a copy.
//
// Within one boot of the kernel, device, inode and time of birth identify a directory. A reboot may
// renumber devices, so across reboots the machine id stands in for the device. A container often
// has no machine id, or a new one at each start; it keeps the boot id of its host, which is
// compared first.
//
// A copy made by cp, rsync or tar has another inode. A disk image that is cloned with its machine
// id has the same place; then the positions that sinks keep tell the copies apart (lineage.h).
//
// Source:  statx(2); machine-id(5); random(4) for /proc/sys/kernel/random/boot_id.
// Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "pipeline/base/error.h"

namespace rollcall {

struct DirectoryPlace {
    // Zeros if they are unknown.
    std::array<char, 40> machine{};
    std::array<char, 40> boot{};
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t born_ns = 0;  // Nanoseconds since 1970; 0 if the file system does not record it.
};

// Returns true if both describe the same directory. `last` may be from an earlier boot.
[[nodiscard]] bool is_same_place(const DirectoryPlace& last, const DirectoryPlace& now);

// Fails with disk_failed if the directory cannot be examined. A missing machine id is no error.
[[nodiscard]] Result<DirectoryPlace> find_place(const std::string& directory);

}  // namespace rollcall
