// Spool reader: reads the records of a spool from a given number on. The writer may append more
// records meanwhile.
//
// A delivery always reads the spool, never a ring. So the same code handles a slow sink, a restart
// and a crash. Records below the spool's end are complete and durable. The reader never reads
// beyond the spool's end.
//
// The reader does not wait for a record that cannot be read. It searches for the next readable
// record in the same segment and in later segments. It reports the unreadable records as lost, and
// continues with the next readable record. If a payload or a record head is damaged, only that
// record is lost. If a segment is missing, all its records are lost.
//
// The reader lists the spool's directory when it seeks, and when it reaches a record whose segment
// it does not know. It does not list the directory for each segment or damaged record. So reading
// takes time in proportion to the size of the spool.
//
// Functions return an error in two cases: a temporary failure such as too_many_files, and damage
// that no reader can skip. No record is lost by an error: call seek() again.
//
// At start, a delivery also reads the fingerprints of records that the sink has already stored
// (delivery/deduplication.h). The reader for these records has no LostRecords. A record that the
// sink has stored is not lost, even if its copy in the spool cannot be read.
//
// Threads: one reader for each delivery.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/cursor.h"
#include "pipeline/base/files.h"
#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/lost_records.h"

namespace rollcall {

struct Record {
    uint64_t number;
    uint64_t synced;
    int64_t written_us;
    uint32_t rows;
    std::span<const std::byte> payload;   // Valid until the reader is used again.
    std::span<const uint8_t> columns_at;  // See Columns::append_record().
    RunId run{};                          // The run that wrote the record.
};

// Decodes a record into columns that are just large enough for its rows. Fails with spool_damaged
// if the content of the record contradicts itself.
[[nodiscard]] Result<Columns> columns_of(const Record& record);

// The records of one segment, in order.
class SegmentReader {
public:
    // Opens the segment whose first record has this number. Fails with spool_damaged if the
    // segment's head is damaged or belongs to another segment. If the file is missing, the error's
    // os_errno is ENOENT.
    [[nodiscard]] static Result<SegmentReader> open(Files& files, const std::string& directory,
                                                    uint64_t first_record);
    // Opens a segment whose head is damaged. Its records can be found, but not decoded.
    [[nodiscard]] static Result<SegmentReader> open_headless(Files& files,
                                                             const std::string& directory,
                                                             uint64_t first_record,
                                                             const SpoolId& spool);

    [[nodiscard]] const SegmentHead& head() const { return head_; }
    // Returns the offset of the next record, in bytes from the segment's start.
    [[nodiscard]] uint64_t offset() const { return offset_; }

    // Returns the record at offset() if the record has this number and is undamaged. Returns
    // nothing if not. Does not change offset().
    [[nodiscard]] Result<std::optional<Record>> peek(uint64_t number);
    // Moves past the record that peek() returned.
    void advance();
    // Moves past the record at offset() if its head is undamaged and has this number. The payload
    // may be damaged. Returns true if offset() has changed.
    [[nodiscard]] Result<bool> skip(uint64_t number);
    // Finds the first record, from offset() on, whose number is in [from, below). Moves to this
    // record and returns its number. The payload of the record may be damaged. If there is no such
    // record, returns nothing and does not change offset().
    [[nodiscard]] Result<std::optional<uint64_t>> find(uint64_t from, uint64_t below);
    // Discards the data that was read ahead. Call it if the file may have been overwritten since.
    void refresh() { window_bytes_ = 0; }
    // Returns true if set_in_place() was called after the last read from the file. The data that
    // was read ahead then belongs to this segment, and not to a later segment that has overwritten
    // the file.
    [[nodiscard]] bool is_in_place() const { return in_place_; }
    // Call it if the file still has the name of this segment. A later segment never gets the same
    // name, so all data that was read so far belongs to this segment.
    void set_in_place() { in_place_ = true; }

private:
    SegmentReader(std::unique_ptr<File> file, SegmentHead head);
    [[nodiscard]] Result<std::span<const std::byte>> bytes_at_offset(size_t wanted);
    [[nodiscard]] Result<std::optional<RecordHead>> head_at_offset();

