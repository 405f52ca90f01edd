// MemoryFiles: a disk in memory that forgets, tears, reorders, fills and fails when a test says so.
//
// It behaves as Linux does, at its worst:
//
//   a write     is in the page cache until a sync, and read from there by everyone; a power cut
//               loses it, or any part of it, or what was written before it alone
//   a sync      that fails leaves its pages clean: read as written, never to reach the disk
//   a name      made, changed or removed is durable when its directory is synced; before that a
//               power cut may undo it, and what depends on it
//
// A process that is killed loses nothing of the page cache.
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
    // The next syncs fail.
    bool sync_fails = false;
    // Bytes all files may hold together; a write beyond writes what fits and says disk_full.
    uint64_t capacity = UINT64_MAX;
    // Asked before each operation, which fails with what it says. It may throw: the process ends
    // in the middle of what it did.
    std::function<Result<void>(Operation, const std::string& path)> before;
    // How many of so many bytes are read or written at once, at least 1.
    std::function<size_t(size_t)> some;
    // Power is cut: open files are dead, unsynced bytes are lost. torn_bytes of the last unsynced
    // write of each file survive.
    void crash(uint64_t torn_bytes = 0);
    // The same; of what was not synced, any parts survive.
    void crash(Random& random);
    // Where every directory of this disk lies. A copy of the disk has it too, until a test changes
    // it.
    DirectoryPlace where{};
    // What another disk holds durably, and nothing else.
    void copy(const MemoryFiles& from);
    // Takes a file of another disk, durably.
    void take(const std::string& path, const MemoryFiles& from);
    // Cuts a file off, on disk and in memory.
    void cut(const std::string& path, uint64_t bytes);
    // Puts another directory in the place of one; the files keep their names.
    void replace_directory(const std::string& path) {
        directories_.at(path) = std::make_shared<Content>();
    }
    // Turns a byte of a file over, on disk and in memory.
    void flip(const std::string& path, uint64_t offset, std::byte bits = std::byte{0x01});

    // --- what a test looks at ---
    [[nodiscard]] uint64_t syncs() const { return syncs_; }
    [[nodiscard]] uint64_t size(const std::string& path) const;
    // Without zeros at its end.
    [[nodiscard]] uint64_t content_size(const std::string& path) const;
    [[nodiscard]] uint64_t used() const;
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
    // What a power cut would leave at least, to be read.
    class OnDisk final : public Files {
    public:
        explicit OnDisk(const MemoryFiles& files) : files_(files) {}
        Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
        Result<std::vector<std::string>> list(const std::string& directory) override;

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
    // A write, or with no bytes a change of size to `offset`.
    struct Change {
        uint64_t offset;
        std::vector<std::byte> bytes;
    };
    struct Content {
        std::vector<std::byte> now;
        std::vector<std::byte> disk;
        std::vector<Change> dirty;  // What turns `disk` into `now`, but for failed syncs.
    };
    // To nowhere: removed. From nowhere: made.
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
    Names directories_;  // They outlive a power cut; their contents stand for their inodes.
    std::vector<Renaming> unsynced_names_;  // What turns one into the other, in order.
    uint64_t syncs_ = 0;
};

}  // namespace rollcall
