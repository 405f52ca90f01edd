#include "daemon/open_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace rollcall::open_files {

// open(2) returns the lowest free descriptor number. This number is that of the closed stream,
// because the loop has already opened all lower ones.
void open_standard_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd) std::abort();
}

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
