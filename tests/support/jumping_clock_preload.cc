// A library for LD_PRELOAD that shifts the wall clock of a program. JUMPING_CLOCK names a file with
// the offset in seconds (8 bytes). A test may write the file at any time. The steady clock is not
// affected.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

using Seconds = std::atomic<int64_t>;

const Seconds* map_file() {
    const char* path = std::getenv("JUMPING_CLOCK");
    if (path == nullptr) return nullptr;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    void* const at = mmap(nullptr, sizeof(Seconds), PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || at == MAP_FAILED) {
        std::perror(path);
        std::abort();
    }
    close(fd);
    return static_cast<const Seconds*>(at);
}

time_t ahead() {
    static const Seconds* const seconds = map_file();
    // relaxed: no other data depends on this number.
    return seconds == nullptr ? 0 : seconds->load(std::memory_order_relaxed);
}

int read_clock(clockid_t clock, timespec* time) {
    using Call = int(clockid_t, timespec*);
    static auto* const next = reinterpret_cast<Call*>(dlsym(RTLD_NEXT, "clock_gettime"));
    const int result = next(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += ahead();
    return result;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept { return read_clock(clock, time); }

int gettimeofday(timeval* time, void*) noexcept {
    timespec now{};
    if (read_clock(CLOCK_REALTIME, &now) != 0) return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t* where) noexcept {
    timespec now{};
    if (read_clock(CLOCK_REALTIME, &now) != 0) return -1;
    if (where != nullptr) *where = now.tv_sec;
    return now.tv_sec;
}

}  // extern "C"
