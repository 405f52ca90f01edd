// MemoryFiles: a disk in memory that forgets, tears, fills and fails when a test says so.
//
// What was written and not synced is lost by crash(), or, with a tear, kept up to a byte. Names
// behave as a journalling file system gives them: creations, renames and removals are durable when
// the directory is synced.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/files.h"

namespace rollcall {

class MemoryFiles final : public Files {
public:
    // --- faults ---
    // The next syncs fail, and what they covered stays unsynced.
    bool sync_fails = false;
    // Bytes all files may hold together; a write beyond writes what fits and says disk_full.
    uint64_t capacity = UINT64_MAX;
    // Power is cut: open files are dead, unsynced bytes are lost. torn_bytes of the last unsynced
    // write of each file survive.
    void crash(uint64_t torn_bytes = 0);
    // Turns a byte of a file over, on disk and in memory.
    void flip(const std::string& path, uint64_t offset);

    // --- what a test looks at ---
    [[nodiscard]] uint64_t syncs() const { return syncs_; }
    [[nodiscard]] uint64_t size(const std::string& path) const;
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;

    // --- Files ---
    Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    Result<void> make_directories(const std::string&) override { return {}; }
    Result<std::vector<std::string>> list(const std::string& directory) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
    Result<void> sync_directory(const std::string& directory) override;
    Result<std::unique_ptr<File>> lock(const std::string& path) override;

private:
    struct Content {
        std::vector<std::byte> now;
        std::vector<std::byte> synced;
        uint64_t last_write = 0;  // Where the last unsynced write began.
    };
    class Handle;
    using Names = std::map<std::string, std::shared_ptr<Content>>;

    [[nodiscard]] uint64_t used() const;

    Names names_;
    Names synced_names_;
    uint64_t syncs_ = 0;
};

}  // namespace rollcall
