#include "pipeline/base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

namespace rollcall {

namespace {

std::unexpected<Error> disk_error(int os_errno = errno) {
    switch (os_errno) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return fail(Code::disk_full, os_errno);  // See RLIMIT_FSIZE in setrlimit(2).
        case EMFILE:
        case ENFILE: return fail(Code::too_many_files, os_errno);
        default: return fail(Code::disk_failed, os_errno);
    }
}

// Returns the error of an errno, with the path in the explanation, because the operator may have
// given a wrong path.
std::unexpected<Error> disk_error(std::string_view action, const std::string& path,
                                  int os_errno = errno) {
    const auto error = disk_error(os_errno);
    if (error.error().code != Code::disk_failed) return error;
    return fail(Code::disk_failed, os_errno, fmt::format("cannot {} {}", action, path));
}

FileStatus status_of(const struct stat& status) {
    return {{status.st_dev, status.st_ino}, status.st_nlink};
}

std::string name_of(uid_t user) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> text;
    if (getpwuid_r(user, &entry, text.data(), text.size(), &found) == 0 && found != nullptr)
        return found->pw_name;
    return fmt::format("#{}", user);  // The notation that sudo -u accepts.
}

class RealFile final : public File {
public:
    explicit RealFile(int fd) : fd_(fd) {}
    ~RealFile() override { close(fd_); }
    RealFile(const RealFile&) = delete;
    RealFile& operator=(const RealFile&) = delete;

    Result<void> sync() override {
        // Do not retry after EINTR: Linux may have dropped a write error meanwhile, and a second
        // call would not return that error.
        if (fdatasync(fd_) != 0) return fail(Code::sync_failed, errno);
        return {};
    }

    Result<uint64_t> size() override {
        struct stat status{};
        if (fstat(fd_, &status) != 0) return disk_error();
        return static_cast<uint64_t>(status.st_size);
    }

    Result<FileStatus> status() override {
        struct stat status{};
        if (fstat(fd_, &status) != 0) return disk_error();
        return status_of(status);
    }

    Result<void> truncate(uint64_t size) override {
        if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return disk_error();
        return {};
    }

protected:
    Result<size_t> write_some(uint64_t offset, std::span<const iovec> pieces) override {
        for (;;) {
            const ssize_t written =
                pwritev(fd_, pieces.data(), static_cast<int>(pieces.size()), off_t(offset));
            if (written >= 0) return static_cast<size_t>(written);
            if (errno != EINTR) return disk_error();
        }
    }

    Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) override {
        for (;;) {
            const ssize_t got = pread(fd_, into.data(), into.size(), off_t(offset));
            if (got >= 0) return static_cast<size_t>(got);
            if (errno != EINTR) return disk_error();
        }
    }

private:
    int fd_;
};

Result<void> give_directory_to_owner(const std::string& directory, const std::string& parent) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error();
    const RealFile closes(fd);
    return give_to_owner(fd, parent);
}

}  // namespace

Result<void> File::write(uint64_t offset, std::span<const iovec> pieces) {
    std::array<iovec, IOV_MAX> rest;
    ensure(pieces.size() <= rest.size());
    std::copy(pieces.begin(), pieces.end(), rest.begin());
    size_t first = 0;
    for (;;) {
        while (first < pieces.size() && rest[first].iov_len == 0) ++first;
        if (first == pieces.size()) return {};
        auto written = write_some(offset, std::span(rest).subspan(first, pieces.size() - first));
        if (!written) return std::unexpected(written.error());
        if (*written == 0) return fail(Code::disk_failed);
        offset += *written;
        while (*written > 0) {
            const size_t here = std::min(*written, rest[first].iov_len);
            rest[first].iov_base = static_cast<char*>(rest[first].iov_base) + here;
            rest[first].iov_len -= here;
            *written -= here;
            if (rest[first].iov_len == 0) ++first;
        }
    }
}

Result<void> File::write(uint64_t offset, std::span<const std::byte> bytes) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    return write(offset, {&piece, 1});
}

