#include "pipeline/base/directory_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace rollcall {

namespace {

bool is_known(const std::array<char, 40>& name) { return name.front() != 0; }

// Returns the first word of a file, or zeros if the file has none.
std::array<char, 40> first_word(const char* path) {
    std::array<char, 40> word{};
    std::ifstream file(path);
    std::string text;
    if (file >> text) std::copy_n(text.begin(), std::min(text.size(), word.size()), word.begin());
    return word;
}

}  // namespace

bool is_same_place(const DirectoryPlace& last, const DirectoryPlace& now) {
    const bool same_directory = last.inode == now.inode && last.born_ns == now.born_ns;
    if (is_known(now.boot) && last.boot == now.boot)
        return same_directory && last.device == now.device;
    return same_directory && last.machine == now.machine;
}

Result<DirectoryPlace> find_place(const std::string& directory) {
    struct statx status{};
    if (statx(AT_FDCWD, directory.c_str(), 0, STATX_INO | STATX_BTIME, &status) != 0)
        return fail(Code::disk_failed, errno);
    DirectoryPlace place{.machine = first_word("/etc/machine-id"),
                         .boot = first_word("/proc/sys/kernel/random/boot_id"),
                         .device = makedev(status.stx_dev_major, status.stx_dev_minor),
                         .inode = status.stx_ino};
    if ((status.stx_mask & STATX_BTIME) != 0)
        place.born_ns = status.stx_btime.tv_sec * 1'000'000'000 + status.stx_btime.tv_nsec;
    return place;
}

}  // namespace rollcall
