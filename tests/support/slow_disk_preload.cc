// A disk that takes 30 ms more for each sync, put before a daemon by LD_PRELOAD. While a sync runs,
// a worker acknowledges nothing, and what it reads meanwhile waits for the next sync.
#include <dlfcn.h>
#include <unistd.h>

extern "C" int fdatasync(int fd) {
    using Sync = int (*)(int);
    static const auto real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fdatasync"));
    const int result = real(fd);
    usleep(30'000);
    return result;
}
