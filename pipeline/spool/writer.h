// Spool writer: appends records, makes them durable with one sync, begins and drops segments.
//
// append() writes a record. sync() makes everything that was appended durable and advances end().
// Records beyond end() do not count: after a crash, open() cuts off those that are torn.
//
// open() finds the end (spool/recovery.h). Records that are whole but not known to have been
// durable are written and synced once more, since a failed sync may have left them in the page
// cache alone; a torn tail is cut off. Records that are known to have been durable are never cut
// off: if one is missing, it was acknowledged, and the readers report it as lost. Numbering then
// continues in a new segment, and also if the last segment has other columns.
//
// Each open() begins a run (spool/lineage.h), whose first record begins a segment. The spool of
// dead letters has no runs, because its rows have their ids already.
//
// A sync of blocks that were written before writes no metadata, which saves a third to a half of
// its time (bench/README.md). So a dropped segment is kept as `recycled` and overwritten by the
// next one, and where a file grows, zeros are written ahead of small records.
//
// A segment that every sink has stored is kept while the duplicate window of later records reaches
// into it, because a delivery that starts reads the fingerprints there, and while a sink may still
// lose a record of it (Sink::settled()). This is best effort. Beyond half of size_max, or when the
// disk is full, it is dropped at once, so stored records never fill the spool.
//
// The writer keeps its directory (which it locks), the last segment and the checkpoint open. If
// another process removes, moves or replaces one of them, records would go into a file that the
// next start does not find. So sync() fails, and nothing is acknowledged, if the segment has no
// name left; drop() and sync() compare what is open with what the paths name once a second, and
// roll() compares each time.
//
// Errors: disk_full leaves everything as it was; call again later. After any other error the spool
//         cannot be used again in this process: a failed sync is never retried, since a second one
//         may report success for data that is lost.
// Threads: the committer's. Any thread may read end().
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
        uint64_t size_max;      // Bytes of all segments without zeros; beyond: disk_full.
        uint64_t segment_size;  // Bytes; at most a quarter of size_max.
        bool sync;              // False: sync() only advances the end.
        std::chrono::milliseconds kept_for;  // How long stored segments are kept.
        bool has_runs = false;               // False for the spool of dead letters.
    };

    SpoolWriter(Files& files, const Clock& clock, MetricShard& shard, Options options);

    // Locks the directory, finds the end, cuts off a torn tail. Call once, before anything else.
    [[nodiscard]] Result<void> open();
    // before: bytes that the payload holds before the columns, if any (delivery/dead_letters.h).
    [[nodiscard]] Result<void> append(const Columns& rows, std::span<const std::byte> before = {});
    [[nodiscard]] Result<void> sync();

    // Begins a segment, unless the last one is empty, so that drop() can drop all earlier ones.
    [[nodiscard]] Result<void> roll();

    // Drops the segments that hold only records below `stored`, which every sink has stored, unless
    // they are kept for the duplicate window or hold records from `settled` on.
    [[nodiscard]] Result<void> drop(uint64_t stored, uint64_t settled);
    [[nodiscard]] Result<void> drop(uint64_t stored) { return drop(stored, stored); }

    [[nodiscard]] const SpoolId& id() const { return checkpoint_.spool; }
    // Any thread, after open() of a spool that has runs.
    [[nodiscard]] Lineage& lineage() { return lineage_; }
    [[nodiscard]] const Cursor& end() const { return end_; }
    // Returns the bytes of the records from `number` on. Within a segment this is an estimate in
    // proportion to the number of records.
    [[nodiscard]] uint64_t bytes_from(uint64_t number) const;

    // Any thread: bytes of the records that were appended.
    [[nodiscard]] uint64_t written_bytes() const { return written_bytes_.read(); }
    // Any thread: steady time at which the sync that is running began; 0 if none is.
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
    void grow(int64_t bytes);

    Files& files_;
    const Clock& clock_;
    MetricShard& shard_;
    Options options_;
    std::unique_ptr<File> lock_;  // The directory.
    std::unique_ptr<File> file_;  // The last segment.
    std::unique_ptr<File> checkpoint_file_;
    Checkpoint checkpoint_{};
    Lineage lineage_;
    bool run_begins_ = false;            // The run has written no record yet.
    bool checkpoint_slot_ = false;       // Which of the two slots is written next.
    std::deque<SpoolSegment> segments_;  // Oldest first.
    uint64_t written_to_ = 0;       // Bytes below this in the last segment were written before.
    uint64_t recycled_bytes_ = 0;   // Size of the recycled segment; 0 if there is none.
    uint64_t bytes_ = 0;            // Size of all segments and the recycled one.
    bool full_ = false;             // The last append() found no room.
    uint64_t next_ = 0;             // Number of the next record.
    int64_t names_checked_us_ = 0;  // Steady time of the last check_names().
    Latest<uint64_t> written_bytes_;
    Latest<int64_t> sync_began_us_;
    Cursor end_;  // Advanced by sync(): records below it are durable.
};

}  // namespace rollcall
