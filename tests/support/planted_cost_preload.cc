// A library for LD_PRELOAD that adds to each read of a check-in the costs that a careless change of
// the daemon could add: one allocation, and system calls that wait. ROLLCALL_PLANTED_WAITS sets the
// number of these system calls; the default is one.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

namespace {

constexpr ssize_t checkin_bytes_min = 200;  // The daemon reads nothing else that is so long.

void* volatile planted = nullptr;  // volatile: the compiler may not remove the allocation.

}  // namespace

extern "C" ssize_t read(int fd, void* bytes, size_t most) {
    using Read = ssize_t (*)(int, void*, size_t);
    static const auto real = reinterpret_cast<Read>(dlsym(RTLD_NEXT, "read"));
    static const char* const setting = std::getenv("ROLLCALL_PLANTED_WAITS");
    static const int waits = setting == nullptr ? 1 : std::atoi(setting);
    const ssize_t result = real(fd, bytes, most);
    if (result >= checkin_bytes_min) {
        planted = std::malloc(16);
        std::free(planted);
        for (int wait = 0; wait < waits; ++wait) usleep(1);
    }
    return result;
}
