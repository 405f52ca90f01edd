#include "daemon/overload/cgroup_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "daemon/overload/cgroup.h"

namespace rollcall {

namespace {

constexpr double none = std::numeric_limits<double>::infinity();

// Returns the number in the file; infinity if the file holds "max" or cannot be read.
double number_in(const std::string& path) {
    double number = none;
    std::ifstream(path) >> number;
    return number > 0 ? number : none;
}

double page_cache(const std::string& group) {
    double bytes = 0;
    std::ifstream statistics(group + "/memory.stat");
    std::string name;
    for (double value = 0; statistics >> name >> value;)
        if (name == "active_file" || name == "inactive_file") bytes += value;
    return bytes;
}

double limit_of(const std::string& group) {
    return std::min(number_in(group + "/memory.max"), number_in(group + "/memory.high"));
}

double share_of(const std::string& group) {
    const double limit = limit_of(group);
    if (limit == none) return 0;
    const double used = number_in(group + "/memory.current");
    return used == none ? 0 : std::max(0.0, used - page_cache(group)) / limit;
}

}  // namespace

CgroupMemory::CgroupMemory(const std::string& root, const std::string& self)
    : groups_(cgroup_directories({root, self})) {}

double CgroupMemory::share() const {
    double nearest = 0;
    for (const auto& group : groups_) nearest = std::max(nearest, share_of(group));
    return nearest;
}

uint64_t CgroupMemory::limit() const {
    double lowest = none;
    for (const auto& group : groups_) lowest = std::min(lowest, limit_of(group));
    return lowest == none ? UINT64_MAX : static_cast<uint64_t>(lowest);
}

}  // namespace rollcall
