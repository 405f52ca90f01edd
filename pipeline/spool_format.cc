#include "pipeline/spool_format.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "pipeline/checksum.h"
#include "pipeline/columns.h"

namespace rollcall {

namespace {

constexpr std::string_view kind_names[] = {"text", "integer", "real", "flag", "time"};
constexpr std::string_view name_suffix = ".segment";

struct HeadFields {
    uint64_t magic;
    uint32_t format;
    uint32_t checksum;
    SpoolId spool;
    uint64_t first_record;
    uint32_t columns;
    uint32_t text_bytes;
};

uint32_t head_checksum(SegmentHeadBytes bytes) {
    std::memset(bytes.data() + offsetof(HeadFields, checksum), 0, sizeof(uint32_t));
    return checksum(bytes);
}

std::string column_line(const ColumnInfo& column) {
    return fmt::format("{} {}\n", kind_names[static_cast<size_t>(column.kind)], column.name);
}

uint8_t column_with_line(std::string_view line) {
    uint8_t column = 0;
    while (column < columns_count && column_line(columns_table[column]) != line) ++column;
    return column;
}

}  // namespace

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
    ensure(sizeof fields + text.size() <= segment_head_bytes);
    SegmentHeadBytes bytes{};
    std::memcpy(bytes.data(), &fields, sizeof fields);
    std::memcpy(bytes.data() + sizeof fields, text.data(), text.size());
    fields.checksum = head_checksum(bytes);
    std::memcpy(bytes.data(), &fields, sizeof fields);
    return bytes;
}

std::optional<SegmentHead> decode_segment_head(std::span<const std::byte> bytes) {
    SegmentHeadBytes copy;
    HeadFields fields;
    if (bytes.size() != copy.size()) return {};
    std::memcpy(copy.data(), bytes.data(), copy.size());
    std::memcpy(&fields, bytes.data(), sizeof fields);
    if (fields.magic != segment_magic || fields.format != segment_format) return {};
    if (fields.checksum != head_checksum(copy)) return {};
    if (fields.text_bytes > segment_head_bytes - sizeof fields) return {};

    SegmentHead head{fields.spool, fields.first_record, {}};
    std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof fields,
                          fields.text_bytes);
    while (!text.empty()) {
        const size_t length = text.find('\n') + 1;
        if (length == 0) return {};
        head.columns_at.push_back(column_with_line(text.substr(0, length)));
        text.remove_prefix(length);
    }
    if (head.columns_at.size() != fields.columns) return {};
    return head;
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
