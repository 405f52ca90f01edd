// A library for LD_PRELOAD that delays each sync by 30 ms. During a sync, a worker sends no
// acknowledgements, and the check-ins that it reads must wait for the next sync.
#include <dlfcn.h>
#include <unistd.h>

extern "C" int fdatasync(int fd) {
    using Sync = int (*)(int);
    static const auto real = reinterpret_cast<Sync>(dlsym(RTLD_NEXT, "fdatasync"));
    const int result = real(fd);
    usleep(30'000);
    return result;
}
