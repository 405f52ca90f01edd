// Spool recovery: finds the segments and the end of a spool when a writer opens the spool.
//
// A crash leaves a tail of records that were appended but not synced. Each of these records may be
// undamaged, torn, or missing. The end of the spool is computed from the field `synced` of each
// record and from the checkpoint, because both tell which records were durable (spool/format.h).
//
// Threads: the thread of the writer.
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

// Lists the segments of a spool. A segment whose first record cannot be read gets `now_us` as its
// `begun_us`.
[[nodiscard]] Result<SpoolContents> find_contents(Files& files, const std::string& directory,
                                                  int64_t now_us);

// Returns the spool's checkpoint. The spool's id comes from the last readable segment, or from the
// checkpoint if no segment is readable. A spool that has neither gets a new id.
[[nodiscard]] Result<Checkpoint> find_checkpoint(Files& files, const std::string& directory,
                                                 const std::deque<SpoolSegment>& segments);

// The end of the records in the last segment.
struct SpoolTail {
    uint64_t next;      // Number of the next record.
    uint64_t bytes;     // Offset of the next record.
    uint64_t unsynced;  // Offset of the first record that may not be durable.
    bool appendable;    // False if durable records are missing at the end of the segment.
};

// Finds the end of the last segment. `durable` is the `end` of the checkpoint: the records below
// this number were durable.
[[nodiscard]] Result<SpoolTail> find_tail(SegmentReader& segment, uint64_t durable);

// Returns the number after the last record of a segment whose head is damaged. Returns `next` if
// the segment has no record with this or a higher number.
[[nodiscard]] Result<uint64_t> find_end_without_head(Files& files, const std::string& directory,
                                                     uint64_t first_record, uint64_t next,
                                                     const SpoolId& spool);

// Reads bytes [from, to) of a segment and writes them again, so that the next sync covers them.
// This is necessary because Linux, after a failed sync, may mark a page as clean although it never
// reached the disk.
[[nodiscard]] Result<void> write_again(File& segment, uint64_t from, uint64_t to);

}  // namespace rollcall
