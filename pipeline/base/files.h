// Files: the file system, as an interface. Tests replace it to inject torn writes, full disks and
// errors.
//
// Ownership: if root creates a file or directory, the owner of the parent directory becomes its
// owner. If root stayed the owner, the daemon, which runs as another user, could not write the
// files that root's commands have created. A command calls check_owner() to fail early if its user
// is neither root nor the owner.
//
// clang-format off
// Errors:  disk_full       (ENOSPC, EDQUOT, EFBIG)   may be temporary: wait and try again
//          too_many_files  (EMFILE, ENFILE)          may be temporary
//          disk_failed     (all others)              permanent
//          sync_failed     (a failed sync)           permanent: data of the failed sync count as
//                                                    lost, even if a second sync succeeds
// Threads: any thread may use Files; one thread at a time may use a File.
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

// The identity of a file or a directory, independent of its path. No other file has the same two
// numbers while a descriptor of the file is open.
struct FileIdentity {
    uint64_t device;
    uint64_t inode;

    auto operator<=>(const FileIdentity&) const = default;
};

struct FileStatus {
    FileIdentity identity;
    uint64_t links;  // Number of the file's names; 0 after the last one was removed.
};

class File {
public:
    virtual ~File() = default;
    // Writes all pieces, or fails. After a failure, any part of the pieces may have been written.
    [[nodiscard]] Result<void> write(uint64_t offset, std::span<const iovec> pieces);
    [[nodiscard]] Result<void> write(uint64_t offset, std::span<const std::byte> bytes);
    // Returns the number of bytes read. It is less than the size of `into` only at the end of the
    // file.
    [[nodiscard]] Result<size_t> read(uint64_t offset, std::span<std::byte> into);
    [[nodiscard]] virtual Result<void> sync() = 0;  // fdatasync(2)
    [[nodiscard]] virtual Result<uint64_t> size() = 0;
    [[nodiscard]] virtual Result<FileStatus> status() = 0;
    [[nodiscard]] virtual Result<void> truncate(uint64_t size) = 0;

protected:
    // Like pwritev(2) and pread(2), these functions may transfer only a part of the bytes. They
    // transfer at least one byte, unless the request is empty or the file has no more bytes to
    // read.
    [[nodiscard]] virtual Result<size_t> write_some(uint64_t offset,
                                                    std::span<const iovec> pieces) = 0;
    [[nodiscard]] virtual Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) = 0;
};

class Files {
public:
    enum class Open { existing_read_only, existing, create };

    virtual ~Files() = default;
    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how);
    // Creates the missing directories of a path, and syncs the parent directory of each.
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
    // Locks a directory until the File is destroyed. Fails with spool_locked if another process has
    // locked it. The lock is on the directory itself, so it remains effective if a file in the
    // directory is removed. NFS cannot lock a directory. Source: flock(2).
    [[nodiscard]] virtual Result<std::unique_ptr<File>> lock(const std::string& directory);
};

// Returns the directory that contains a path. Returns "." if the path is only a name.
[[nodiscard]] std::string parent_of(const std::string& path);

// Gives an open file to the owner of `directory` if this process runs as root and another user owns
// the directory.
[[nodiscard]] Result<void> give_to_owner(int fd, const std::string& directory);

// Fails with not_owner if the user of this process is neither root nor the owner of the file or
// directory. The daemon might be unable to write files that another user has created. If the path
// does not exist, checks the directory that would contain it.
[[nodiscard]] Result<void> check_owner(const std::string& path);

// Fails with unreadable_file if there is no directory at the path. setting: the name of the setting
// that the operator must correct.
[[nodiscard]] Result<void> check_directory(const std::string& path, std::string_view setting);

}  // namespace rollcall
