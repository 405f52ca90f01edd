#include "pipeline/spool/reader.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "pipeline/columns/row_id.h"

namespace rollcall {

namespace {

constexpr size_t read_ahead_bytes = 256 * 1024;
constexpr size_t record_alignment = 8;
// When peek_bounded() has skipped this number of damaged places or bytes, it returns nothing.
constexpr int damage_steps_max = 4096;
constexpr uint64_t damage_bytes_max = uint64_t{16} << 20;
constexpr uint64_t to_the_end = std::numeric_limits<uint64_t>::max();

std::string segment_path(const std::string& directory, uint64_t first_record) {
    return directory + "/" + segment_name(first_record);
}

}  // namespace

Result<Columns> columns_of(const Record& record) {
    if (record.rows > record_rows_max) return fail(Code::spool_damaged);
    Columns columns(std::max(record.rows, 1U), std::max(record.payload.size(), row_text_max));
    const auto fits = columns.append_record(record.payload, record.columns_at);
    if (!fits) return std::unexpected(fits.error());
    if (!*fits) return fail(Code::spool_damaged);
    return columns;
}

SegmentReader::SegmentReader(std::unique_ptr<File> file, SegmentHead head)
    : file_(std::move(file)), head_(std::move(head)) {}

Result<SegmentReader> SegmentReader::open(Files& files, const std::string& directory,
                                          uint64_t first_record) {
    auto file = files.open(segment_path(directory, first_record), Files::Open::existing_read_only);
    if (!file) return std::unexpected(file.error());
    SegmentHeadBytes bytes;
    const auto got = read_around_bad_blocks(**file, 0, bytes);
    if (!got) return std::unexpected(got.error());
    auto head = decode_segment_head(std::span(bytes).first(*got));
    if (!head) return std::unexpected(head.error());
    if (head->first_record != first_record) return fail(Code::spool_damaged);
    return SegmentReader(std::move(*file), std::move(*head));
}

Result<SegmentReader> SegmentReader::open_headless(Files& files, const std::string& directory,
                                                   uint64_t first_record, const SpoolId& spool) {
    auto file = files.open(segment_path(directory, first_record), Files::Open::existing_read_only);
    if (!file) return std::unexpected(file.error());
    return SegmentReader(std::move(*file),
                         {spool, first_record, {spool, spool}, segment_format, {}});
}

Result<std::span<const std::byte>> SegmentReader::bytes_at_offset(size_t wanted) {
    const bool inside = offset_ >= window_at_ && offset_ + wanted <= window_at_ + window_bytes_;
    if (!inside) {
        in_place_ = false;
        window_.resize(std::max({window_.size(), wanted, read_ahead_bytes}));
        const auto got = read_around_bad_blocks(*file_, offset_, window_);
        if (!got) return std::unexpected(got.error());
        window_at_ = offset_;
        window_bytes_ = *got;
    }
    const auto from = std::span<const std::byte>(window_).first(window_bytes_);
    const auto here = from.subspan(offset_ - window_at_);
    return here.first(std::min(wanted, here.size()));
}

Result<std::optional<RecordHead>> SegmentReader::head_at_offset() {
    const auto bytes = bytes_at_offset(record_head_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < record_head_bytes) return std::nullopt;
    return decode_record_head(*bytes, head_.spool);
}

Result<std::optional<Record>> SegmentReader::peek(uint64_t number) {
    const auto head = head_at_offset();
    if (!head) return std::unexpected(head.error());
    if (!*head || (*head)->number != number) return std::nullopt;

    const size_t wanted = record_head_bytes + (*head)->payload_bytes;
    const auto bytes = bytes_at_offset(wanted);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->size() < wanted) return std::nullopt;
    const auto payload = bytes->subspan(record_head_bytes);
    if (!payload_is_whole(**head, payload, head_.spool)) return std::nullopt;

    advance_to_ = offset_ + record_bytes((*head)->payload_bytes);
    return Record{number,  (*head)->synced,  (*head)->written_us, (*head)->rows,
                  payload, head_.columns_at, head_.origin.run};
}

void SegmentReader::advance() {
    ensure(advance_to_ > offset_);
    offset_ = advance_to_;
}

Result<bool> SegmentReader::skip(uint64_t number) {
    const auto head = head_at_offset();
    if (!head) return std::unexpected(head.error());
    if (!*head || (*head)->number != number) return false;
    offset_ += record_bytes((*head)->payload_bytes);
    return true;
}

