// Spool format: the layout of the write-ahead log on disk, and the functions that encode and decode
// its parts. The spool is a directory of segments; a segment is a file of records.
//
//   spool/                            a segment is named by the number of its first record
//     00000000000000000000.segment
//     00000000000000004711.segment    records are appended to the last segment
//     recycled                        a dropped segment, to be overwritten (see spool/writer.h)
//     checkpoint                      the range of existing records, perhaps outdated
//     quarantine/                     bytes that could not be read (see spool/lost_records.h)
//     lineage                         runs and incarnations of the spool (see spool/lineage.h)
//
// The writer locks the directory itself, so there is no lock file.
//
//   segment   [ head, 2048 bytes | a copy of it | record | record | ... ]
//
//   head      magic "ROLLSEG1"                8 bytes
//             format                     u32  3
//             checksum                   u32  of the 2048 bytes, with 0 in this field
//             spool                16 bytes   identity of the spool: a random UUID
//             first record               u64
//             column count               u32
//             columns text length        u32
//             run                 16 bytes   id of the run of the daemon that wrote the records
//             incarnation         16 bytes   id that the spool had when the segment was begun
//             columns      "integer id\ntext site_id\n..."   kind and name, in the writer's order
//
//   record    magic "REC2"               u32
//             checksum                   u32  of the rest of the record's head
//             number                     u64  one more than in the record before; never reused
//             synced                     u64  records below this number were already durable
//             written at                 i64  microseconds since 1970, UTC
//             payload bytes              u32
//             rows                       u32
//             payload checksum           u32
//             0                          u32
//             payload                         see columns.h: masks, cells, texts
//             padding                         zeros up to a multiple of 8
//
//   checkpoint    [ slot at 0 | slot at 512 ], written in turn: a torn write leaves the other slot
//   slot      magic "ROLLBND1"           8 bytes
//             checksum                   u32  of the rest of the slot
//             0                          u32
//             spool                16 bytes
//             begin                      u64  records below it were dropped; every sink has them
//             end                        u64  records below it were durable
//
// All numbers are little-endian. Checksums are CRC32C. The checksums of records start from the
// spool's id. No router knows this id, so no report can contain bytes that look like a valid
// record.
//
// Segments of format 2, and segments of the spool of dead letters, have neither run nor
// incarnation. Readers use the spool's id for both. So the row ids of the records in these segments
// stay valid, and so do the positions in the spool that sinks have stored.
//
// The head of a segment lists the columns of its records. So a daemon with a newer columns.def can
// read the segments of an older daemon.
//
// The file of a segment can be a recycled file, that is, the file of a dropped segment. The last
// record of the new segment is then followed by records of the dropped segment. The numbers of
// these old records are always smaller than the number that a reader expects next, so the reader
// recognizes them.
//
// A record that is missing was either lost or never acknowledged. It was lost if the field `synced`
// of a later record, or the field `end` of the checkpoint, says that it was durable.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/error.h"
#include "pipeline/base/spool_id.h"

namespace rollcall {

static_assert(std::endian::native == std::endian::little,
              "the spool is written as it lies in memory");

inline constexpr uint32_t segment_format = 3;
inline constexpr uint32_t segment_format_oldest = 2;
inline constexpr size_t segment_head_bytes = 4096;

// Tells which run wrote the records of a segment, and in which incarnation of the spool.
// spool/lineage.h explains both.
struct Origin {
    RunId run;
    IncarnationId incarnation;

    bool operator==(const Origin&) const = default;
};

// The range [first, end) of record numbers.
struct RecordRange {
    uint64_t first;
    uint64_t end;
};

struct SegmentHead {
    SpoolId spool;
    uint64_t first_record;
    Origin origin;
    uint32_t format;
    // For each column of the segment, in the writer's order: the index of the same column in
    // today's columns.def, or spool_columns_count if the column no longer exists.
    std::vector<uint8_t> columns_at;

    // Returns true if the segment has exactly today's columns.
    [[nodiscard]] bool has_todays_columns() const;
};

using SegmentHeadBytes = std::array<std::byte, segment_head_bytes>;

[[nodiscard]] SegmentHeadBytes encode_segment_head(const SpoolId& spool, uint64_t first_record,
                                                   const Origin& origin);
// Fails with spool_damaged if the head is damaged, and with spool_too_new if a later version of the
// daemon wrote the segment.
[[nodiscard]] Result<SegmentHead> decode_segment_head(std::span<const std::byte> bytes);

struct RecordHead {
    uint64_t number;
    uint64_t synced;
    int64_t written_us;
    uint32_t payload_bytes;
    uint32_t rows;
    uint32_t payload_checksum;
};

inline constexpr size_t record_head_bytes = 48;
using RecordHeadBytes = std::array<std::byte, record_head_bytes>;

// Returns the size of a record on disk: head, payload and padding.
[[nodiscard]] constexpr uint64_t record_bytes(uint64_t payload_bytes) {
    return record_head_bytes + (payload_bytes + 7) / 8 * 8;
}

// Returns the value with which the checksum of a record of this spool begins (see checksum_add()).
[[nodiscard]] uint32_t payload_checksum_start(const SpoolId& spool);
[[nodiscard]] bool payload_is_whole(const RecordHead& head, std::span<const std::byte> payload,
                                    const SpoolId& spool);
[[nodiscard]] RecordHeadBytes encode_record_head(const RecordHead& head, const SpoolId& spool);
// Decodes the head of a record. Returns nothing if the bytes are damaged or are not the head of a
// record of this spool.
[[nodiscard]] std::optional<RecordHead> decode_record_head(std::span<const std::byte> bytes,
                                                           const SpoolId& spool);

struct Checkpoint {
    SpoolId spool;
    uint64_t begin;
    uint64_t end;
};

inline constexpr size_t checkpoint_slot_bytes = 512;
using CheckpointSlot = std::array<std::byte, checkpoint_slot_bytes>;

[[nodiscard]] CheckpointSlot encode_checkpoint(const Checkpoint& checkpoint);
// Decodes the two slots of a checkpoint. Returns the later slot if both are undamaged, and the
// undamaged slot if the other one is damaged. Returns nothing if both are damaged.
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes);

inline constexpr std::string_view checkpoint_name = "checkpoint";
inline constexpr std::string_view quarantine_name = "quarantine";
inline constexpr std::string_view recycled_name = "recycled";

[[nodiscard]] std::string segment_name(uint64_t first_record);
// Returns the error for a file of the spool that is no longer at its path. `how` says what happened
// to the file, such as "removed".
[[nodiscard]] std::unexpected<Error> no_longer_in_place(const std::string& path,
                                                        std::string_view how);
// Returns the number of the first record, which the file name of a segment contains. Returns
// nothing if `name` is not the name of a segment.
[[nodiscard]] std::optional<uint64_t> segment_first_record(std::string_view name);

// Formats the id as a UUID (RFC 9562, section 4).
[[nodiscard]] std::string to_text(const SpoolId& spool);
// Parses an id that to_text() has formatted. Returns nothing if `text` is not such an id.
[[nodiscard]] std::optional<SpoolId> spool_id_of(std::string_view text);

}  // namespace rollcall
