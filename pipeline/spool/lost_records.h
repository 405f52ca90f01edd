// LostRecords: counts records that were acknowledged and cannot be read, and quarantines their
// bytes for an operator to examine. Each record is counted once, even if several deliveries find
// it. Only if the process ends while it counts, the next start counts these records again.
//
//   spool/quarantine/
//     00000000000000004711-00000000000000004713.damaged    records [4711, 4713)
//
// Such a file holds the bytes that stand where the records should be: none if the segment is
// missing, zeros for blocks that the disk cannot read. The file also tells every other delivery,
// and the next start, that these records are counted already. An operator may delete it when every
// sink has moved past these records.
//
// Threads: one object for each delivery. A lock of the process lets one of them count at a time.
#pragma once

#include <cstdint>
#include <string>

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

class LostRecords {
public:
    // quarantine_size_max: bytes of all files; beyond this limit, files stay empty.
    LostRecords(Files& files, std::string spool_directory, uint64_t quarantine_size_max,
                MetricShard& shard);

    // Never fails: records whose bytes cannot be quarantined are counted as well.
    void add(const LostRange& loss);
    // Returns the number of records that add() has counted.
    [[nodiscard]] uint64_t records() const { return records_; }

private:
    struct Known {
        uint64_t uncounted;  // Records of the range that no file names.
        uint64_t bytes;      // Size of all files.
    };
    [[nodiscard]] Result<Known> find_known(const LostRange& loss) const;
    [[nodiscard]] Result<void> quarantine(const LostRange& loss, const std::string& path,
                                          uint64_t bytes_max);

    Files& files_;
    std::string spool_;
    std::string quarantine_;
    uint64_t size_max_;
    MetricShard& shard_;
    uint64_t records_ = 0;
};

// Reads as File::read() does, but returns zeros for blocks that the disk cannot read.
[[nodiscard]] Result<size_t> read_around_bad_blocks(File& file, uint64_t offset,
                                                    std::span<std::byte> into);

}  // namespace rollcall