Result<std::optional<uint64_t>> SegmentReader::find(uint64_t from, uint64_t below) {
    const uint64_t begin = offset_;
    for (;; offset_ += record_alignment) {
        const auto bytes = bytes_at_offset(record_head_bytes);
        if (!bytes) return std::unexpected(bytes.error());
        if (bytes->size() < record_head_bytes) break;
        const auto head = decode_record_head(*bytes, head_.spool);
        if (head && head->number >= from && head->number < below) return head->number;
    }
    offset_ = begin;
    return std::nullopt;
}

Result<SegmentStart> read_start(File& segment, uint64_t first_record) {
    std::array<std::byte, segment_head_bytes + record_head_bytes> bytes{};
    const auto got = read_around_bad_blocks(segment, 0, bytes);
    if (!got) return std::unexpected(got.error());
    const auto head =
        decode_segment_head(std::span(bytes).first(std::min(*got, segment_head_bytes)));
    if (!head) return SegmentStart{};
    SegmentStart start{.origin = head->origin, .begun_us = {}};
    if (*got < bytes.size()) return start;
    const auto record =
        decode_record_head(std::span(bytes).subspan(segment_head_bytes), head->spool);
    if (record && record->number == first_record) start.begun_us = record->written_us;
    return start;
}

Result<std::optional<Checkpoint>> read_checkpoint(Files& files, const std::string& directory) {
    const auto file =
        files.open(directory + "/" + std::string(checkpoint_name), Files::Open::existing_read_only);
    if (!file && file.error().os_errno == ENOENT) return std::nullopt;
    if (!file) return std::unexpected(file.error());
    std::array<std::byte, 2 * checkpoint_slot_bytes> bytes;
    const auto got = read_around_bad_blocks(**file, 0, bytes);
    if (!got) return std::unexpected(got.error());
    return decode_checkpoint(std::span(bytes).first(*got));
}

SpoolReader::SpoolReader(Files& files, std::string directory, const Cursor& end,
                         LostRecords* lost_records)
    : files_(files), directory_(std::move(directory)), end_(end), lost_records_(lost_records) {}

Result<void> SpoolReader::list_segments() {
    // Read the spool's end before listing. Then the list contains the segments of all records below
    // this end, because a segment has its name before its first record.
    const uint64_t below = end_.read();
    const auto names = files_.list(directory_);
    if (!names && names.error().os_errno == ENOENT)
        return no_longer_in_place(directory_, "removed or moved");
    if (!names) return std::unexpected(names.error());
    listed_below_ = below;
    checked_segment_.reset();
    segments_.clear();
    for (const auto& name : *names)
        if (const auto number = segment_first_record(name)) segments_.push_back(*number);
    return {};
}

Result<bool> SpoolReader::open_segment(uint64_t first_record) {
    auto segment = SegmentReader::open(files_, directory_, first_record);
    if (segment) {
        segment_.emplace(*std::move(segment));
        return true;
    }
    const Error& error = segment.error();
    if (error.code == Code::spool_damaged || error.os_errno == ENOENT) return false;
    return std::unexpected(error);
}

Result<void> SpoolReader::seek(uint64_t number) {
    segment_.reset();
    next_ = number;
    fresh_below_ = 0;
    if (auto listed = list_segments(); !listed) return listed;
    if (segments_.empty()) return {};
    const uint64_t oldest = segments_.front();
    if (number < oldest) {
        // Skip the dropped records. Then report the remaining records before the oldest segment as
        // lost, because their segment is missing.
        if (auto passed = step_over_dropped(oldest); !passed)
            return std::unexpected(passed.error());
        if (next_ < std::min(oldest, end_.read())) lose(std::min(oldest, end_.read()), {}, 0, 0);
        next_ = std::max(next_, oldest);
    }
    const auto after = std::ranges::upper_bound(segments_, next_);
    const uint64_t first = *std::prev(after);
    const auto opened = open_segment(first);
    if (!opened) return std::unexpected(opened.error());
    if (!*opened) return {};  // peek() will find the same damage and report it.
    for (uint64_t at = first; at < next_;) {
        const auto skipped = segment_->skip(at);
        if (!skipped) return std::unexpected(skipped.error());
        if (*skipped) {
            ++at;
            continue;
        }
        // Damaged records before `next_` are already stored, so they are not lost.
        const auto found = segment_->find(at + 1, next_ + 1);
        if (!found) return std::unexpected(found.error());
        if (!*found) break;
        at = **found;
    }
    return {};
}

