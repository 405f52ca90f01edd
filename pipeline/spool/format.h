// The spool on disk: segments of records.
//
//   spool/                            files are named by the number of their first record
//     00000000000000000000.segment
//     00000000000000004711.segment    the last one is written
//     recycled                           a dropped segment, to be written over (see spool/writer.h)
//     checkpoint                          which records there are, as far as that is known
//     quarantine/                     what could not be read (see spool/losses.h)
//     lock
//
//   segment   [ head, 2048 bytes | the same again | record | record | ... ]
//
//   head      magic "ROLLSEG1"                8 bytes
//             format                     u32  2
//             checksum                   u32  of the 2048 bytes with these four zero
//             spool                16 bytes   identity of the spool: a random UUID
//             first record               u64
//             column count               u32
//             columns text length        u32
//             columns      "integer id\ntext site_id\n..."   kind and name, in the writer's order
//
//   record    magic "REC2"               u32
//             checksum                   u32  of the rest of the record's head
//             number                     u64  one more than the record before; never reused
//             synced                     u64  records below were durable when this one was written
//             written at                 i64  microseconds since 1970, UTC
//             payload bytes              u32
//             rows                       u32
//             payload checksum           u32
//             0                          u32
//             payload                         see columns.h: masks, cells, texts
//             padding                         zeros up to a multiple of 8
//
//   checkpoint    [ a slot at 0 | a slot at 512 ], written in turn: a torn one leaves the other
//   slot      magic "ROLLBND1"           8 bytes
//             checksum                   u32  of the rest of the slot
//             0                          u32
//             spool                16 bytes
//             begin                      u64  records below were dropped, as every sink had them
//             end                        u64  records below were durable
//
// All numbers are little-endian. Checksums are CRC32C; those of records begin with the spool's id,
// which no router knows: a report cannot hold bytes that pass for a record.
//
// A segment names its columns, so a daemon whose columns.def has grown reads the segments of an
// older one.
//
// A segment may be an old file written over: behind the last record lie records of its former life.
// They are told by their number, which is always smaller than the one expected.
//
// `synced` and `end` tell what was lost from what was never acknowledged: a record that is not
// there although a later one, or the checkpoint, says that it was durable.
//
// Format 1 is read, not written: its head is one of 4096 bytes. Its record has no `synced`; the
// head is of 32 bytes, magic "RECD", and its checksum covers all that follows with the payload.
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

inline constexpr uint32_t segment_format = 2;
inline constexpr size_t segment_head_bytes = 4096;  // Of both formats.

struct SegmentHead {
    uint32_t format;
    SpoolId spool;
    uint64_t first_record;
    // Which of today's columns is the writer's column i; columns_count where there is none.
    std::vector<uint8_t> columns_at;

    // Is it as this program writes it?
    [[nodiscard]] bool of_today() const;
};

using SegmentHeadBytes = std::array<std::byte, segment_head_bytes>;

[[nodiscard]] SegmentHeadBytes encode_segment_head(const SpoolId& spool, uint64_t first_record);
// Fails with spool_damaged, or with spool_too_new if a later version wrote it.
[[nodiscard]] Result<SegmentHead> decode_segment_head(std::span<const std::byte> bytes);

struct RecordHead {
    uint64_t number;
    uint64_t synced;  // Of format 1, which does not say, the number.
    int64_t written_us;
    uint32_t payload_bytes;
    uint32_t rows;
    uint32_t checksum;  // Of the payload; in format 1 of the record.
};

// Records of one spool, in one format.
class RecordFormat {
public:
    RecordFormat(uint32_t format, const SpoolId& spool);

    static constexpr size_t head_bytes_max = 48;
    using HeadBytes = std::array<std::byte, head_bytes_max>;

    [[nodiscard]] size_t head_bytes() const { return format_ == 1 ? 32 : head_bytes_max; }
    // Head, payload and padding.
    [[nodiscard]] uint64_t bytes(uint64_t payload_bytes) const {
        return head_bytes() + (payload_bytes + 7) / 8 * 8;
    }
    // Does a head say by itself that it is whole?
    [[nodiscard]] bool checks_heads() const { return format_ != 1; }

    // A payload's checksum begins with this.
    [[nodiscard]] uint32_t checksum_start() const { return start_; }
    // Of today's format.
    [[nodiscard]] HeadBytes encode(const RecordHead& head) const;
    // Nothing if this is no head. bytes: head_bytes().
    [[nodiscard]] std::optional<RecordHead> decode(std::span<const std::byte> bytes) const;
    // record: head and payload.
    [[nodiscard]] bool whole(const RecordHead& head, std::span<const std::byte> record) const;

private:
    uint32_t format_;
    uint32_t start_;
};

struct Checkpoint {
    SpoolId spool;
    uint64_t begin;
    uint64_t end;
};

inline constexpr size_t checkpoint_slot_bytes = 512;
using CheckpointSlot = std::array<std::byte, checkpoint_slot_bytes>;

[[nodiscard]] CheckpointSlot encode_checkpoint(const Checkpoint& checkpoint);
// Of the later slot; nothing if neither is whole.
[[nodiscard]] std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes);

inline constexpr std::string_view checkpoint_name = "checkpoint";
inline constexpr std::string_view quarantine_name = "quarantine";
inline constexpr std::string_view recycled_name = "recycled";

[[nodiscard]] std::string segment_name(uint64_t first_record);
// The number in a segment's name, or nothing if the file is not a segment.
[[nodiscard]] std::optional<uint64_t> segment_first_record(std::string_view name);

[[nodiscard]] std::string to_text(const SpoolId& spool);  // As a UUID, RFC 9562, section 4.

}  // namespace rollcall
