// Files: the file system, as an interface that tests replace to inject torn writes, full disks and
// errors.
//
// Ownership: if root creates a file or directory, it belongs to the owner of the directory above
// it. A command that root runs therefore leaves nothing that the daemon, as another user, cannot
// write. check_owner() lets a command fail early if its user is neither root nor the owner.
//
// clang-format off
// Errors:  disk_full       (ENOSPC, EDQUOT, EFBIG)   may pass: wait and try again
//          too_many_files  (EMFILE, ENFILE)   may pass
//          disk_failed     (all others)       does not pass
//          sync_failed     (of a sync)        does not pass: nothing that the sync covered may be
//                                             called durable, even if a second one succeeds
// Threads: Files any; a File one at a time.
// clang-format on
#pragma once

#include <sys/uio.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/directory_place.h"
#include "pipeline/base/error.h"

namespace rollcall {

// The identity of a file or a directory, whatever its path is. The pair stays unique while a
// descriptor of the file is open.
struct FileIdentity {
    uint64_t device;
    uint64_t inode;

    auto operator<=>(const FileIdentity&) const = default;
};

struct FileStatus {
    FileIdentity identity;
    uint64_t links;  // Number of its names; 0 after the last one was removed.
};

class File {
public:
    virtual ~File() = default;
    // Writes all of the pieces, or fails. After a failure any part may have been written.
    [[nodiscard]] Result<void> write(uint64_t offset, std::span<const iovec> pieces);
    [[nodiscard]] Result<void> write(uint64_t offset, std::span<const std::byte> bytes);
    // Returns the number of bytes read, which is less than asked for only at the end of the file.
    [[nodiscard]] Result<size_t> read(uint64_t offset, std::span<std::byte> into);
    [[nodiscard]] virtual Result<void> sync() = 0;  // fdatasync(2)
    [[nodiscard]] virtual Result<uint64_t> size() = 0;
    [[nodiscard]] virtual Result<FileStatus> status() = 0;
    [[nodiscard]] virtual Result<void> truncate(uint64_t size) = 0;

protected:
    // Like pwritev(2) and pread(2): may transfer only a part, but at least one byte, unless the
    // request is empty or the file has no more bytes to read.
    [[nodiscard]] virtual Result<size_t> write_some(uint64_t offset,
                                                    std::span<const iovec> pieces) = 0;
    [[nodiscard]] virtual Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) = 0;
};

class Files {
public:
    enum class Open { existing_read_only, existing, create };

    virtual ~Files() = default;
    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how);
    // Creates the missing directories, and makes each one durable in the directory above it.
    [[nodiscard]] virtual Result<void> make_directories(const std::string& path);
    // Returns the names in a directory, sorted.
    [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory);
    [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to);
    [[nodiscard]] virtual Result<void> remove(const std::string& path);
    // Makes creations, renames and removals in a directory durable.
    [[nodiscard]] virtual Result<void> sync_directory(const std::string& directory);
    // Returns the status of a file or directory. os_errno is ENOENT if the path does not exist.
    [[nodiscard]] virtual Result<FileStatus> status(const std::string& path);
    // Returns the identity of a directory.
    [[nodiscard]] virtual Result<DirectoryPlace> place(const std::string& directory);
    // Locks a directory until the File is destroyed; spool_locked if another process has locked it.
    // The lock is on the directory itself, so removing a file from it admits no second process.
    // NFS cannot lock a directory. Source: flock(2).
    [[nodiscard]] virtual Result<std::unique_ptr<File>> lock(const std::string& directory);
};

// Gives an open file to the owner of `directory` if this process runs as root and another user owns
// the directory.
[[nodiscard]] Result<void> give_to_owner(int fd, const std::string& directory);

// Fails with not_owner if this user is neither root nor the owner of the file or directory, because
// files that the user creates there might be unwritable for the daemon. If the path does not exist,
// its directory is checked.
[[nodiscard]] Result<void> check_owner(const std::string& path);

// Fails with unreadable_file if the path does not name a directory. setting: the one to correct.
[[nodiscard]] Result<void> check_directory(const std::string& path, std::string_view setting);

}  // namespace rollcall
