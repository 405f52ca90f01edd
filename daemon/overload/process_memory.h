// Process memory: how much the process uses, and how much it may use.
//
// Threads: any. Units: bytes.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "daemon/overload/cgroup_memory.h"

namespace rollcall {

// Returns the memory of the process that is in RAM and belongs to no file: proc(5), statm.
[[nodiscard]] uint64_t process_bytes();

// Returns memory_max, or what 0 stands for: half of the machine's memory.
[[nodiscard]] uint64_t memory_bytes_max(const Settings& settings);

// Returns how much clients may hold: a quarter of memory_max, or of the limit of the control groups
// if that is lower.
[[nodiscard]] uint64_t client_memory_bytes_max(const Settings& settings,
                                               const CgroupMemory& group = CgroupMemory());

}  // namespace rollcall
