// Spool survey: what a spool holds, segment by segment, for a person to see. It only reads, also
// while a daemon writes: what lies behind the checkpoint' end is not looked at.
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

struct RecordRange {
    uint64_t first;  // [first, end).
    uint64_t end;
};

struct SegmentSurvey {
    std::string name;
    uint64_t first_record;
    uint64_t end_record;  // Where the next segment begins, or the spool ends.
    uint64_t bytes;
    uint32_t format;  // 0: the head cannot be read.
    std::optional<int64_t> begun_us;
    // Only of a deep survey:
    uint64_t rows = 0;
    std::vector<RecordRange> damage;  // Records that cannot be read, or are not there.
};

struct SpoolSurvey {
    SpoolId id{};
    uint64_t begin = 0;
    uint64_t end = 0;
    std::vector<SegmentSurvey> segments;

    [[nodiscard]] uint64_t damaged_records() const;
};

// Files that refuse every change.
class ReadOnlyFiles final : public Files {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    Result<void> make_directories(const std::string& path) override;
    Result<void> rename(const std::string& from, const std::string& to) override;
    Result<void> remove(const std::string& path) override;
};

// deep: reads every record. progress: told now and then how many bytes of how many are read.
[[nodiscard]] Result<SpoolSurvey> survey_spool(
    Files& files, const std::string& directory, bool deep,
    const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace rollcall
