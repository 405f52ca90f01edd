// Spool losses: records that were acknowledged and cannot be read. Each is counted once, whoever
// meets it, and its bytes are set aside for a person to look at.
//
//   spool/quarantine/
//     00000000000000004711-00000000000000004713.damaged    records [4711, 4713)
//
// Such a file holds what stands in the segment where the records should be; nothing if the segment
// is missing; zeros for blocks that the disk does not give back. That it is there tells every
// other delivery, and the next start, that these records are counted. A person may remove it once
// no sink has yet to pass these records.
//
// Threads: one for each delivery; two that meet the same loss at the same moment agree by the file.
#pragma once

#include <cstdint>
#include <string>

#include "config/metrics.h"
#include "pipeline/base/files.h"

namespace rollcall {

struct SpoolLoss {
    uint64_t first;  // Records [first, end).
    uint64_t end;
    std::string segment;  // Its name; empty if it is missing.
    uint64_t from;        // Bytes [from, to) of it; to may lie behind its end.
    uint64_t to;
};

class SpoolLosses {
public:
    // quarantine_size_max: bytes of all files; beyond, they are made without what they should hold.
    SpoolLosses(Files& files, std::string spool_directory, uint64_t quarantine_size_max,
                MetricShard& shard);

    // Never fails: what cannot be set aside is counted all the same.
    void add(const SpoolLoss& loss);

private:
    // How many of these records no file names yet; and how large all files are.
    struct Known {
        uint64_t fresh;
        uint64_t bytes;
    };
    [[nodiscard]] Result<Known> look_up(const SpoolLoss& loss) const;
    [[nodiscard]] Result<void> set_aside(const SpoolLoss& loss, const std::string& path,
                                         uint64_t bytes_max);

    Files& files_;
    std::string spool_;
    std::string quarantine_;
    uint64_t size_max_;
    MetricShard& shard_;
};

// Reads what can be read; a block that the disk refuses is zeros.
[[nodiscard]] Result<size_t> read_around_bad_blocks(File& file, uint64_t offset,
                                                    std::span<std::byte> into);

}  // namespace rollcall
