#include "pipeline/spool/format.h"

#include <fmt/core.h>

#include <charconv>
#include <cstring>

#include "pipeline/base/checksum.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

namespace {

constexpr std::string_view kind_names[] = {"text", "integer", "real", "flag", "time"};
constexpr std::string_view name_suffix = ".segment";

constexpr size_t head_copy_bytes = segment_head_bytes / 2;
constexpr size_t checked_from = 8;  // Of a record's head: behind magic and checksum.
constexpr uint64_t segment_magic = 0x31474553'4C4C4F52;  // "ROLLSEG1"
constexpr uint64_t bounds_magic = 0x31444E42'4C4C4F52;   // "ROLLBND1"
constexpr uint32_t record_magic_1 = 0x44434552;          // "RECD"
constexpr uint32_t record_magic_2 = 0x32434552;          // "REC2"

struct HeadFields {
    uint64_t magic;
    uint32_t format;
    uint32_t checksum;
    SpoolId spool;
    uint64_t first_record;
    uint32_t columns;
    uint32_t text_bytes;
};

struct RecordFields1 {
    uint32_t magic;
    uint32_t checksum;
    uint64_t number;
    int64_t written_us;
    uint32_t payload_bytes;
    uint32_t rows;
};
static_assert(sizeof(RecordFields1) == 32);

struct RecordFields2 {
    uint32_t magic;
    uint32_t checksum;
    uint64_t number;
    uint64_t synced;
    int64_t written_us;
    uint32_t payload_bytes;
    uint32_t rows;
    uint32_t payload_checksum;
    uint32_t zero;
};
static_assert(sizeof(RecordFields2) == RecordFormat::head_bytes_max);

struct BoundsFields {
    uint64_t magic;
    uint32_t checksum;
    uint32_t zero;
    Checkpoint checkpoint;
};
static_assert(sizeof(BoundsFields) == 48);

template <class Fields>
Fields fields_of(std::span<const std::byte> bytes) {
    Fields fields;
    std::memcpy(&fields, bytes.data(), sizeof fields);
    return fields;
}

uint32_t head_checksum(std::span<const std::byte> bytes) {
    constexpr size_t at = offsetof(HeadFields, checksum);
    constexpr std::array<std::byte, sizeof(uint32_t)> zeros{};
    uint32_t running = checksum_add(checksum_start, bytes.first(at));
    running = checksum_add(running, zeros);
    return checksum_end(checksum_add(running, bytes.subspan(at + sizeof(uint32_t))));
}

uint32_t bounds_checksum(const CheckpointSlot& slot) {
    return checksum(std::span(slot).subspan(offsetof(BoundsFields, checksum) + sizeof(uint32_t)));
}

std::string column_line(const ColumnInfo& column) {
    return fmt::format("{} {}\n", kind_names[static_cast<size_t>(column.kind)], column.name);
}

uint8_t column_with_line(std::string_view line) {
    uint8_t column = 0;
    while (column < columns_count && column_line(columns_table[column]) != line) ++column;
    return column;
}

Result<SegmentHead> decode_head_copy(std::span<const std::byte> bytes) {
    const auto fields = fields_of<HeadFields>(bytes);
    if (fields.magic != segment_magic || fields.checksum != head_checksum(bytes))
        return fail(Code::spool_damaged);
    if (fields.text_bytes > bytes.size() - sizeof fields) return fail(Code::spool_damaged);
    SegmentHead head{fields.format, fields.spool, fields.first_record, {}};
    std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof fields,
                          fields.text_bytes);
    while (!text.empty()) {
        const size_t length = text.find('\n') + 1;
        if (length == 0) return fail(Code::spool_damaged);
        head.columns_at.push_back(column_with_line(text.substr(0, length)));
        text.remove_prefix(length);
    }
    if (head.columns_at.size() != fields.columns) return fail(Code::spool_damaged);
    return head;
}

}  // namespace

bool SegmentHead::of_today() const {
    if (format != segment_format || columns_at.size() != columns_count) return false;
    for (size_t column = 0; column < columns_count; ++column)
        if (columns_at[column] != column) return false;
    return true;
}

SegmentHeadBytes encode_segment_head(const SpoolId& spool, uint64_t first_record) {
    std::string text;
    for (const auto& column : columns_table) text += column_line(column);
    HeadFields fields{segment_magic,
                      segment_format,
                      0,
                      spool,
                      first_record,
                      static_cast<uint32_t>(columns_count),
                      static_cast<uint32_t>(text.size())};
    ensure(sizeof fields + text.size() <= head_copy_bytes);
    SegmentHeadBytes bytes{};
    const auto copy = std::span(bytes).first(head_copy_bytes);
    std::memcpy(copy.data(), &fields, sizeof fields);
    std::memcpy(copy.data() + sizeof fields, text.data(), text.size());
    fields.checksum = head_checksum(copy);
    std::memcpy(copy.data(), &fields, sizeof fields);
    std::memcpy(bytes.data() + head_copy_bytes, copy.data(), head_copy_bytes);
    return bytes;
}

