// LostRecords: counts records that were acknowledged and cannot be read, and quarantines their
// bytes for an operator to examine. Each record is counted once, even if several deliveries find
// it. There is one exception. If the process ends before it has written the quarantine file of a
// record, the next start counts the record again.
//
//   spool/quarantine/
//     00000000000000004711-00000000000000004713.damaged       records [4711, 4713)
//     00000000000000005000-00000000000000009000.512.damaged   512 losses within [5000, 9000)
//
// A file of the first kind holds the bytes of the segment where the records should be. It is empty
// if the segment is missing, and contains zeros for blocks that the disk cannot read. A file of the
// second kind begins with a list of its losses. Each loss takes 24 bytes: first record, end, and
// number of bytes (u64, little-endian). The bytes of all losses follow the list. If each loss had
// its own file, a spool with a million damaged records would need a million files and syncs.
//
// From a file in the quarantine, the next start learns that the records of the file are already
// counted. An operator may delete the file when every sink's position is beyond these records.
//
// Memory:  16 million bytes at most for the ranges of counted records. If there are more than
//          262,144 ranges, the first ranges are forgotten. The delivery of another sink that finds
//          their records then counts the records again.
// Threads: one LostRecords for each delivery. They share a Quarantine, which has its own mutex.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/metrics.h"
#include "pipeline/base/files.h"

namespace rollcall {

struct LostRange {
    uint64_t first;  // Records [first, end).
    uint64_t end;
    std::string segment;  // File name of the segment; empty if the segment is missing.
    uint64_t from;        // Bytes [from, to) of the segment; `to` may be beyond its end.
    uint64_t to;
};

class DamageCopier;

// The files of a spool's quarantine, and the records that were counted as lost. The quarantine's
// directory is read once, at the first loss.
class Quarantine {
public:
    // size_max: limit for the total size of all quarantine files, in bytes. Bytes beyond this limit
    // are not copied.
    Quarantine(Files& files, std::string spool_directory, uint64_t size_max);

    // Marks the records of the loss as counted. Returns the number of records that were not counted
    // before.
    [[nodiscard]] uint64_t claim(const LostRange& loss);
    // Writes the bytes of these losses to quarantine files. `losses` must be sorted.
    [[nodiscard]] Result<void> keep(std::span<const LostRange> losses);

    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    [[nodiscard]] Result<void> read_directory();
    [[nodiscard]] Result<void> read_file(const std::string& name);
    [[nodiscard]] uint64_t mark(uint64_t first, uint64_t end);
    [[nodiscard]] Result<void> keep_one(const LostRange& loss);
    [[nodiscard]] Result<void> keep_together(std::span<const LostRange> losses);
    [[nodiscard]] Result<uint64_t> copy(const LostRange& loss, DamageCopier& copier);

    Files& files_;
    std::string spool_;
    std::string directory_;
    uint64_t size_max_;
    std::mutex mutex_;       // Guards the members below.
    bool was_read_ = false;  // True once the directory was read.
    std::map<uint64_t, uint64_t>
        counted_;  // Ranges [first, end) of records, by `first`. No two ranges touch or overlap.
    uint64_t bytes_ = 0;  // Total size of all quarantine files.
};

class LostRecords {
public:
    // Number of noted losses at which note() calls flush().
    static constexpr size_t noted_max = 4096;

    LostRecords(std::shared_ptr<Quarantine> quarantine, MetricShard& shard);
    // Creates a Quarantine that no other LostRecords shares.
    LostRecords(Files& files, const std::string& spool_directory, uint64_t quarantine_size_max,
                MetricShard& shard);

    // Notes a loss, which the next flush() counts. Merges it with the last noted loss if both are
    // adjacent.
    void note(const LostRange& loss);
    // Counts and logs the noted losses, then writes their bytes to the quarantine. Does not fail if
    // the bytes cannot be written: the records are counted anyway. Call it before a sink stores a
    // position beyond the noted losses.
    void flush();
    void add(const LostRange& loss) {
        note(loss);
        flush();
    }
    // Returns the number of records that flush() has counted.
    [[nodiscard]] uint64_t records() const { return records_; }

private:
    std::shared_ptr<Quarantine> quarantine_;
    MetricShard& shard_;
    std::vector<LostRange> noted_;
    uint64_t records_ = 0;
};

// Reads as File::read() does, but returns zeros for blocks that the disk cannot read.
[[nodiscard]] Result<size_t> read_around_bad_blocks(File& file, uint64_t offset,
                                                    std::span<std::byte> into);

}  // namespace rollcall
