// A library for LD_PRELOAD. While a program writes below a directory, the library records which
// part of the data is durable. This record is called the shadow (volatile_disk_format.h). fsync()
// and fdatasync() change only the shadow, and sync nothing. After kill -9 the directory has the
// contents that the kernel holds, and the shadow has the contents that a power cut would leave.
//
// The library tracks the calls that the daemon uses to write files: open, write, pwrite, pwritev,
// ftruncate. Writes through a mapping never become durable. The shadow of a file outlives the
// process. A later process compares each file with its shadow to find the data that was not synced.
//
// Threads: any thread may call the functions, which share one lock. An exception ends the process.
// If the process continued, a failure of this library would look like lost data.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "tests/support/volatile_disk_format.h"

namespace {

namespace fs = std::filesystem;
using rollcall::volatile_disk::Names;
using rollcall::volatile_disk::Shadow;

constexpr size_t copy_bytes = 64 * 1024;
// A position after the end of every file.
constexpr off_t whole = std::numeric_limits<off_t>::max();

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::abort();
}

template <class Result>
Result checked(Result result, const char* what) {
    if (result < 0) give_up(what);
    return result;
}

template <class Call>
Call* real(const char* name) {
    auto* call = reinterpret_cast<Call*>(dlsym(RTLD_NEXT, name));
    if (call == nullptr) give_up(name);
    return call;
}

// Restores errno to the value that the real call left.
class Errno {
public:
    Errno() : saved_(errno) {}
    ~Errno() { errno = saved_; }
    Errno(const Errno&) = delete;
    Errno& operator=(const Errno&) = delete;

private:
    int saved_;
};

struct Range {
    off_t begin;
    off_t end;
};

class Disk {
public:
    Disk(std::string root, std::string shadow, std::optional<std::string> lies_below)
        : root_(std::move(root)), shadow_{std::move(shadow)}, lies_below_(std::move(lies_below)) {}

    // Records that a file was opened for writing.
    void opened(int fd) {
        const auto inode = regular_file(fd);
        if (!inode || !is_below(path_of(fd), root_)) return;
        const std::lock_guard lock(mutex_);
        if (unsynced_.contains(*inode)) return;
        auto& unsynced = unsynced_[*inode];
        if (fs::exists(shadow_.pin(*inode))) return compare(fd, *inode, unsynced);
        // Create the file in SHADOW/contents first, so that it exists for every pin.
        std::ofstream(shadow_.content(*inode)).close();
        fs::create_hard_link(path_of(fd), shadow_.pin(*inode));
        unsynced.push_back({0, size_of(fd)});
    }

    void written(int fd, off_t begin, off_t end) {
        const auto inode = regular_file(fd);
        if (!inode) return;
        const std::lock_guard lock(mutex_);
        const auto file = unsynced_.find(*inode);
        if (file == unsynced_.end()) return;
        auto& ranges = file->second;
        if (!ranges.empty() && ranges.back().end == begin)
            ranges.back().end = end;
        else
            ranges.push_back({begin, end});
    }

    void synced(int fd) {
        if (lies_below_ && is_below(path_of(fd), *lies_below_)) return;
        const std::lock_guard lock(mutex_);
        struct stat status{};
        checked(fstat(fd, &status), "fstat");
        if (S_ISDIR(status.st_mode)) return sync_directory(path_of(fd));
        const auto file = unsynced_.find(status.st_ino);
        if (file == unsynced_.end()) return;
        const int to = open_content(status.st_ino);
        for (const Range& range : file->second) copy(fd, to, range);
        checked(real<int(int, off_t)>("ftruncate")(to, status.st_size), "ftruncate");
        close(to);
        file->second.clear();
    }

private:
    static std::optional<ino_t> regular_file(int fd) {
        struct stat status{};
        if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
        return status.st_ino;
    }
    static off_t size_of(int fd) {
        struct stat status{};
        checked(fstat(fd, &status), "fstat");
        return status.st_size;
    }
    static fs::path path_of(int fd) {
        return fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    }
    static bool is_below(const fs::path& path, const fs::path& top) {
        return path == top || path.string().starts_with(top.string() + "/");
    }
    [[nodiscard]] int open_content(ino_t inode) const {
        return checked(real<int(const char*, int, ...)>("open")(shadow_.content(inode).c_str(),
                                                                O_RDWR | O_CLOEXEC, 0),
                       "open");
    }

    static void copy(int from, int to, Range range) {
        std::vector<char> bytes(copy_bytes);
        while (range.begin < range.end) {
            const auto most = std::min<off_t>(range.end - range.begin, copy_bytes);
            const auto got = checked(pread(from, bytes.data(), size_t(most), range.begin), "pread");
            if (got == 0) return;  // The file was truncated in the meantime.
            checked(real<ssize_t(int, const void*, size_t, off_t)>("pwrite")(
                        to, bytes.data(), size_t(got), range.begin),
                    "pwrite");
            range.begin += got;
        }
    }

