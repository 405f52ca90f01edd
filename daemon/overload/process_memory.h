// Process memory: how much memory the process uses, and how much it may use.
//
// Threads: any. Units: bytes.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "daemon/overload/cgroup_memory.h"

namespace rollcall {

// Returns the resident memory of the process, without pages of files (proc(5), statm).
[[nodiscard]] uint64_t process_bytes();

// Returns the setting memory_max, or half of the machine's memory if the setting is 0.
[[nodiscard]] uint64_t memory_bytes_max(const Settings& settings);

// Returns how much memory all clients together may occupy. This is a quarter of memory_bytes_max()
// or of the limit of the control groups, whichever is lower.
[[nodiscard]] uint64_t client_memory_bytes_max(const Settings& settings,
                                               const CgroupMemory& group = CgroupMemory());

}  // namespace rollcall
