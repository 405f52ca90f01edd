#include "pipeline/spool_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "pipeline/checksum.h"
#include "pipeline/log.h"

namespace rollcall {

namespace {

constexpr size_t read_ahead_bytes = 256 * 1024;

RecordHead record_head(std::span<const std::byte> bytes) {
    RecordHead head;
    std::memcpy(&head, bytes.data(), sizeof head);
    return head;
}

}  // namespace

Result<SegmentReader> SegmentReader::open(Files& files, const std::string& path) {
    SegmentReader reader;
    auto file = files.open(path, Files::Open::existing_read_only);
    if (!file) return std::unexpected(file.error());
    reader.file_ = std::move(*file);
    SegmentHeadBytes bytes;
    const auto got = reader.file_->read(0, bytes);
    if (!got) return std::unexpected(got.error());
    auto head = decode_segment_head(std::span(bytes).first(*got));
    if (!head) return fail(Code::spool_damaged);
    reader.head_ = std::move(*head);
    return reader;
}

Result<std::span<const std::byte>> SegmentReader::bytes_at_offset(size_t wanted) {
    const bool inside = offset_ >= window_at_ && offset_ + wanted <= window_at_ + window_bytes_;
    if (!inside) {
        window_.resize(std::max({window_.size(), wanted, read_ahead_bytes}));
        const auto got = file_->read(offset_, window_);
        if (!got) return std::unexpected(got.error());
        window_at_ = offset_;
        window_bytes_ = *got;
    }
    const auto from = std::span<const std::byte>(window_).first(window_bytes_);
    const auto here = from.subspan(offset_ - window_at_);
    return here.first(std::min(wanted, here.size()));
}

Result<std::optional<Record>> SegmentReader::peek(uint64_t number) {
    const auto head_bytes = bytes_at_offset(sizeof(RecordHead));
    if (!head_bytes) return std::unexpected(head_bytes.error());
    if (head_bytes->size() < sizeof(RecordHead)) return std::nullopt;
    const RecordHead head = record_head(*head_bytes);
    if (head.magic != record_magic || head.number != number) return std::nullopt;

    const size_t whole = sizeof head + head.payload_bytes;
    const auto bytes = bytes_at_offset(whole);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < whole) return std::nullopt;
    if (checksum(bytes->subspan(record_checked_from)) != head.checksum) return std::nullopt;

    advance_to_ = offset_ + record_bytes(head.payload_bytes);
    return Record{number, head.written_us, head.rows, bytes->subspan(sizeof head),
                  head_.columns_at};
}

void SegmentReader::advance() {
    ensure(advance_to_ > offset_);
    offset_ = advance_to_;
}

Result<bool> SegmentReader::skip(uint64_t number) {
    const auto bytes = bytes_at_offset(sizeof(RecordHead));
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < sizeof(RecordHead)) return false;
    const RecordHead head = record_head(*bytes);
    if (head.magic != record_magic || head.number != number) return false;
    offset_ += record_bytes(head.payload_bytes);
    return true;
}

Result<std::optional<int64_t>> first_written_us(File& segment, uint64_t first_record) {
    std::array<std::byte, sizeof(RecordHead)> bytes;
    const auto got = segment.read(segment_head_bytes, bytes);
    if (!got) return std::unexpected(got.error());
    if (*got < bytes.size()) return std::nullopt;
    const RecordHead head = record_head(bytes);
    if (head.magic != record_magic || head.number != first_record) return std::nullopt;
    return head.written_us;
}

SpoolReader::SpoolReader(Files& files, std::string directory, const Cursor& end, Slab* slab)
    : files_(files), directory_(std::move(directory)), end_(end), slab_(slab) {}

Result<std::vector<uint64_t>> SpoolReader::segments() const {
    const auto names = files_.list(directory_);
    if (!names) return std::unexpected(names.error());
    std::vector<uint64_t> numbers;
    for (const auto& name : *names)
        if (const auto number = segment_first_record(name)) numbers.push_back(*number);
    return numbers;
}

Result<void> SpoolReader::open_segment(uint64_t first_record) {
    auto segment = SegmentReader::open(files_, directory_ + "/" + segment_name(first_record));
    if (!segment) return std::unexpected(segment.error());
    segment_.emplace(std::move(*segment));
    return {};
}

Result<void> SpoolReader::seek(uint64_t number) {
    segment_.reset();
    next_ = number;
    const auto numbers = segments();
    if (!numbers) return std::unexpected(numbers.error());
    if (numbers->empty()) return {};
    next_ = std::max(number, numbers->front());
    const auto after = std::upper_bound(numbers->begin(), numbers->end(), next_);
    const uint64_t first = *std::prev(after);
    if (!open_segment(first)) return {};  // peek() meets the damage again, and counts it.
    for (uint64_t at = first; at < next_; ++at) {
        const auto skipped = segment_->skip(at);
        if (!skipped) return std::unexpected(skipped.error());
        if (!*skipped) break;
    }
    return {};
}

Result<void> SpoolReader::seek_written(int64_t written_us) {
    const auto numbers = segments();
    if (!numbers) return std::unexpected(numbers.error());
    uint64_t from = end_.read();
    for (auto it = numbers->rbegin(); it != numbers->rend(); ++it) {
        if (*it >= end_.read()) continue;
        const auto file =
            files_.open(directory_ + "/" + segment_name(*it), Files::Open::existing_read_only);
        if (!file) break;  // Dropped just now, and so were those before it.
        from = *it;
        const auto begun_us = first_written_us(**file, from);
        if (!begun_us) return std::unexpected(begun_us.error());
        if (*begun_us && **begun_us < written_us) break;
    }
    return seek(from);
}

Result<std::optional<Record>> SpoolReader::peek() {
    const uint64_t end = end_.read();
    while (next_ < end) {
        if (next_ >= fresh_below_) {
            if (segment_) segment_->refresh();
            fresh_below_ = end;
        }
        if (segment_) {
            auto record = segment_->peek(next_);
            if (!record || *record) return record;
        }
        // Not here: it is the first of the next segment, or it is lost.
        const bool opened = open_segment(next_).has_value();
        if (opened) {
            auto record = segment_->peek(next_);
            if (!record || *record) return record;
        }
        if (const auto over = step_over_damage(); !over) return std::unexpected(over.error());
    }
    return std::nullopt;
}

void SpoolReader::advance() {
    segment_->advance();
    ++next_;
}

Result<void> SpoolReader::step_over_damage() {
    uint64_t resume = next_ + 1;
    // With its head intact only the record itself is lost.
    const bool next_is_known = segment_ && segment_->skip(next_).value_or(false);
    if (!next_is_known) {
        const auto numbers = segments();
        if (!numbers) return std::unexpected(numbers.error());
        const auto after = std::upper_bound(numbers->begin(), numbers->end(), next_);
        resume = after == numbers->end() ? end_.read() : std::min(*after, end_.read());
        segment_.reset();
    }
    if (slab_ != nullptr) {
        log(LogLevel::error, "spool: records {} to {} cannot be read and are lost", next_,
            resume - 1);
        slab_->add(Metric::spool_lost_records_total, static_cast<int64_t>(resume - next_));
    }
    next_ = resume;
    return {};
}

}  // namespace rollcall
