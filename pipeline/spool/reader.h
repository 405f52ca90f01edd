// Spool reader: records from a number on, at rest or while they are written.
//
// A delivery reads the spool always, never a ring: a slow sink, a restart and a crash are one case.
// What lies below the spool's end is complete and synced; nothing beyond it is looked at.
//
// A record that cannot be read is not waited for: the reader looks for the next one that can, in
// the segment and those behind it, reports what lies between as lost, and goes on. It never loops.
// A damaged payload costs its record, a damaged head of a record that record, a missing segment
// what it held.
//
// What may go away (too_many_files) and what no reader can step over is an error, and nothing is
// lost by it: seek() again.
//
// A delivery also looks back, at what it has stored already: for the fingerprints of the duplicate
// window. What cannot be read then is passed over in silence, for it is not lost.
//
// Threads: one reader for each delivery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/cursor.h"
#include "pipeline/base/files.h"
#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/losses.h"

namespace rollcall {

struct Record {
    uint64_t number;
    uint64_t synced;
    int64_t written_us;
    uint32_t rows;
    std::span<const std::byte> payload;   // Valid until the reader is used again.
    std::span<const uint8_t> columns_at;  // See Columns::append_record().
};

// The rows of a record alone, whatever size the slots had in which it was written; spool_damaged if
// it contradicts itself.
[[nodiscard]] Result<Columns> columns_of(const Record& record);

// The records of one segment, in order.
class SegmentReader {
public:
    // Fails with spool_damaged if its head is not that of this segment; os_errno is ENOENT if it is
    // missing.
    [[nodiscard]] static Result<SegmentReader> open(Files& files, const std::string& directory,
                                                    uint64_t first_record);
    // Of a segment whose head is lost: where its records are can be told, what they say not.
    [[nodiscard]] static Result<SegmentReader> open_headless(Files& files,
                                                             const std::string& directory,
                                                             uint64_t first_record, uint32_t format,
                                                             const SpoolId& spool);

    [[nodiscard]] const SegmentHead& head() const { return head_; }
    // Where the next record begins, in bytes from the segment's start.
    [[nodiscard]] uint64_t offset() const { return offset_; }

    // The record at offset() if it is `number` and whole; else nothing, and offset() stays.
    [[nodiscard]] Result<std::optional<Record>> peek(uint64_t number);
    // Goes behind the record that peek() returned.
    void advance();
    // Goes behind the record at offset() without looking at its payload, if its head is that of
    // `number`. Format 1 cannot tell a damaged head: it is read whole.
    [[nodiscard]] Result<bool> skip(uint64_t number);
    // Goes to where, at offset() or behind it, a record with a number in [from, below) begins, and
    // returns the number; else nothing, and offset() stays. Its payload may be damaged.
    [[nodiscard]] Result<std::optional<uint64_t>> find(uint64_t from, uint64_t below);
    // What was read ahead may have been written since: read it again.
    void refresh() { window_bytes_ = 0; }
    void go_to(uint64_t offset) { offset_ = offset; }

private:
    SegmentReader(std::unique_ptr<File> file, SegmentHead head);
    [[nodiscard]] Result<std::span<const std::byte>> bytes_at_offset(size_t wanted);
    [[nodiscard]] Result<std::optional<RecordHead>> head_at_offset();

    std::unique_ptr<File> file_;
    SegmentHead head_;
    RecordFormat format_;
    uint64_t offset_ = segment_head_bytes;
    uint64_t advance_to_ = segment_head_bytes;
    std::vector<std::byte> window_;  // A part of the file, read ahead.
    uint64_t window_at_ = 0;
    size_t window_bytes_ = 0;
};

// When the first record of a segment was written; nothing if that cannot be told.
[[nodiscard]] Result<std::optional<int64_t>> first_written_us(File& segment, uint64_t first_record);
// What the spool's checkpoint say; nothing if they are missing or damaged.
[[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint(Files& files,
                                                                const std::string& directory);

class SpoolReader {
public:
    // end: the spool's end; records below it may be read.
    // losses: told of records that cannot be read; nullptr to look back.
    SpoolReader(Files& files, std::string directory, const Cursor& end, SpoolLosses* losses);

    // Goes to `number`, or to the oldest record kept if that is later.
    [[nodiscard]] Result<void> seek(uint64_t number);
    // Goes to where a segment begins, so that no record below the end that was written at
    // `written_us` or later is left out.
    [[nodiscard]] Result<void> seek_written(int64_t written_us);
    // The number of the next record.
    [[nodiscard]] uint64_t position() const { return next_; }
    // The next record, or nothing if there is none below the end yet.
    [[nodiscard]] Result<std::optional<Record>> peek();
    void advance();
    // Goes behind the record that peek() returned, which contradicts itself: it is lost.
    void give_up();

private:
    [[nodiscard]] Result<std::vector<uint64_t>> segments() const;
    // False if the segment is missing, or not what it should be.
    [[nodiscard]] Result<bool> open_segment(uint64_t first_record);
    [[nodiscard]] Result<void> step_over_damage();
    void lose(uint64_t end, const std::string& segment, uint64_t from, uint64_t to);

    Files& files_;
    std::string directory_;
    const Cursor& end_;
    SpoolLosses* losses_;
    std::optional<SegmentReader> segment_;
    uint64_t next_ = 0;
    uint64_t fresh_below_ = 0;  // Records below it were complete when the window was read.
};

}  // namespace rollcall