// Moves to the first record that was not dropped. Records below the checkpoint's `begin` were
// dropped after every sink had stored them. If the spool has no checkpoint, `otherwise` is used as
// `begin`. Returns false if the record at the current position was not dropped.
Result<bool> SpoolReader::step_over_dropped(uint64_t otherwise) {
    const auto checkpoint = read_checkpoint(files_, directory_);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    const uint64_t begin = *checkpoint ? (*checkpoint)->begin : otherwise;
    if (begin <= next_) return false;
    dropped_ = RecordRange{dropped_ ? dropped_->first : next_, begin};
    next_ = begin;
    return true;
}

Result<void> SpoolReader::seek_written(int64_t written_us) {
    if (auto listed = list_segments(); !listed) return listed;
    uint64_t from = end_.read();
    for (auto it = segments_.rbegin(); it != segments_.rend(); ++it) {
        if (*it >= end_.read()) continue;
        const auto file =
            files_.open(segment_path(directory_, *it), Files::Open::existing_read_only);
        if (!file && file.error().os_errno == ENOENT)
            break;  // This segment and all earlier segments were just dropped.
        if (!file) return std::unexpected(file.error());
        from = *it;
        const auto start = read_start(**file, from);
        if (!start) return std::unexpected(start.error());
        if (start->begun_us && *start->begun_us < written_us) break;
    }
    return seek(from);
}

Result<std::optional<Record>> SpoolReader::peek() {
    for (;;) {
        auto record = peek_bounded();
        if (!record || *record || !has_more_) return record;
    }
}

Result<std::optional<Record>> SpoolReader::peek_bounded() {
    const uint64_t end = end_.read();
    has_more_ = false;
    for (; next_ < end; ++damage_steps_) {
        has_more_ = damage_steps_ >= damage_steps_max || passed_bytes_ >= damage_bytes_max;
        if (has_more_) break;
        if (next_ >= fresh_below_) {
            if (segment_) segment_->refresh();
            fresh_below_ = end;
        }
        if (segment_) {
            auto record = segment_->peek(next_);
            if (!record || *record) return record;
        }
        // Record next_ cannot be read from the open segment. Either the next segment begins with
        // it, or it is lost.
        if (const auto over = step_over_damage(); !over) return std::unexpected(over.error());
    }
    damage_steps_ = 0;
    passed_bytes_ = 0;
    if (lost_records_ != nullptr) lost_records_->flush();
    return std::nullopt;
}

void SpoolReader::advance() {
    segment_->advance();
    ++next_;
}

void SpoolReader::give_up() {
    const uint64_t from = segment_->offset();
    segment_->advance();
    lose(next_ + 1, segment_name(segment_->head().first_record), from, segment_->offset());
    ++next_;
}

// Opens the segment that begins with record next_. Returns false if it finds no such segment. In an
// undamaged spool, the name of the next segment is known, so the directory need not be listed.
Result<bool> SpoolReader::open_next_segment() {
    if (!segment_ || segment_->head().first_record == next_) return false;
    const auto opened = open_segment(next_);
    if (!opened || !*opened) return opened;
    // Remove the segments that the reader has passed.
    segments_.erase(segments_.begin(), std::ranges::lower_bound(segments_, next_));
    if (segments_.empty() || segments_.front() != next_) segments_.insert(segments_.begin(), next_);
    return true;
}

// Returns true if the segment still exists. The segment may have been dropped since the directory
// was listed, and another segment may have overwritten its file. The answer is remembered until the
// next read from the file, because it holds for all data that was read ahead.
Result<bool> SpoolReader::still_exists(uint64_t first_record) {
    const bool is_open = segment_ && segment_->head().first_record == first_record;
    if (is_open && segment_->is_in_place()) return true;
    const auto status = files_.status(segment_path(directory_, first_record));
    if (!status && status.error().os_errno != ENOENT) return std::unexpected(status.error());
    if (status && is_open) segment_->set_in_place();
    return status.has_value();
}

