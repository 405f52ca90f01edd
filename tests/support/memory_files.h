// MemoryFiles: a disk in memory that loses, tears and reorders writes, fills up and fails on
// demand.
//
// It behaves like Linux in the worst case:
//
//   a write     stays in the page cache until a sync, and readers see it there; a power cut loses
//               all or any part of it, in any order
//   a sync      that fails marks its pages clean: readers still see the written data, but it never
//               reaches the disk
//   a name      that was created, changed or removed is durable when its directory is synced; until
//               then, a power cut may undo the change, with the later changes that depend on it
//
// If only the process is killed, nothing in the page cache is lost.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/files.h"

namespace rollcall {

class Random;

class MemoryFiles final : public Files {
public:
    enum class Operation {
        open,
        list,
        rename,
        remove,
        sync_directory,
        read,
        write,
        sync,
        truncate
    };

    // --- faults ---
    bool sync_fails = false;
    // Limits the total size of all files. A write that would exceed the limit stores the bytes that
    // still fit, and fails with disk_full.
    uint64_t capacity = UINT64_MAX;
    // Called before each operation. If it returns an error, the operation fails with this error. It
    // may throw, which ends the simulated process in the middle of an operation.
    std::function<Result<void>(Operation, const std::string& path)> before;
    // Returns how many of the given number of bytes one call reads or writes, at least 1.
    std::function<size_t(size_t)> some;
    // Cuts the power: open files become unusable, and unsynced bytes are lost, except the first
    // torn_bytes of the last unsynced write of each file.
    void crash(uint64_t torn_bytes = 0);
    // Cuts the power. Random parts of the unsynced changes survive.
    void crash(Random& random);
    // The value that place() returns for every directory of this disk. A copy of the disk has the
    // same value, like a clone, until a test changes it.
    DirectoryPlace where{};
    // Replaces all contents by the durable contents of another disk.
    void copy(const MemoryFiles& from);
    // Copies a file of another disk, durably.
    void take(const std::string& path, const MemoryFiles& from);
    // Truncates a file, on disk and in memory.
    void cut(const std::string& path, uint64_t bytes);
    // Replaces a directory by a new one that contains the same files under the same names.
    void replace_directory(const std::string& path) {
        directories_.at(path) = std::make_shared<Content>();
    }
    // Flips bits of a byte, on disk and in memory.
    void flip(const std::string& path, uint64_t offset, std::byte bits = std::byte{0x01});

    // --- state for tests ---
    [[nodiscard]] uint64_t syncs() const { return syncs_; }
    [[nodiscard]] uint64_t size(const std::string& path) const;
    // Returns the size without zeros at the end.
    [[nodiscard]] uint64_t content_size(const std::string& path) const;
    [[nodiscard]] uint64_t used() const;
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
    // A read-only view of the durable contents: those that survive any power cut.
    class OnDisk final : public Files {
    public:
        explicit OnDisk(const MemoryFiles& files) : files_(files) {}
        Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
        Result<std::vector<std::string>> list(const std::string& directory) override;
        Result<FileStatus> status(const std::string& path) override;

    private:
        const MemoryFiles& files_;
    };

    // --- Files ---
    Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    Result<void> make_directories(const std::string& path) override;
    Result<std::vector<std::string>> list(const std::string& directory) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
    Result<void> sync_directory(const std::string& directory) override;
    Result<FileStatus> status(const std::string& path) override;
    Result<DirectoryPlace> place(const std::string&) override { return where; }
    Result<std::unique_ptr<File>> lock(const std::string& directory) override;

private:
    // A write of `bytes` at `offset`. If `bytes` is empty, a change of the file's size to `offset`.
    struct Change {
        uint64_t offset;
        std::vector<std::byte> bytes;
    };
    struct Content {
        std::vector<std::byte> now;
        std::vector<std::byte> disk;
        // The unsynced changes. They turn `disk` into `now`, unless a sync has failed.
        std::vector<Change> dirty;
    };
    // A change of a name. If `to` is empty, `from` was removed. If `from` is empty, `to` was
    // created.
    struct Renaming {
        std::string from;
        std::string to;
        std::shared_ptr<Content> content;
    };
    class Handle;
    class DiskHandle;
    using Names = std::map<std::string, std::shared_ptr<Content>>;

    [[nodiscard]] static std::vector<std::string> names_in(const Names& names,
                                                           const std::string& directory);

    [[nodiscard]] FileStatus status_of(const std::shared_ptr<Content>& content) const;
    [[nodiscard]] Result<void> ask(Operation operation, const std::string& path) const;
    static void apply(const Change& change, std::vector<std::byte>& to);
    static void apply(const Renaming& renaming, Names& to);
    void restart();

    Names names_;
    Names disk_names_;
    // Directories survive power cuts. A directory has a Content only because the address of this
    // Content serves as the inode number.
    Names directories_;
    // The renamings that turn disk_names_ into names_ if they are applied in this order.
    std::vector<Renaming> unsynced_names_;
    uint64_t syncs_ = 0;
};

}  // namespace rollcall
