#include "pipeline/spool/format.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>

#include "pipeline/base/checksum.h"
#include "pipeline/columns/columns.h"

namespace rollcall {

namespace {

constexpr std::string_view kind_names[] = {"text", "integer", "real", "flag", "time"};
constexpr std::string_view name_suffix = ".segment";

constexpr size_t head_copy_bytes = segment_head_bytes / 2;
constexpr size_t checked_from = 8;  // The checksum covers the bytes from this offset on.
constexpr uint64_t segment_magic = 0x31474553'4C4C4F52;     // "ROLLSEG1"
constexpr uint64_t checkpoint_magic = 0x31444E42'4C4C4F52;  // "ROLLBND1"
constexpr uint32_t record_magic = 0x32434552;               // "REC2"

struct HeadFields {
    uint64_t magic;
    uint32_t format;
    uint32_t checksum;
    SpoolId spool;
    uint64_t first_record;
    uint32_t columns;
    uint32_t text_bytes;
};

// The fields that follow HeadFields in the head of a segment of format 3 or later.
struct OriginFields {
    Origin origin;
};
constexpr uint32_t segment_format_with_origin = 3;

struct RecordFields {
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
static_assert(sizeof(RecordFields) == record_head_bytes);

struct CheckpointFields {
    uint64_t magic;
    uint32_t checksum;
    uint32_t zero;
    Checkpoint checkpoint;
};
static_assert(sizeof(CheckpointFields) == 48);

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

uint32_t checkpoint_checksum(const CheckpointSlot& slot) {
    return checksum(
        std::span(slot).subspan(offsetof(CheckpointFields, checksum) + sizeof(uint32_t)));
}

uint32_t record_head_checksum(std::span<const std::byte, record_head_bytes> bytes,
                              const SpoolId& spool) {
    // The checksum of a record's head starts from the spool's id, like the checksum of a payload.
    return checksum_end(checksum_add(payload_checksum_start(spool), bytes.subspan(checked_from)));
}

// The columns of today's columns.def, written as the head of a segment lists them.
struct ColumnLines {
    ColumnLines() {
        for (const auto& column : spool_columns_table) {
            const auto kind = kind_names[static_cast<size_t>(column.kind)];
            each.push_back(fmt::format("{} {}\n", kind, column.name));
            text += each.back();
        }
    }
    std::vector<std::string> each;
    std::string text;
};

const ColumnLines& column_lines() {
    static const ColumnLines lines;
    return lines;
}

uint8_t column_with_line(std::string_view line) {
    const auto& each = column_lines().each;
    return static_cast<uint8_t>(std::ranges::find(each, line) - each.begin());
}

Result<SegmentHead> decode_head_copy(std::span<const std::byte> bytes) {
    const auto fields = fields_of<HeadFields>(bytes);
    if (fields.magic != segment_magic || fields.checksum != head_checksum(bytes))
        return fail(Code::spool_damaged);
    SegmentHead head{
        fields.spool, fields.first_record, {fields.spool, fields.spool}, fields.format, {}};
    size_t text_at = sizeof fields;
    if (fields.format >= segment_format_with_origin) {
        head.origin = fields_of<OriginFields>(bytes.subspan(text_at)).origin;
        text_at += sizeof(OriginFields);
    }
    if (fields.text_bytes > bytes.size() - text_at) return fail(Code::spool_damaged);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()) + text_at, fields.text_bytes);
    if (text == column_lines().text) {
        head.columns_at.resize(spool_columns_count);
        std::iota(head.columns_at.begin(), head.columns_at.end(), uint8_t{0});
        text = {};
    }
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

bool SegmentHead::has_todays_columns() const {
    if (columns_at.size() != spool_columns_count) return false;
    for (size_t column = 0; column < spool_columns_count; ++column)
        if (columns_at[column] != column) return false;
    return true;
}

SegmentHeadBytes encode_segment_head(const SpoolId& spool, uint64_t first_record,
                                     const Origin& origin) {
    const std::string& text = column_lines().text;
    HeadFields fields{segment_magic,
                      segment_format,
                      0,
                      spool,
                      first_record,
                      static_cast<uint32_t>(spool_columns_count),
                      static_cast<uint32_t>(text.size())};
    const OriginFields origin_fields{origin};
    constexpr size_t text_at = sizeof fields + sizeof origin_fields;
    ensure(text_at + text.size() <= head_copy_bytes);
    SegmentHeadBytes bytes{};
    const auto copy = std::span(bytes).first(head_copy_bytes);
    std::memcpy(copy.data(), &fields, sizeof fields);
    std::memcpy(copy.data() + sizeof fields, &origin_fields, sizeof origin_fields);
    std::memcpy(copy.data() + text_at, text.data(), text.size());
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
        if (fields.format < segment_format_oldest || fields.format > segment_format) continue;
        if (auto head = decode_head_copy(copy)) return head;
    }
    return fail(newer ? Code::spool_too_new : Code::spool_damaged);
}

uint32_t payload_checksum_start(const SpoolId& spool) {
    return checksum_add(checksum_start, spool);
}

bool payload_is_whole(const RecordHead& head, std::span<const std::byte> payload,
                      const SpoolId& spool) {
    return head.payload_checksum ==
           checksum_end(checksum_add(payload_checksum_start(spool), payload));
}

RecordHeadBytes encode_record_head(const RecordHead& head, const SpoolId& spool) {
    RecordFields fields{record_magic,
                        0,
                        head.number,
                        head.synced,
                        head.written_us,
                        head.payload_bytes,
                        head.rows,
                        head.payload_checksum,
                        0};
    RecordHeadBytes bytes;
    std::memcpy(bytes.data(), &fields, sizeof fields);
    fields.checksum = record_head_checksum(bytes, spool);
    std::memcpy(bytes.data(), &fields, sizeof fields);
    return bytes;
}

std::optional<RecordHead> decode_record_head(std::span<const std::byte> bytes,
                                             const SpoolId& spool) {
    const auto fields = fields_of<RecordFields>(bytes);
    if (fields.magic != record_magic) return {};
    if (fields.checksum != record_head_checksum(bytes.first<record_head_bytes>(), spool)) return {};
    return RecordHead{fields.number,        fields.synced, fields.written_us,
                      fields.payload_bytes, fields.rows,   fields.payload_checksum};
}

CheckpointSlot encode_checkpoint(const Checkpoint& checkpoint) {
    CheckpointFields fields{checkpoint_magic, 0, 0, checkpoint};
    CheckpointSlot slot{};
    std::memcpy(slot.data(), &fields, sizeof fields);
    fields.checksum = checkpoint_checksum(slot);
    std::memcpy(slot.data(), &fields, sizeof fields);
    return slot;
}

std::optional<Checkpoint> decode_checkpoint(std::span<const std::byte> bytes) {
    std::optional<Checkpoint> later;
    for (; bytes.size() >= checkpoint_slot_bytes; bytes = bytes.subspan(checkpoint_slot_bytes)) {
        CheckpointSlot slot;
        std::memcpy(slot.data(), bytes.data(), slot.size());
        const auto fields = fields_of<CheckpointFields>(slot);
        if (fields.magic != checkpoint_magic || fields.checksum != checkpoint_checksum(slot))
            continue;
        const Checkpoint& found = fields.checkpoint;
        if (!later || found.end > later->end ||
            (found.end == later->end && found.begin > later->begin))
            later = found;
    }
    return later;
}

std::unexpected<Error> no_longer_in_place(const std::string& path, std::string_view how) {
    return fail(Code::file_replaced,
                fmt::format("{} was {} while the daemon had it open; it may contain check-ins that "
                            "a sink has not stored. Put it back, or they are lost",
                            path, how));
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

std::optional<SpoolId> spool_id_of(std::string_view text) {
    SpoolId id;
    size_t at = 0;
    for (auto& byte : id) {
        if (at < text.size() && text[at] == '-') ++at;
        if (text.size() < at + 2) return {};
        uint8_t value = 0;
        const char* const end = text.data() + at + 2;
        if (std::from_chars(text.data() + at, end, value, 16).ptr != end) return {};
        byte = static_cast<std::byte>(value);
        at += 2;
    }
    return at == text.size() && to_text(id) == text ? std::optional(id) : std::nullopt;
}

}  // namespace rollcall