Result<SegmentHead> decode_segment_head(std::span<const std::byte> bytes) {
    if (bytes.size() != segment_head_bytes) return fail(Code::spool_damaged);
    const std::span<const std::byte> copies[] = {bytes.first(head_copy_bytes),
                                                 bytes.subspan(head_copy_bytes)};
    bool newer = true;
    for (const auto copy : copies) {
        const auto fields = fields_of<HeadFields>(copy);
        newer &= fields.magic == segment_magic && fields.format > segment_format;
        if (fields.format != segment_format) continue;
        if (auto head = decode_head_copy(copy)) return head;
    }
    if (newer) return fail(Code::spool_too_new);
    if (fields_of<HeadFields>(bytes).format == 1) return decode_head_copy(bytes);
    return fail(Code::spool_damaged);
}

RecordFormat::RecordFormat(uint32_t format, const SpoolId& spool)
    : format_(format),
      start_(format == 1 ? rollcall::checksum_start
                         : checksum_add(rollcall::checksum_start, spool)) {}

RecordFormat::HeadBytes RecordFormat::encode(const RecordHead& head) const {
    RecordFields2 fields{
        record_magic_2, 0, head.number, head.synced, head.written_us, head.payload_bytes, head.rows,
        head.checksum,  0};
    HeadBytes bytes;
    std::memcpy(bytes.data(), &fields, sizeof fields);
    fields.checksum = checksum_end(checksum_add(start_, std::span(bytes).subspan(checked_from)));
    std::memcpy(bytes.data(), &fields, sizeof fields);
    return bytes;
}

std::optional<RecordHead> RecordFormat::decode(std::span<const std::byte> bytes) const {
    if (format_ == 1) {
        const auto fields = fields_of<RecordFields1>(bytes);
        if (fields.magic != record_magic_1) return {};
        return RecordHead{fields.number,        fields.number, fields.written_us,
                          fields.payload_bytes, fields.rows,   fields.checksum};
    }
    const auto fields = fields_of<RecordFields2>(bytes);
    if (fields.magic != record_magic_2) return {};
    const auto checked = bytes.first(sizeof fields).subspan(checked_from);
    if (fields.checksum != checksum_end(checksum_add(start_, checked))) return {};
    return RecordHead{fields.number,        fields.synced, fields.written_us,
                      fields.payload_bytes, fields.rows,   fields.payload_checksum};
}

bool RecordFormat::whole(const RecordHead& head, std::span<const std::byte> record) const {
    const auto checked = record.subspan(format_ == 1 ? checked_from : head_bytes());
    return head.checksum == checksum_end(checksum_add(start_, checked));
}

CheckpointSlot encode_checkpoint(const Checkpoint& checkpoint) {
    BoundsFields fields{bounds_magic, 0, 0, checkpoint};
    CheckpointSlot slot{};
    std::memcpy(slot.data(), &fields, sizeof fields);
    fields.checksum = bounds_checksum(slot);
    std::memcpy(slot.data(), &fields, sizeof fields);
    return slot;
}

std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes) {
    std::optional<Checkpoint> later;
    for (; bytes.size() >= checkpoint_slot_bytes; bytes = bytes.subspan(checkpoint_slot_bytes)) {
        CheckpointSlot slot;
        std::memcpy(slot.data(), bytes.data(), slot.size());
        const auto fields = fields_of<BoundsFields>(slot);
        if (fields.magic != bounds_magic || fields.checksum != bounds_checksum(slot)) continue;
        const Checkpoint& found = fields.checkpoint;
        if (!later || found.end > later->end ||
            (found.end == later->end && found.begin > later->begin))
            later = found;
    }
    return later;
}

std::string segment_name(uint64_t first_record) {
    return fmt::format("{:020}{}", first_record, name_suffix);
}

std::optional<uint64_t> segment_first_record(std::string_view name) {
    uint64_t number = 0;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data(), end, number);
    if (error != std::errc{} || std::string_view(rest, end) != name_suffix) return {};
    return number;
}

std::string to_text(const SpoolId& spool) {
    std::string text;
    for (size_t i = 0; i < spool.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += fmt::format("{:02x}", static_cast<unsigned>(spool[i]));
    }
    return text;
}

}  // namespace rollcall
