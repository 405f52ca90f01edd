// Spool writer: appends records, makes them durable with one sync, rolls and drops segments.
//
// append() writes, sync() makes all that was appended durable and moves end() over it. Until then
// nothing of it counts: after a crash open() cuts what was torn.
//
// open() finds the end. Behind the last record that is known to have been durable (see `synced` and
// the checkpoint in spool/format.h) what is whole is written and synced once more, for a page that
// a failed sync left may be in memory alone; what is not whole is cut. Before it nothing is cut:
// what is missing there was acknowledged, and is for the readers to find and to report. Then
// records go on in a new segment, and so they do when the last one is of another format or other
// columns.
//
// A sync of blocks that were written before writes no metadata, and costs a third to a half
// (bench/README.md). So a dropped segment is kept as `recycled` and written over by the next one,
// and where a file grows, zeros are written ahead of records that are small.
//
// A segment that every sink has stored is kept while the duplicate window of what comes next
// reaches into it: a delivery that begins anew reads the fingerprints there. That is a favour, not
// a promise. Beyond half of size_max, or when the disk is full, it is dropped at once, so the spool
// is never full of what is stored.
//
// Errors: disk_full leaves everything as it was, call again later. Any other ends the spool's life
//         in this process: a failed sync is never retried, for a second one may succeed and lie.
// Threads: the committer. end() is read by anyone.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>

#include "config/metrics.h"
#include "pipeline/base/clock.h"
#include "pipeline/base/cursor.h"
#include "pipeline/base/files.h"
#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/reader.h"

namespace rollcall {

class SpoolWriter {
public:
    struct Options {
        std::string directory;
        uint64_t size_max;      // Bytes of all segments, but for zeros: append() says disk_full.
        uint64_t segment_size;  // Bytes; a quarter of size_max if that is less.
        bool sync;              // Without, sync() only moves the end.
        std::chrono::milliseconds kept_for;  // How long stored segments are kept.
    };

    SpoolWriter(Files& files, const Clock& clock, MetricShard& shard, Options options);

    // Takes the lock, finds the end, cuts a torn tail. Call once, before anything else.
    [[nodiscard]] Result<void> open();
    // A sink has stored records up to `number`: numbering goes on there if it is beyond the end.
    [[nodiscard]] Result<void> begin_at_least(uint64_t number);

    // before: what the payload holds before the columns, if it is more than a record of rows.
    [[nodiscard]] Result<void> append(const Columns& rows, std::span<const std::byte> before = {});
    [[nodiscard]] Result<void> sync();

    // Begins a segment, unless the last one is empty, so that drop() can reach all before it.
    [[nodiscard]] Result<void> roll();

    // Every sink has stored the records below `number`: drops segments that hold no others and
    // are not kept for the window.
    [[nodiscard]] Result<void> drop(uint64_t number);

    [[nodiscard]] const SpoolId& id() const { return id_; }
    [[nodiscard]] const Cursor& end() const { return end_; }
    // Bytes of the records from `number` on; within a segment in proportion to the records.
    [[nodiscard]] uint64_t bytes_from(uint64_t number) const;

private:
    struct Segment {
        uint64_t first_record;
        uint64_t bytes;
        int64_t begun_us;  // What segments before hold was written earlier.
    };

    // What open() finds in the last segment.
    struct Tail {
        uint64_t known;     // Records below were durable.
        uint64_t next;      // The number that comes next.
        uint64_t bytes;     // Where it comes.
        uint64_t unsynced;  // Where the first record begins of which that is not known.
        bool continues;     // May it be written there?
    };

    [[nodiscard]] std::string path(std::string_view name) const;
    [[nodiscard]] Result<void> find_segments();
    [[nodiscard]] Result<void> find_identity();
    [[nodiscard]] Result<void> recover_last();
    [[nodiscard]] Result<Tail> find_tail(SegmentReader& reader) const;
    [[nodiscard]] Result<void> write_again(uint64_t from, uint64_t to);
    [[nodiscard]] Result<void> replace_last();
    [[nodiscard]] Result<void> open_checkpoint();
    [[nodiscard]] Result<void> write_checkpoint();
    [[nodiscard]] Result<void> begin_segment();
    [[nodiscard]] Result<void> write_ahead(uint64_t bytes);
    [[nodiscard]] Result<std::unique_ptr<File>> open_or_create(const std::string& name);
    [[nodiscard]] bool kept(int64_t written_before_us, int64_t now_us, uint64_t bytes) const;
    void grow(int64_t bytes);

    Files& files_;
    const Clock& clock_;
    MetricShard& shard_;
    Options options_;
    std::unique_ptr<File> lock_;
    std::unique_ptr<File> file_;  // The last segment.
    std::unique_ptr<File> checkpoint_file_;
    Checkpoint checkpoint_{};
    bool checkpoint_slot_ = false;  // Which of the two is written next.
    std::deque<Segment> segments_;  // All, oldest first.
    uint64_t written_to_ = 0;       // Blocks of the last segment below this were written before.
    uint64_t spare_bytes_ = 0;      // Size of the recycled, 0 if there is none.
    uint64_t bytes_ = 0;            // Of all segments and the recycled.
    bool full_ = false;             // The last append() found no room.
    SpoolId id_{};
    uint64_t next_ = 0;  // Number of the next record.
    Cursor end_;         // Moved by sync(): records below it are durable.
};

}  // namespace rollcall
