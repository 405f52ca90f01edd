// Lineage: the runs of the daemon that wrote the records of a spool, and the incarnations under
// which sinks store their positions in the spool. After a spool was copied or restored from a
// backup, the runs and incarnations keep records from being lost or stored twice.
//
//   run           The time from one start of a daemon to its end. Each run begins a new segment.
//                 Row ids are computed from the run. So rows in two copies of a spool have
//                 different ids even if their records have equal numbers.
//   incarnation   The id of a spool in one directory. A sink stores one position for each
//                 incarnation, so two copies of a spool do not change each other's position.
//
// The records of a spool form a path through the runs. Copies share the beginning of the path:
//
//   records      0                50               80
//   original     [ run A ......... run A ......... | run C ...
//   copy         [ run A ......... | run B ..........................
//
// A position is a pair: `next_record`, and the run that wrote the record before `next_record`. The
// position means that the sink has stored the records below `next_record` on the path to that run.
// In the example, the copy learns two facts from position (A, 80): the sink has the copy's records
// below 50, and it has no record of run B. The copy learns nothing from position (C, 95), because
// it does not know run C.
//
// A spool gets a new incarnation in two cases. First, it is in another directory than at the last
// start (base/directory_place.h). Second, the position in a sink includes records that the spool
// does not contain. In that case another daemon uses a copy of the spool, or the spool was restored
// from a backup. A reboot does not change the incarnation. Sinks have no position for a new
// incarnation yet. The positions of the earlier incarnations tell where its delivery begins.
//
//   spool/lineage   [ slot at 0 | slot at 32,768 ], written in turn: one survives a torn write
//   slot            magic "ROLLLINE"          8 bytes
//                   checksum                  u32  CRC32C of all fields below, including the runs
//                   format                    u32  1
//                   sequence                  u64  the larger one is the later slot
//                   spool               16 bytes
//                   place                          see base/directory_place.h
//                   incarnations, runs        u32, u32
//                   incarnations        16 bytes each, the newest first
//                   runs                16 bytes and u64 each: the run and its first record
//
// Each segment of format 3 also contains its run and its incarnation. So if the lineage file is
// missing, or is an older copy, open() takes the entries that the file lacks from the segments.
// Segments of format 2 contain neither a run nor an incarnation. All of them count as one run. The
// spool's id serves as the id of that run and as the first incarnation. So the row ids of their
// records, and the positions in sinks, stay valid.
//
// Limits:  the file keeps the last 64 incarnations and the last 1,024 runs that wrote records. If
//          the position in a sink names an older run, the delivery sends all records of the spool
//          again, and the sink refuses the rows that it already has.
// Errors:  the errors of Files (base/files.h).
// Threads: call open() or read() once, before all other functions. Then any thread may call the
//          others.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/base/files.h"
#include "pipeline/spool/format.h"

namespace rollcall {

// Returns a random UUID (RFC 9562, section 5.4).
[[nodiscard]] SpoolId new_spool_id();

inline constexpr std::string_view lineage_name = "lineage";

// The position in a spool that a sink remembers.
struct Position {
    uint64_t next_record = 0;  // The sink has stored the records below this number.
    RunId run{};               // The run that wrote record next_record - 1.

    bool operator==(const Position&) const = default;
};

class Lineage {
public:
    static constexpr size_t incarnations_max = 64;
    static constexpr size_t runs_max = 1024;

    // The run and the incarnation of a segment, and its first record.
    struct Segment {
        Origin origin;
        uint64_t first_record;
    };

    Lineage(Files& files, std::string directory);

    // Reads the lineage file, completes its contents from the segments, and begins a run at
    // `next_record`. When this returns, the run is durable. Gives the spool a new incarnation if
    // the spool is in another directory than at the last start.
    [[nodiscard]] Result<void> open(const SpoolId& spool, std::span<const Segment> segments,
                                    uint64_t next_record);

    // Reads the lineage file and completes its contents from the segments, but writes nothing.
    [[nodiscard]] Result<void> read(const SpoolId& spool, std::span<const Segment> segments);

    // Returns the current run and the current incarnation, which the writer stores in new segments.
    [[nodiscard]] Origin origin() const;
    // Returns all incarnations, the current one first.
    [[nodiscard]] std::vector<IncarnationId> incarnations() const;
    // Gives the spool a new incarnation. Does nothing if `seen` is no longer the current
    // incarnation, because another delivery has then already replaced it.
    [[nodiscard]] Result<void> renew(const IncarnationId& seen);

    // Returns the current run, which this process writes.
    [[nodiscard]] const RunId& run() const { return runs_.back().id; }
    [[nodiscard]] uint64_t run_begin() const { return runs_.back().first_record; }
    // Returns the run that wrote the record, or the spool's id if the run is not known.
    [[nodiscard]] const RunId& run_of(uint64_t record) const;
    // Returns the number after the last record of a run, or nothing if the run is not known. The
    // current run has no last record yet, so its end is UINT64_MAX.
    [[nodiscard]] std::optional<uint64_t> end_of(const RunId& run) const;

private:
    struct Run {
        RunId id;
        uint64_t first_record;  // The run ends where the next run begins.
    };

    [[nodiscard]] Result<void> load();
    [[nodiscard]] Result<void> save();
    [[nodiscard]] Result<void> open_file();
    void decode(std::span<const std::byte> slot);
    [[nodiscard]] std::vector<std::byte> encode() const;
    void complete(std::span<const Segment> segments);
    void begin_run(uint64_t next_record);
    void begin_incarnation();

    Files& files_;
    std::string path_;
    std::string directory_;
    std::unique_ptr<File> file_;
    SpoolId spool_{};
    uint64_t sequence_ = 0;
    std::vector<Run> runs_;  // In the order of their records; constant after open().

    mutable std::mutex mutex_;  // Guards the members below, file_ and sequence_.
    std::optional<DirectoryPlace> place_;
    std::vector<IncarnationId> incarnations_;  // Newest first.
};

}  // namespace rollcall
