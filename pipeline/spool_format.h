// The spool on disk: segments of records.
//
//   spool/                            files are named by the number of their first record
//     00000000000000000000.segment
//     00000000000000004711.segment    the last one is written
//     spare                           a dropped segment, to be written over (see spool_writer.h)
//     lock
//
//   segment   [ head, 4096 bytes | record | record | ... ]
//
//   head      magic "ROLLSEG1"                8 bytes
//             format                     u32  1
//             checksum                   u32  CRC32C of the head with these four bytes zero
//             spool                16 bytes   identity of the spool: a random UUID
//             first record               u64
//             column count               u32
//             columns text length        u32
//             columns      "integer id\ntext site_id\n..."   kind and name, in the writer's order
//
//   record    magic                      u32
//             checksum                   u32  CRC32C of all that follows, padding excluded
//             number                     u64  one more than the record before; never reused
//             written at                 i64  microseconds since 1970, UTC
//             payload bytes              u32
//             rows                       u32
//             payload                         see columns.h: masks, cells, texts
//             padding                         zeros up to a multiple of 8
//
// All numbers are little-endian. A segment names its columns, so a daemon whose columns.def has
// grown reads the segments of an older one.
//
// A segment may be an old file written over: behind the last record lie records of its former life.
// They are told by their number, which is always smaller than the one expected.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/error.h"

namespace rollcall {

static_assert(std::endian::native == std::endian::little,
              "the spool is written as it lies in memory");

using SpoolId = std::array<std::byte, 16>;

inline constexpr uint64_t segment_magic = 0x31474553'4C4C4F52;  // "ROLLSEG1"
inline constexpr uint32_t segment_format = 1;
inline constexpr size_t segment_head_bytes = 4096;
inline constexpr uint32_t record_magic = 0x44434552;  // "RECD"

struct RecordHead {
    uint32_t magic;
    uint32_t checksum;
    uint64_t number;
    int64_t written_us;
    uint32_t payload_bytes;
    uint32_t rows;
};
static_assert(sizeof(RecordHead) == 32);

// Where the checksummed part of a record begins.
inline constexpr size_t record_checked_from = offsetof(RecordHead, number);

// Record head, payload and padding.
constexpr uint64_t record_bytes(uint64_t payload_bytes) {
    return sizeof(RecordHead) + (payload_bytes + 7) / 8 * 8;
}

struct SegmentHead {
    SpoolId spool;
    uint64_t first_record;
    // Which of today's columns is the writer's column i; columns_count where there is none.
    std::vector<uint8_t> columns_at;
};

using SegmentHeadBytes = std::array<std::byte, segment_head_bytes>;

[[nodiscard]] SegmentHeadBytes encode_segment_head(const SpoolId& spool, uint64_t first_record);
[[nodiscard]] std::optional<SegmentHead> decode_segment_head(std::span<const std::byte> bytes);

[[nodiscard]] std::string segment_name(uint64_t first_record);
// The number in a segment's name, or nothing if the file is not a segment.
[[nodiscard]] std::optional<uint64_t> segment_first_record(std::string_view name);

[[nodiscard]] std::string to_text(const SpoolId& spool);  // As a UUID, RFC 9562, section 4.

}  // namespace rollcall
