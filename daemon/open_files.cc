#include "daemon/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace rollcall::open_files {

uint64_t raise_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

uint64_t connections_within(uint64_t connections_max, uint64_t limit) {
    const uint64_t left = limit - std::min(limit, files_reserved);
    return std::clamp<uint64_t>(left, 1, connections_max);
}

}  // namespace rollcall::open_files
