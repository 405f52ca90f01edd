// Spool inspection: describes each segment of a spool for an operator. The inspection writes
// nothing. A daemon may append records meanwhile, because the inspection ignores all records beyond
// the checkpoint's `end`.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/files.h"
#include "pipeline/spool/format.h"

namespace rollcall {

struct SegmentReport {
    std::string name;
    uint64_t first_record;
    uint64_t end_record;  // First record of the next segment, or the end of the spool.
    uint64_t bytes;
    uint32_t format;  // 0 if the head cannot be read.
    std::optional<int64_t> begun_us;
    // Set by a deep inspection only:
    uint64_t rows = 0;
    std::vector<RecordRange> damage;  // Records that cannot be read or are missing.
};

struct SpoolReport {
    SpoolId id{};
    uint64_t begin = 0;
    uint64_t end = 0;
    std::vector<SegmentReport> segments;

    [[nodiscard]] uint64_t damaged_records() const;
};

// A file system that can only be read: every modifying operation fails.
class ReadOnlyFiles final : public Files {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    Result<void> make_directories(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
};

// deep: if true, reads every record. progress: called with the number of bytes read so far and the
// total number of bytes.
[[nodiscard]] Result<SpoolReport> inspect_spool(
    Files& files, const std::string& directory, bool deep,
    const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace rollcall
