// DirectoryPlace: the identity of a directory. The next start of the daemon compares this identity,
// and so recognizes whether the directory is still the same or a copy.
//
// Within one boot of the kernel, the device, the inode and the time of birth identify a directory.
// A reboot may renumber devices, so across reboots the machine id replaces the device. A container
// often has no machine id, or a new one at each start. But a container has the boot id of its host.
// The boot ids are compared first, so the machine id does not matter until the host reboots.
//
// A copy made by cp, rsync or tar has another inode. If a disk image is cloned together with its
// machine id, the directories in both clones have equal identities. Such copies are recognized by
// the positions in the sinks (spool/lineage.h).
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
    // The machine id and the boot id, as text. All zeros if the id is unknown.
    std::array<char, 40> machine{};
    std::array<char, 40> boot{};
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t born_ns = 0;  // Nanoseconds since 1970; 0 if the file system does not record it.
};

// Returns true if `last` and `now` describe the same directory. `last` may be from an earlier boot.
[[nodiscard]] bool is_same_place(const DirectoryPlace& last, const DirectoryPlace& now);

// Fails with disk_failed if the directory cannot be examined. A missing machine id is no error.
[[nodiscard]] Result<DirectoryPlace> find_place(const std::string& directory);

}  // namespace rollcall