    std::unique_ptr<File> file_;
    SegmentHead head_;
    uint64_t offset_ = segment_head_bytes;
    uint64_t advance_to_ = segment_head_bytes;
    // Part of the file that was read ahead. As large as the largest record so far.
    std::vector<std::byte> window_;
    uint64_t window_at_ = 0;
    size_t window_bytes_ = 0;
    bool in_place_ = false;
};

// Facts about a segment, from the beginning of its file.
struct SegmentStart {
    std::optional<Origin> origin;     // Empty if the head of the segment cannot be read.
    std::optional<int64_t> begun_us;  // When the first record was written. Empty if the head of
                                      // this record or of the segment cannot be read.
};

[[nodiscard]] Result<SegmentStart> read_start(File& segment, uint64_t first_record);
// Reads the spool's checkpoint. Returns nothing if the checkpoint is missing or damaged.
[[nodiscard]] Result<std::optional<Checkpoint>> read_checkpoint(Files& files,
                                                                const std::string& directory);

class SpoolReader {
public:
    // end: the spool's end. The reader reads only records below this number.
    // lost_records: counts records that cannot be read. nullptr if the sink has already stored all
    // records that this reader reads.
    SpoolReader(Files& files, std::string directory, const Cursor& end, LostRecords* lost_records);

    // Moves to record `number`. If the spool no longer holds this record, moves to the oldest
    // record of the spool.
    [[nodiscard]] Result<void> seek(uint64_t number);
    // Moves to the first record of a segment. Chooses the latest segment for which this holds: all
    // records that were written at `written_us` or later are in the segment or after it.
    [[nodiscard]] Result<void> seek_written(int64_t written_us);
    // Returns the number of the next record.
    [[nodiscard]] uint64_t position() const { return next_; }
    // Returns the records that the reader has skipped since the last call because the spool had
    // dropped them. Returns nothing if there are none. The reader skips dropped records if a sink
    // needs them again.
    [[nodiscard]] std::optional<RecordRange> take_dropped() {
        return std::exchange(dropped_, std::nullopt);
    }
    // Returns the next record, or nothing if the spool's end is reached. When peek() returns
    // nothing, all unreadable records that it skipped have been counted as lost.
    [[nodiscard]] Result<std::optional<Record>> peek();
    // Like peek(), but also returns nothing after it has skipped a certain amount of damage. In
    // that case has_more() is true, and the next call continues the search. So one call does a
    // bounded amount of work.
    [[nodiscard]] Result<std::optional<Record>> peek_bounded();
    [[nodiscard]] bool has_more() const { return has_more_; }
    void advance();
    // Moves past the record that peek() returned and reports it as lost. Call it for a record whose
    // content contradicts itself.
    void give_up();

private:
    [[nodiscard]] Result<void> list_segments();
    [[nodiscard]] Result<bool> open_next_segment();
    [[nodiscard]] Result<bool> still_exists(uint64_t first_record);
    [[nodiscard]] Result<void> forget(uint64_t first_record);
    // Returns false if the segment is missing, or if its head is damaged or belongs to another
    // segment.
    [[nodiscard]] Result<bool> open_segment(uint64_t first_record);
    // The bytes of the segments where record `next_` should be but cannot be read.
    struct Damage {
        std::string segment;  // See LostRange.
        uint64_t from;
        uint64_t below;  // First record of the next segment, or the end of the spool.
    };
    [[nodiscard]] Result<void> step_over_damage();
    [[nodiscard]] Result<bool> find_in_segment(const Damage& damage);
    [[nodiscard]] uint64_t size_of(const std::string& segment) const;
    [[nodiscard]] Result<bool> step_over_dropped(uint64_t otherwise);
    [[nodiscard]] Result<bool> step_over_half_dropped();
    void lose(uint64_t end, const std::string& segment, uint64_t from, uint64_t to);

    Files& files_;
    std::string directory_;
    const Cursor& end_;
    LostRecords* lost_records_;
    std::optional<SegmentReader> segment_;
    std::vector<uint64_t> segments_;  // First records of the known segments, sorted.
    uint64_t listed_below_ = 0;  // segments_ has the segments of all records below this number.
    // The damaged segment for which the checkpoint was already read.
    std::optional<uint64_t> checked_segment_;
    uint64_t next_ = 0;
    bool has_more_ = false;  // True if the last peek_bounded() stopped before the end.
    // Number of damaged places, and of bytes, that were skipped since peek_bounded() last returned
    // nothing.
    int damage_steps_ = 0;
    uint64_t passed_bytes_ = 0;
    std::optional<RecordRange> dropped_;
    uint64_t fresh_below_ = 0;  // Read-ahead data is complete for records below this number.
};

}  // namespace rollcall
