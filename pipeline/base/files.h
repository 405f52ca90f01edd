// Files: the file system, as an interface that tests replace to make it tear, fill up and fail.
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

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/error.h"

namespace rollcall {

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
    // Holds a lock on a file until the File is destroyed; spool_locked if another process has it.
    [[nodiscard]] virtual Result<std::unique_ptr<File>> lock(const std::string& path);
};

}  // namespace rollcall
