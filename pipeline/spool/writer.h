// Spool writer: appends records, makes them durable by syncing, and creates and drops segments.
//
// append() writes a record. sync() makes all appended records durable and advances end(). Records
// beyond end() are not part of the spool yet. After a crash, open() cuts off the torn records among
// them.
//
// open() finds the end of the spool (spool/recovery.h). It writes and syncs undamaged records again
// if they may not be durable, because a failed sync can leave records only in the page cache. It
// cuts off a torn tail. It never cuts off records that are known to have been durable. If a record
// that was durable is missing, the readers report it as lost, because it was acknowledged. open()
// begins a new segment in two cases. First, a record that was durable is missing at the end of the
// last segment. Second, the last segment has other columns than today's columns.def.
//
// Each open() begins a run (the time from one start of the daemon to its end; spool/lineage.h). The
// first record of a run begins a segment. The spool of dead letters has no runs, because its rows
// already have their ids.
//
// If the segment's file already has blocks for new records, a sync writes no metadata of the file.
// This saves a third to a half of the time of a sync (bench/README.md). So a dropped segment is
// kept as the file `recycled`, and the next segment overwrites this file. When small records extend
// the file, the writer adds zeros after them, so that later records have blocks to overwrite.
//
// A segment that every sink has stored is kept in two cases. First, its records may be needed to
// recognize duplicates: a starting delivery reads the fingerprints of all records in the duplicate
// window. Second, a sink can still lose one of its records (Sink::settled()). Both cases are best
// effort: if the spool exceeds half of size_max, or if the disk is full, the segment is dropped
// nevertheless. So records that every sink has stored never fill the spool.
//
// The writer keeps three files open: the spool's directory (which it locks), the last segment and
// the checkpoint. If another process removes, moves or replaces one of these files, the writer
// appends records to a file that the next start does not find. So sync() fails if the segment's
// file has no name any more, and nothing is acknowledged. In addition, the paths are compared with
// the open files: once a second by sync() and drop(), and at each call by roll().
//
// Errors: a function that fails with disk_full has changed nothing; call it again later. After any
//         other error the spool cannot be used again in this process. A failed sync is never
//         retried, because a second sync can report success for data that is lost.
// Threads: the committer's thread. Any thread may read end().
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
#include "pipeline/base/latest.h"
#include "pipeline/columns/columns.h"
#include "pipeline/spool/format.h"
#include "pipeline/spool/lineage.h"
#include "pipeline/spool/recovery.h"

namespace rollcall {

class SpoolWriter {
public:
    struct Options {
        std::string directory;
        uint64_t size_max;      // Limit for all segments in bytes. Zeros do not count.
        uint64_t segment_size;  // Bytes; at most a quarter of size_max.
        bool sync;              // If false, sync() advances end() without a sync of the file.
        std::chrono::milliseconds kept_for;  // The duplicate window.
        bool has_runs = false;               // False for the spool of dead letters.
    };

    SpoolWriter(Files& files, const Clock& clock, MetricShard& shard, Options options);

    // Locks the spool's directory, finds the end of the records, and cuts off a torn tail. Call it
    // before all other functions.
    [[nodiscard]] Result<void> open();
    // Appends a record with these rows. `before` are bytes that precede the columns in the payload;
    // only dead letters have such bytes (delivery/dead_letters.h).
    [[nodiscard]] Result<void> append(const Columns& rows, std::span<const std::byte> before = {});
    [[nodiscard]] Result<void> sync();

    // Begins a new segment, unless the last one is empty. drop() can then drop all earlier
    // segments.
    [[nodiscard]] Result<void> roll();

    // Drops the segments whose records are all below `stored`. Every sink has stored these records.
    // Keeps a segment if the duplicate window needs it, or if it has a record at or above
    // `settled`. Drops only a bounded number of segments; later calls drop the others.
    [[nodiscard]] Result<void> drop(uint64_t stored, uint64_t settled);
    // Calls drop(stored, stored) until no more segments can be dropped. Use it only if no sink can
    // still lose a record below `stored`.
    [[nodiscard]] Result<void> drop(uint64_t stored);

    [[nodiscard]] const SpoolId& id() const { return checkpoint_.spool; }
    // REQUIRES: Options::has_runs. Any thread may call it after open().
    [[nodiscard]] Lineage& lineage() { return lineage_; }
    [[nodiscard]] const Cursor& end() const { return end_; }
    // Returns the number of bytes of the records from `number` on. The result is an estimate,
    // because it assumes that all records of a segment have equal size.
    [[nodiscard]] uint64_t bytes_from(uint64_t number) const;

    // Returns the total number of bytes that append() has written. Any thread may call it.
    [[nodiscard]] uint64_t written_bytes() const { return written_bytes_.read(); }
    // Returns the time at which the current sync began, by the steady clock. Returns 0 if no sync
    // is running. Any thread may call it.
    [[nodiscard]] int64_t sync_began_us() const { return sync_began_us_.read(); }

private:
    [[nodiscard]] std::string path(std::string_view name) const;
    [[nodiscard]] Result<void> recover_last();
    [[nodiscard]] Result<void> replace_last();
    [[nodiscard]] Result<void> begin_run();
    [[nodiscard]] Result<void> claim_last();
    [[nodiscard]] Origin origin() const;
    [[nodiscard]] Result<void> replace_empty();
    [[nodiscard]] Result<void> open_checkpoint();
    [[nodiscard]] Result<void> write_checkpoint();
    [[nodiscard]] Result<void> write_both_checkpoints();
    [[nodiscard]] Result<void> begin_segment();
    [[nodiscard]] Result<void> write_zeros_ahead(uint64_t bytes);
    [[nodiscard]] Result<void> check_names();
    [[nodiscard]] Result<void> check_names_if_due();
    [[nodiscard]] Result<void> check_name(const std::string& path, File& open) const;
    [[nodiscard]] Result<std::unique_ptr<File>> open_or_create(const std::string& name);
    [[nodiscard]] bool kept(const SpoolSegment& next, uint64_t settled, int64_t now_us,
                            uint64_t bytes) const;
    [[nodiscard]] size_t segments_to(uint64_t record) const;
    void grow(int64_t bytes);

    Files& files_;
    const Clock& clock_;
    MetricShard& shard_;
    Options options_;
    std::unique_ptr<File> lock_;  // The directory, which is locked.
    std::unique_ptr<File> file_;  // The last segment.
    std::unique_ptr<File> checkpoint_file_;
    Checkpoint checkpoint_{};
    Lineage lineage_;
    bool run_begins_ = false;            // The current run has written no record yet.
    bool checkpoint_slot_ = false;       // Selects the slot of the checkpoint that is written next.
    std::deque<SpoolSegment> segments_;  // Oldest first.
    uint64_t written_to_ = 0;      // The last segment's file already has blocks up to this offset.
    uint64_t recycled_bytes_ = 0;  // Size of the recycled segment; 0 if there is none.
    uint64_t bytes_ = 0;           // Size of all segments and the recycled one.
    bool full_ = false;  // The last append() failed because the spool or the disk was full.
    uint64_t next_ = 0;  // Number of the next record.
    int64_t names_checked_us_ = 0;  // Steady time of the last check_names().
    Latest<uint64_t> written_bytes_;
    Latest<int64_t> sync_began_us_;
    Cursor end_;  // sync() advances it. The records below it are durable.
};

}  // namespace rollcall
