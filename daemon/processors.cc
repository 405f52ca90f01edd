#include "daemon/processors.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <thread>

namespace rollcall {

namespace {

size_t processors_in_mask() {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return std::thread::hardware_concurrency();
    return static_cast<size_t>(CPU_COUNT(&mask));
}

// Returns the quota of a group in processors, rounded up; SIZE_MAX if the group has no quota.
size_t quota_of(const std::string& group) {
    std::string quota;
    size_t period_us = 0;
    size_t quota_us = 0;
    std::ifstream(group + "/cpu.max") >> quota >> period_us;
    const char* const end = quota.data() + quota.size();
    if (std::from_chars(quota.data(), end, quota_us).ec != std::errc{} || period_us == 0)
        return SIZE_MAX;
    return (quota_us + period_us - 1) / period_us;
}

}  // namespace

size_t usable_processors(const CgroupPaths& paths) {
    size_t processors = processors_in_mask();
    for (const std::string& group : cgroup_directories(paths))
        processors = std::min(processors, quota_of(group));
    return std::max<size_t>(1, processors);
}

}  // namespace rollcall