// Lists the segments again, after the file of one segment was found missing. Removes the missing
// segment from the list if the directory still contains its name.
Result<void> SpoolReader::forget(uint64_t first_record) {
    if (auto listed = list_segments(); !listed) return listed;
    std::erase(segments_, first_record);
    return {};
}

// Moves to the next readable record. That may be record next_ itself, in the next segment. May
// return without a move after it has listed the segments again; the caller then calls it once more.
Result<void> SpoolReader::step_over_damage() {
    if (next_ >= listed_below_) {
        const auto opened = open_next_segment();
        if (!opened) return std::unexpected(opened.error());
        if (*opened) return {};
        if (auto listed = list_segments(); !listed) return listed;
    }
    const auto after = std::ranges::upper_bound(segments_, next_);
    const bool is_last = after == segments_.end();
    Damage damage{{}, 0, is_last ? end_.read() : std::min(*after, end_.read())};
    if (after != segments_.begin()) {
        const uint64_t first = *std::prev(after);
        const auto exists = still_exists(first);
        if (!exists) return std::unexpected(exists.error());
        if (!*exists) return forget(first);
        if (first == next_ && (!segment_ || segment_->head().first_record != next_)) {
            segment_.reset();
            const auto opened = open_segment(next_);
            if (!opened) return std::unexpected(opened.error());
            if (*opened) return {};
        }
        damage.segment = segment_name(first);
    } else if (!is_last) {
        segment_.reset();  // The file of this segment is gone.
    }
    const auto passed = step_over_half_dropped();
    if (!passed) return std::unexpected(passed.error());
    if (*passed) return {};
    damage.from = segment_ ? segment_->offset() : 0;
    const auto found = find_in_segment(damage);
    if (!found) return std::unexpected(found.error());
    if (*found) return {};
    // Newer records may be in segments that were created after the directory was last listed.
    if (is_last && listed_below_ < damage.below) return list_segments();
    // The segment may have been dropped and overwritten during the search.
    if (segment_ && !segment_->is_in_place()) {
        const uint64_t first = segment_->head().first_record;
        const auto exists = still_exists(first);
        if (!exists) return std::unexpected(exists.error());
        if (!*exists) return seek(next_);
    }
    segment_.reset();
    if (damage.below > next_)
        lose(damage.below, damage.segment, damage.from, size_of(damage.segment));
    next_ = damage.below;
    return {};
}

// Skips records that were dropped, because dropped records are not lost. After a power cut, some of
// the segments that were dropped together can exist again. Reads the checkpoint only once for each
// damaged segment. Later changes of the checkpoint do not matter, because they never concern
// records that are still to be read. Records are dropped only after every sink has stored them.
Result<bool> SpoolReader::step_over_half_dropped() {
    if (segment_ && checked_segment_ == segment_->head().first_record) return false;
    const auto passed = step_over_dropped(0);
    if (!passed) return passed;
    if (*passed)
        segment_.reset();
    else if (segment_)
        checked_segment_ = segment_->head().first_record;
    return passed;
}

// Moves to the next readable record in the open segment. Returns false if the segment has no such
// record.
Result<bool> SpoolReader::find_in_segment(const Damage& damage) {
    if (!segment_) return false;
    // If the record's head is intact, only this record is lost.
    const auto skipped = segment_->skip(next_);
    if (!skipped) return std::unexpected(skipped.error());
    uint64_t found_at = next_ + 1;
    if (!*skipped) {
        const auto found = segment_->find(next_, damage.below);
        if (!found) return std::unexpected(found.error());
        if (!*found) return false;
        found_at = **found;
    }
    if (found_at > next_) lose(found_at, damage.segment, damage.from, segment_->offset());
    next_ = found_at;
    return true;
}

// Returns the size of the segment file, or a value beyond its end if the size is not known.
uint64_t SpoolReader::size_of(const std::string& segment) const {
    if (segment.empty()) return 0;
    const auto file = files_.open(directory_ + "/" + segment, Files::Open::existing_read_only);
    return file ? (*file)->size().value_or(to_the_end) : to_the_end;
}

// Notes records [next_, end) as lost.
void SpoolReader::lose(uint64_t end, const std::string& segment, uint64_t from, uint64_t to) {
    to = std::max(from, to);
    passed_bytes_ += to - from;
    if (lost_records_ != nullptr) lost_records_->note({next_, end, segment, from, to});
}

}  // namespace rollcall