Result<size_t> File::read(uint64_t offset, std::span<std::byte> into) {
    size_t done = 0;
    while (done < into.size()) {
        const auto got = read_some(offset + done, into.subspan(done));
        if (!got) return std::unexpected(got.error());
        if (*got == 0) break;
        done += *got;
    }
    return done;
}

Result<std::unique_ptr<File>> Files::open(const std::string& path, Open how) {
    int flags = O_CLOEXEC;
    switch (how) {
        case Open::existing_read_only: flags |= O_RDONLY; break;
        case Open::existing: flags |= O_RDWR; break;
        case Open::create: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    const int fd = ::open(path.c_str(), flags, 0640);
    if (fd < 0) return disk_error("open", path);
    auto file = std::make_unique<RealFile>(fd);
    if (how != Open::create) return file;
    if (const auto given = give_to_owner(fd, parent_of(path)); !given) {
        unlink(path.c_str());
        return std::unexpected(given.error());
    }
    return file;
}

Result<void> Files::make_directories(const std::string& path) {
    const std::filesystem::path whole = path;
    std::filesystem::path made;
    for (const auto& part : whole) {
        const std::string parent = made.empty() ? "." : made.string();
        made /= part;
        if (mkdir(made.c_str(), 0777) == 0) {
            if (auto given = give_directory_to_owner(made.string(), parent); !given) return given;
            if (auto synced = sync_directory(parent); !synced) return synced;
        } else if (errno != EEXIST) {
            return disk_error("create the directory", made.string());
        }
    }
    std::error_code error;
    if (!std::filesystem::is_directory(whole, error))
        return disk_error("create the directory", path, ENOTDIR);
    return {};
}

Result<std::vector<std::string>> Files::list(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
        names.push_back(entry.path().filename().string());
    if (error) return disk_error("list", directory, error.value());
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> Files::rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return disk_error();
    return {};
}

Result<void> Files::remove(const std::string& path) {
    if (unlink(path.c_str()) != 0) return disk_error();
    return {};
}

Result<void> Files::sync_directory(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error();
    const bool synced = fsync(fd) == 0;
    const int why = errno;
    close(fd);
    if (!synced) return fail(Code::sync_failed, why);
    return {};
}

Result<FileStatus> Files::status(const std::string& path) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return disk_error();
    return status_of(status);
}

Result<DirectoryPlace> Files::place(const std::string& directory) { return find_place(directory); }

Result<std::unique_ptr<File>> Files::lock(const std::string& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return disk_error("open the directory", directory);
    auto file = std::make_unique<RealFile>(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return file;
    if (errno == EWOULDBLOCK)
        return fail(Code::spool_locked,
                    fmt::format("another rollcalld uses this spool: {} is locked", directory));
    return fail(Code::disk_failed, errno, fmt::format("cannot lock {}", directory));
}

std::string parent_of(const std::string& path) {
    const std::string parent = std::filesystem::path(path).parent_path();
    return parent.empty() ? "." : parent;
}

Result<void> give_to_owner(int fd, const std::string& directory) {
    if (geteuid() != 0) return {};
    struct stat status{};
    if (stat(directory.c_str(), &status) != 0) return disk_error();
    if (status.st_uid == 0 || fchown(fd, status.st_uid, status.st_gid) == 0) return {};
    return fail(Code::not_owner, errno,
                fmt::format("{} belongs to {}, and root cannot give a new file to that user",
                            directory, name_of(status.st_uid)));
}

Result<void> check_owner(const std::string& path) {
    const uid_t user = geteuid();
    struct stat status{};
    const bool exists = stat(path.c_str(), &status) == 0;
    const std::string checked = exists ? path : parent_of(path);
    if (!exists && stat(checked.c_str(), &status) != 0) return {};
    if (user == 0 || status.st_uid == user) return {};
    const std::string owner = name_of(status.st_uid);
    return fail(
        Code::not_owner,
        fmt::format("{} belongs to {}: run the command as that user (sudo -u {}) or as root",
                    checked, owner, owner));
}

Result<void> check_directory(const std::string& path, std::string_view setting) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return {};
    return fail(Code::unreadable_file,
                fmt::format("no such directory: {} (see {})", path, setting));
}

}  // namespace rollcall
