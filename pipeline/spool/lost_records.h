// LostRecords: counts records that were acknowledged and cannot be read, and quarantines their
// bytes for an operator to examine. Each record is counted once, even if several deliveries find
// it. Only if the process ends while it counts, the next start counts these records again.
//
//   spool/quarantine/
//     00000000000000004711-00000000000000004713.damaged       records [4711, 4713)
//     00000000000000005000-00000000000000009000.512.damaged   512 losses within [5000, 9000)
//
// The first kind of file holds the bytes that stand where the records should be: none if the
// segment is missing, zeros for blocks that the disk cannot read. The second kind begins with its
// losses, 24 bytes each: first record, end, and number of bytes (u64, little-endian). The bytes of
// all losses follow. It spares a spool with a million damaged records as many files and syncs.
//
// Such a file also tells the next start that these records are counted already. An operator may
// delete it when every sink has moved past these records.
//
// Memory:  16 million bytes at most for the records that are counted, of up to 262,144 places. Of
//          more places the first are forgotten: another sink that finds them counts them again.
// Threads: one LostRecords for each delivery. They share a Quarantine, which locks itself.
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
    std::string segment;  // Its name; empty if it is missing.
    uint64_t from;        // Bytes [from, to) of the segment; `to` may lie behind its end.
    uint64_t to;
};

// The files of a spool's quarantine, and the records that were counted as lost. It reads the
// directory once, at the first loss.
class Quarantine {
public:
    // size_max: bytes of all files; beyond this limit, files stay empty.
    Quarantine(Files& files, std::string spool_directory, uint64_t size_max);

    // Marks records as counted. Returns the number of those that were not before.
    [[nodiscard]] uint64_t claim(const LostRange& loss);
    // Keeps the bytes of losses, which are sorted.
    [[nodiscard]] Result<void> keep(std::span<const LostRange> losses);

    [[nodiscard]] const std::string& directory() const { return directory_; }

private:
    [[nodiscard]] Result<void> read_directory();
    [[nodiscard]] Result<void> read_file(const std::string& name);
    [[nodiscard]] uint64_t mark(uint64_t first, uint64_t end);
    [[nodiscard]] Result<void> keep_one(const LostRange& loss);
    [[nodiscard]] Result<void> keep_together(std::span<const LostRange> losses);
    [[nodiscard]] Result<uint64_t> copy(const LostRange& loss, File& to, uint64_t at);

    Files& files_;
    std::string spool_;
    std::string directory_;
    uint64_t size_max_;
    std::mutex mutex_;       // Guards what follows.
    bool was_read_ = false;  // The directory.
    std::map<uint64_t, uint64_t>
        counted_;         // Records [first, end), which neither touch nor overlap.
    uint64_t bytes_ = 0;  // Size of all files.
};

class LostRecords {
public:
    // Losses that are noted at most before they are counted.
    static constexpr size_t noted_max = 4096;

    LostRecords(std::shared_ptr<Quarantine> quarantine, MetricShard& shard);
    // Has a quarantine of its own.
    LostRecords(Files& files, const std::string& spool_directory, uint64_t quarantine_size_max,
                MetricShard& shard);

    // Notes a loss, which flush() counts. Losses that touch become one.
    void note(const LostRange& loss);
    // Counts and logs what was noted, then keeps its bytes. Never fails: records whose bytes cannot
    // be quarantined are counted as well. Call it before a sink stores a position behind the loss.
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
