// Spool recovery: finds the records of a spool when a writer opens it, and the end of the spool.
//
// A crash leaves a tail of records that were appended but not synced. Each of them may be whole,
// torn, or missing. The end of the spool follows from what is known to have been durable: `synced`
// of each record, and the checkpoint (spool/format.h).
//
// Threads: the writer's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "pipeline/base/files.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/reader.h"

namespace rollcall {

struct SpoolSegment {
    uint64_t first_record;
    uint64_t bytes;
    int64_t begun_us;  // Records of earlier segments were written before this time.
    std::optional<Origin> origin = {};  // Empty if the head cannot be read.
};

struct SpoolContents {
    std::deque<SpoolSegment> segments;  // Oldest first.
    uint64_t recycled_bytes = 0;        // Size of the recycled segment; 0 if there is none.
};

// Lists the segments. One whose first record cannot be read counts as begun now.
[[nodiscard]] Result<SpoolContents> find_contents(Files& files, const std::string& directory,
                                                  int64_t now_us);

// Returns the checkpoint with the spool's id, which the last readable segment names, else the
// checkpoint. A spool that has neither gets a new id.
[[nodiscard]] Result<Checkpoint> find_checkpoint(Files& files, const std::string& directory,
                                                 const std::deque<SpoolSegment>& segments);

// Where the records of the last segment end.
struct SpoolTail {
    uint64_t next;      // Number of the next record.
    uint64_t bytes;     // Offset of the next record.
    uint64_t unsynced;  // Offset of the first record that may not be durable.
    bool appendable;    // False if durable records are missing at the end of the segment.
};

// durable: records below were durable according to the checkpoint.
[[nodiscard]] Result<SpoolTail> find_tail(SegmentReader& segment, uint64_t durable);

// Returns the number behind the last record of a segment whose head is damaged; at least `next`.
[[nodiscard]] Result<uint64_t> find_end_without_head(Files& files, const std::string& directory,
                                                     uint64_t first_record, uint64_t next,
                                                     const SpoolId& spool);

// Writes bytes [from, to) of a segment once more, so that the next sync covers them. After a failed
// sync, Linux may mark a page as clean that never reached the disk.
[[nodiscard]] Result<void> write_again(File& segment, uint64_t from, uint64_t to);

}  // namespace rollcall
