#include "daemon/overload/process_memory.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace rollcall {

namespace {

constexpr uint64_t default_divisor = 2;  // By default, memory_max is half of the machine's memory.
constexpr uint64_t clients_divisor = 4;  // Clients may use a quarter of memory_max. The rest is
                                         // for slots, batches, deduplication and libraries.

// sysinfo(2) works without /proc/meminfo, to which the service has no access.
uint64_t machine_bytes() {
    struct sysinfo machine{};
    if (sysinfo(&machine) != 0) return UINT64_MAX;
    return uint64_t{machine.totalram} * machine.mem_unit;
}

}  // namespace

uint64_t process_bytes() {
    uint64_t size = 0;
    uint64_t resident = 0;
    uint64_t of_files = 0;
    std::ifstream("/proc/self/statm") >> size >> resident >> of_files;
    return (resident - std::min(resident, of_files)) * static_cast<uint64_t>(getpagesize());
}

uint64_t memory_bytes_max(const Settings& settings) {
    const uint64_t set = settings.general.memory_max.count;
    return set > 0 ? set : machine_bytes() / default_divisor;
}

uint64_t client_memory_bytes_max(const Settings& settings, const CgroupMemory& group) {
    return std::min(memory_bytes_max(settings), group.limit()) / clients_divisor;
}

}  // namespace rollcall
