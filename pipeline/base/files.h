// Files: the file system, as an interface that tests replace to make it tear, fill up and fail.
//
// Ownership: root gives each file and directory that it creates to the owner of the directory that
// it is created in. So a command that root runs leaves nothing that the daemon, as another user,
// cannot write. check_owner() tells a command beforehand that a user can do neither.
//
// clang-format off
// Errors:  disk_full       (ENOSPC, EDQUOT)   may pass: wait and try again
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
    uint64_t links;  // Number of its names: 0 once the last one is removed.
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
    // As pwritev(2) and pread(2): may transfer a part, but at least one byte, unless none is asked
    // for or the file has no more bytes to read.
    [[nodiscard]] virtual Result<size_t> write_some(uint64_t offset,
                                                    std::span<const iovec> pieces) = 0;
    [[nodiscard]] virtual Result<size_t> read_some(uint64_t offset, std::span<std::byte> into) = 0;
};

class Files {
public:
    enum class Open { existing_read_only, existing, create };

    virtual ~Files() = default;
    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how);
    // Creates the directories that are missing, and makes each durable in the one above it.
    [[nodiscard]] virtual Result<void> make_directories(const std::string& path);
    // Returns the names in a directory, sorted.
    [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory);
    [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to);
    [[nodiscard]] virtual Result<void> remove(const std::string& path);
    // Makes creations, renames and removals in a directory durable.
    [[nodiscard]] virtual Result<void> sync_directory(const std::string& directory);
    // Returns the status of the file or directory that the path names; os_errno is ENOENT if it
    // names none.
    [[nodiscard]] virtual Result<FileStatus> status(const std::string& path);
    // Returns where a directory lies.
    [[nodiscard]] virtual Result<DirectoryPlace> place(const std::string& directory);
    // Locks a directory until the File is destroyed; spool_locked if another process has locked it.
    // The lock is on the directory itself, so removing a file from it admits no second process.
    // NFS cannot lock a directory. Source: flock(2).
    [[nodiscard]] virtual Result<std::unique_ptr<File>> lock(const std::string& directory);
};

// Gives an open file to the owner of `directory` if this process is root's and another user owns
// the directory.
[[nodiscard]] Result<void> give_to_owner(int fd, const std::string& directory);

// Fails with not_owner if this user is neither root nor the owner of the file or directory: files
// that the user creates there might keep the daemon from writing. If the path names nothing, its
// directory counts.
[[nodiscard]] Result<void> check_owner(const std::string& path);

}  // namespace rollcall