    // Finds the data that an earlier process did not sync. If the size differs, the difference also
    // counts as unsynced.
    void compare(int fd, ino_t inode, std::vector<Range>& unsynced) const {
        const int content = open_content(inode);
        std::vector<char> ours(copy_bytes);
        std::vector<char> durable(copy_bytes);
        for (off_t at = 0, size = size_of(fd); at < size; at += copy_bytes) {
            const auto got = checked(pread(fd, ours.data(), copy_bytes, at), "pread");
            const auto had = checked(pread(content, durable.data(), copy_bytes, at), "pread");
            if (got != had || std::memcmp(ours.data(), durable.data(), size_t(got)) != 0)
                unsynced.push_back({at, at + got});
        }
        close(content);
    }

    void sync_directory(const fs::path& directory) {
        if (!is_below(directory, root_)) return;
        Names names = shadow_.read_names();
        const auto is_in_it = [&](const std::string& name) {
            return (root_ / name).parent_path() == directory;
        };
        std::erase_if(names, [&](const auto& entry) { return is_in_it(entry.first); });
        for (const auto& entry : fs::directory_iterator(directory)) {
            struct stat status{};
            if (lstat(entry.path().c_str(), &status) != 0) continue;  // Removed in the meantime.
            if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
            const auto name = entry.path().lexically_relative(root_).string();
            // A file without a pin was never opened for writing, so it has no state to record.
            if (S_ISREG(status.st_mode) && !fs::exists(shadow_.pin(status.st_ino))) continue;
            names[name] = S_ISDIR(status.st_mode) ? 0 : status.st_ino;
        }
        shadow_.write_names(names);
        forget_all_but(names);
    }

    // Deletes the pin and the durable contents of each file that has no other name left.
    void forget_all_but(const Names& names) {
        std::set<ino_t> named;
        for (const auto& [name, inode] : names) named.insert(inode);
        for (const auto& pin : fs::directory_iterator(shadow_.path / "pins")) {
            const ino_t inode = std::stoull(pin.path().filename().string());
            if (named.contains(inode) || pin.hard_link_count() > 1) continue;
            unsynced_.erase(inode);
            fs::remove(shadow_.content(inode));
            fs::remove(pin.path());
        }
    }

    fs::path root_;
    Shadow shadow_;
    std::optional<fs::path> lies_below_;
    std::mutex mutex_;
    std::map<ino_t, std::vector<Range>> unsynced_;  // Has an entry for every file that was opened.
};

// Returns nullptr if the environment variables name no volatile disk.
Disk* disk() {
    static Disk* const one = []() -> Disk* {
        const char* root = std::getenv(rollcall::volatile_disk::root_variable);
        const char* shadow = std::getenv(rollcall::volatile_disk::shadow_variable);
        const char* lies = std::getenv(rollcall::volatile_disk::lies_variable);
        if (root == nullptr || shadow == nullptr) return nullptr;
        return new Disk(root, shadow, lies ? std::optional<std::string>(lies) : std::nullopt);
    }();
    return one;
}

// True while this library itself makes calls, which must not be recorded.
thread_local bool recording = false;

template <class Use>
void record(Use use) noexcept {
    if (recording || disk() == nullptr) return;
    const Errno as_it_was;
    recording = true;
    use(*disk());
    recording = false;
}

int open_and_record(const char* call, const char* path, int flags, mode_t mode) {
    // Disk::compare() and copy() read every file, so even files that are opened only for writing
    // must be readable.
    if (disk() != nullptr && (flags & O_CREAT) != 0 && (flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    const int fd = real<int(const char*, int, ...)>(call)(path, flags, mode);
    if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY)
        record([&](Disk& disk) {
            disk.opened(fd);
            if ((flags & O_TRUNC) != 0) disk.written(fd, 0, whole);
        });
    return fd;
}

mode_t mode_in(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

template <class Result>
Result written(int fd, off_t at, Result result) {
    if (result > 0) record([&](Disk& disk) { disk.written(fd, at, at + result); });
    return result;
}

int cut(const char* call, int fd, off_t size) {
    const int result = real<int(int, off_t)>(call)(fd, size);
    // Everything from `size` on now differs from the durable contents, so it counts as written.
    if (result == 0) record([&](Disk& disk) { disk.written(fd, size, whole); });
    return result;
}

int sync(const char* call, int fd) {
    if (disk() == nullptr) return real<int(int)>(call)(fd);
    record([&](Disk& disk) { disk.synced(fd); });
    return 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_in(flags, arguments);
    va_end(arguments);
    return open_and_record("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_in(flags, arguments);
    va_end(arguments);
    return open_and_record("open64", path, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t count) {
    static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
    const ssize_t result = next(fd, bytes, count);
    if (result > 0) {
        const Errno as_it_was;
        const off_t end = lseek(fd, 0, SEEK_CUR);
        if (end >= 0) (void)written(fd, end - result, result);
    }
    return result;
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) {
    static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>("pwrite");
    return written(fd, at, next(fd, bytes, count, at));
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
    static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
    return written(fd, at, next(fd, bytes, count, at));
}

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
    static auto* const next = real<ssize_t(int, const iovec*, int, off_t)>("pwritev");
    return written(fd, at, next(fd, pieces, count, at));
}

int ftruncate(int fd, off_t size) noexcept { return cut("ftruncate", fd, size); }
int ftruncate64(int fd, off64_t size) noexcept { return cut("ftruncate64", fd, size); }

int fsync(int fd) { return sync("fsync", fd); }
int fdatasync(int fd) { return sync("fdatasync", fd); }

}  // extern "C"
