#include "pipeline/spool/writer.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "pipeline/base/checksum.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr std::array<std::byte, 16 * 1024> zeros{};
// Maximum number of zero bytes that are written after a record. With more zeros, the next sync
// would take longer. With fewer zeros, more syncs would have to write metadata.
constexpr size_t ahead_bytes_max = 256 * 1024;
constexpr size_t ahead_records_min = 16;
constexpr std::chrono::microseconds names_interval{1'000'000};
// Maximum number of segments that one drop() removes. A stop of the daemon may have to wait for one
// drop().
constexpr size_t dropped_max = 64;

bool is_full(const Result<void>& done) { return !done && done.error().code == Code::disk_full; }

}  // namespace

SpoolWriter::SpoolWriter(Files& files, const Clock& clock, MetricShard& shard, Options options)
    : files_(files),
      clock_(clock),
      shard_(shard),
      options_(std::move(options)),
      lineage_(files, options_.directory) {
    // Limit the size of a segment. The segment that is being written cannot be dropped, so a larger
    // segment could fill the spool for ever.
    options_.segment_size = std::min(options_.segment_size, options_.size_max / 4);
}

std::string SpoolWriter::path(std::string_view name) const {
    return options_.directory + "/" + std::string(name);
}

Result<void> SpoolWriter::open() {
    if (auto made = files_.make_directories(options_.directory); !made) return made;
    auto lock = files_.lock(options_.directory);
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    auto contents = find_contents(files_, options_.directory, clock_.wall_us());
    if (!contents) return std::unexpected(contents.error());
    const auto checkpoint = find_checkpoint(files_, options_.directory, contents->segments);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    checkpoint_ = *checkpoint;
    segments_ = std::move(contents->segments);
    recycled_bytes_ = contents->recycled_bytes;
    for (const SpoolSegment& segment : segments_) grow(static_cast<int64_t>(segment.bytes));
    grow(static_cast<int64_t>(recycled_bytes_));
    if (segments_.empty()) {
        next_ = checkpoint_.end;
        if (auto begun = begin_run(); !begun) return begun;
        if (auto begun = begin_segment(); !begun) return begun;
    } else if (auto recovered = recover_last(); !recovered) {
        return recovered;
    }
    end_.advance(next_);
    if (auto made = open_checkpoint(); !made) return made;
    return check_names();  // Another process may have replaced the directory before it was locked.
}

Result<void> SpoolWriter::recover_last() {
    const uint64_t first = segments_.back().first_record;
    auto reader = SegmentReader::open(files_, options_.directory, first);
    if (!reader && reader.error().code != Code::spool_damaged)
        return std::unexpected(reader.error());
    if (!reader || reader->head().spool != id()) return replace_last();

    const auto tail = find_tail(*reader, checkpoint_.end);
    if (!tail) return std::unexpected(tail.error());
    auto file = files_.open(path(segment_name(first)), Files::Open::existing);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    next_ = tail->next;
    if (auto written = write_again(*file_, tail->unsynced, tail->bytes); !written) return written;
    const uint64_t size = segments_.back().bytes;
    const uint64_t torn = tail->appendable ? size - std::min(size, tail->bytes) : 0;
    // Log at level debug if nothing was torn, because the spool of dead letters is opened for each
    // dead letter.
    log(torn > 0 ? LogLevel::info : LogLevel::debug,
        {.message = "spool: opened",
         .details = {{"directory", options_.directory},
                     {"first_record", segments_.front().first_record},
                     {"next_record", next_},
                     {"torn_bytes", torn}}});
    if (tail->appendable) {
        // The bytes after the records are a torn write or old content of a recycled file. Cut them
        // off, so that they are never mistaken for a later record.
        if (torn > 0) {
            shard_.add(Metric::spool_torn_bytes_total, static_cast<int64_t>(torn));
            if (auto cut = file_->truncate(tail->bytes); !cut) return cut;
        }
        grow(static_cast<int64_t>(tail->bytes) - static_cast<int64_t>(size));
        segments_.back().bytes = tail->bytes;
        written_to_ = tail->bytes;
    }
    if (auto synced = file_->sync(); !synced) return synced;
    if (auto begun = begin_run(); !begun) return begun;
    if (tail->appendable && reader->head().has_todays_columns()) return claim_last();
    if (next_ > first) return begin_segment();
    return replace_empty();
}

// Handles a last segment whose head is damaged or missing. If the segment contains no record, and
// the checkpoint's `end` is not beyond its first record, the head was never written. In that case
// the segment is created again. A crash while `spool.sync` is off can leave a segment without a
// head.
Result<void> SpoolWriter::replace_last() {
    const uint64_t first = segments_.back().first_record;
    const auto end = find_end_without_head(files_, options_.directory, first,
                                           std::max(first, checkpoint_.end), id());
    if (!end) return std::unexpected(end.error());
    next_ = *end;
    if (auto begun = begin_run(); !begun) return begun;
    if (next_ > first) {
        log(LogLevel::error,
            {.message = "spool: segment header damaged",
             .details = {{"segment", segment_name(first)}},
             .note =
                 "sinks that have not stored its records lose them. Keep the file, and check the "
                 "disk (journalctl -k)"});
        return begin_segment();
    }
    log(LogLevel::warning, {.message = "spool: removing an empty segment without a header",
                            .details = {{"segment", segment_name(first)}},
                            .note = "it contained no records; a crash may leave such a file"});
    return replace_empty();
}

// Begins a run after the existing records. The first append() creates the run's segment, so that
// the daemon can start even if the disk is full.
Result<void> SpoolWriter::begin_run() {
    if (!options_.has_runs) return {};
    run_begins_ = true;
    std::vector<Lineage::Segment> segments;
    for (const SpoolSegment& segment : segments_)
        if (segment.origin) segments.push_back({*segment.origin, segment.first_record});
    return lineage_.open(id(), segments, next_);
}

// Assigns the last segment to the current run if the segment holds no record. If it holds records,
// append() begins a new segment for the run.
Result<void> SpoolWriter::claim_last() {
    SpoolSegment& last = segments_.back();
    if (!options_.has_runs || next_ > last.first_record) return {};
    last.origin = origin();
    run_begins_ = false;
    const auto head = encode_segment_head(id(), last.first_record, *last.origin);
    if (auto written = file_->write(0, head); !written) return written;
    return file_->sync();
}

Origin SpoolWriter::origin() const {
    return options_.has_runs ? lineage_.origin() : Origin{id(), id()};
}

// Creates the last segment again. REQUIRES: the last segment holds no records.
Result<void> SpoolWriter::replace_empty() {
    const std::string name = segment_name(segments_.back().first_record);
    if (auto removed = files_.remove(path(name)); !removed) return removed;
    grow(-static_cast<int64_t>(segments_.back().bytes));
    segments_.pop_back();
    return begin_segment();
}

Result<void> SpoolWriter::open_checkpoint() {
    auto file = open_or_create(path(checkpoint_name));
    if (!file) return std::unexpected(file.error());
    checkpoint_file_ = std::move(*file);
    // Overwrite both slots, because they may belong to another spool.
    if (auto written = write_both_checkpoints(); !written) return written;
    return files_.sync_directory(options_.directory);
}

// Writes both slots of the checkpoint. If only one slot had the new `begin`, a later torn write
// could leave only the other slot with an older `begin`. Dropped records would then count as
// missing. The first slot is durable before the second is written, so a power cut damages at most
// one of them.
Result<void> SpoolWriter::write_both_checkpoints() {
    for (int slot = 0; slot < 2; ++slot) {
        if (auto written = write_checkpoint(); !written) return written;
        if (!options_.sync) continue;
        if (auto synced = checkpoint_file_->sync(); !synced) return synced;
    }
    return {};
}

Result<void> SpoolWriter::write_checkpoint() {
    checkpoint_.end = end_.own();
    const CheckpointSlot slot = encode_checkpoint(checkpoint_);
    checkpoint_slot_ = !checkpoint_slot_;
    return checkpoint_file_->write(checkpoint_slot_ ? 0 : checkpoint_slot_bytes, slot);
}

// Writes the head of the new segment into the file `recycled`, and then renames this file to the
// name of the segment. So a segment always has its head, and the caller can try again after a
// failure. Head and name are durable before the first record is written.
Result<void> SpoolWriter::begin_segment() {
    const std::string recycled = path(recycled_name);
    const Origin origin = this->origin();
    auto file = open_or_create(recycled);
    if (!file) return std::unexpected(file.error());
    if (auto written = (*file)->write(0, encode_segment_head(id(), next_, origin)); !written)
        return written;
    if (options_.sync)
        if (auto synced = (*file)->sync(); !synced) return synced;
    if (auto renamed = files_.rename(recycled, path(segment_name(next_))); !renamed) return renamed;
    if (options_.sync)
        if (auto synced = files_.sync_directory(options_.directory); !synced) return synced;
    file_ = std::move(*file);
    run_begins_ = false;
    segments_.push_back({next_, segment_head_bytes, clock_.wall_us(), origin});
    written_to_ = recycled_bytes_;
    grow(static_cast<int64_t>(segment_head_bytes) - static_cast<int64_t>(recycled_bytes_));
    recycled_bytes_ = 0;
    return {};
}

Result<std::unique_ptr<File>> SpoolWriter::open_or_create(const std::string& name) {
    auto file = files_.open(name, Files::Open::existing);
    if (!file && file.error().os_errno == ENOENT) return files_.open(name, Files::Open::create);
    return file;
}

Result<void> SpoolWriter::append(const Columns& rows, std::span<const std::byte> before) {
    std::array<iovec, Columns::pieces_max + 3> pieces;
    std::array<iovec, Columns::pieces_max> payload;
    const size_t payload_pieces = rows.pieces(payload);
    size_t payload_bytes = before.size();
    for (size_t i = 0; i < payload_pieces; ++i) payload_bytes += payload[i].iov_len;
    const uint64_t bytes = record_bytes(payload_bytes);

    const SpoolSegment& last = segments_.back();
    const bool rolls = run_begins_ || (last.bytes + bytes > options_.segment_size &&
                                       last.bytes > segment_head_bytes);
    const uint64_t growth = bytes + (rolls ? segment_head_bytes : 0);
    full_ = bytes_ + growth > options_.size_max;
    if (full_) return fail(Code::disk_full);
    if (rolls) {
        auto begun = roll();
        full_ = is_full(begun);
        if (!begun) return begun;
    }

    uint32_t running = checksum_add(payload_checksum_start(id()), before);
    size_t used = 1;
    if (!before.empty()) pieces[used++] = {const_cast<std::byte*>(before.data()), before.size()};
    for (size_t i = 0; i < payload_pieces; ++i) {
        running = checksum_add(
            running, {static_cast<const std::byte*>(payload[i].iov_base), payload[i].iov_len});
        pieces[used++] = payload[i];
    }
    auto head = encode_record_head({.number = next_,
                                    .synced = end_.own(),
                                    .written_us = clock_.wall_us(),
                                    .payload_bytes = static_cast<uint32_t>(payload_bytes),
                                    .rows = static_cast<uint32_t>(rows.rows()),
                                    .payload_checksum = checksum_end(running)},
                                   id());
    pieces[0] = {head.data(), head.size()};
    const size_t pad = bytes - head.size() - payload_bytes;
    if (pad > 0) pieces[used++] = {const_cast<std::byte*>(zeros.data()), pad};

    if (auto ahead = write_zeros_ahead(bytes); !ahead) return ahead;
    auto written = file_->write(segments_.back().bytes, std::span(pieces).first(used));
    full_ = is_full(written);
    if (!written) return written;
    segments_.back().bytes += bytes;
    grow(static_cast<int64_t>(bytes));
    ++next_;
    shard_.add(Metric::spool_records_total);
    shard_.add(Metric::spool_written_bytes_total, static_cast<int64_t>(bytes));
    written_bytes_.add(bytes);
    return {};
}

// Writes zeros after a record of `bytes` bytes that is about to be appended, so that later records
// have blocks to overwrite. Writes no zeros after a large record. Never writes more zeros than the
// segment has bytes, so that a small spool stays small.
Result<void> SpoolWriter::write_zeros_ahead(uint64_t bytes) {
    const uint64_t begin = segments_.back().bytes + bytes;
    const uint64_t most = std::min<uint64_t>(ahead_bytes_max, segments_.back().bytes);
    const uint64_t end = std::min(begin + most, options_.segment_size);
    if (begin <= written_to_ || begin >= end || bytes > most / ahead_records_min) return {};
    std::array<iovec, ahead_bytes_max / zeros.size()> pieces;
    size_t used = 0;
    for (uint64_t at = begin; at < end; at += zeros.size())
        pieces[used++] = {const_cast<std::byte*>(zeros.data()),
                          std::min<size_t>(zeros.size(), end - at)};
    const auto written = file_->write(begin, std::span(pieces).first(used));
    if (is_full(written)) return {};  // The record itself may still fit.
    if (written) written_to_ = end;
    return written;
}

Result<void> SpoolWriter::roll() {
    if (next_ == segments_.back().first_record) return {};
    // Later syncs cover only the new segment, so sync the current segment first.
    if (auto synced = sync(); !synced) return synced;
    if (auto named = check_names(); !named) return named;
    return begin_segment();
}

Result<void> SpoolWriter::check_names() {
    names_checked_us_ = clock_.steady_us();
    if (auto same = check_name(options_.directory, *lock_); !same) return same;
    if (auto same = check_name(path(segment_name(segments_.back().first_record)), *file_); !same)
        return same;
    return check_name(path(checkpoint_name), *checkpoint_file_);
}

Result<void> SpoolWriter::check_names_if_due() {
    if (clock_.steady_us() - names_checked_us_ < names_interval.count()) return {};
    return check_names();
}

// Fails with file_replaced if the path no longer refers to the open file or directory.
Result<void> SpoolWriter::check_name(const std::string& path, File& open) const {
    const auto named = files_.status(path);
    if (!named && named.error().os_errno == ENOENT)
        return no_longer_in_place(path, "removed or moved");
    if (!named) return std::unexpected(in_context(path, named.error()));
    const auto opened = open.status();
    if (!opened) return std::unexpected(in_context(path, opened.error()));
    if (named->identity == opened->identity) return {};
    return no_longer_in_place(path, "replaced by another");
}

Result<void> SpoolWriter::sync() {
    if (end_.own() == next_) return {};
    if (options_.sync) {
        const int64_t begun = clock_.steady_us();
        shard_.set(Metric::spool_sync_start_seconds, begun / 1'000'000);
        sync_began_us_.set(begun);
        if (auto synced = file_->sync(); !synced) return synced;
        shard_.set(Metric::spool_sync_start_seconds, 0);
        sync_began_us_.set(0);
        shard_.observe(Metric::spool_sync_seconds, clock_.steady_us() - begun);
        shard_.add(Metric::spool_syncs_total);
    }
    const auto status = file_->status();
    if (!status) return std::unexpected(status.error());
    if (status->links == 0)
        return no_longer_in_place(path(segment_name(segments_.back().first_record)), "removed");
    if (auto named = check_names_if_due(); !named) return named;
    end_.advance(next_);
    // The checkpoint is not synced, since no acknowledgement depends on it.
    const auto written = write_checkpoint();
    return written || written.error().action() == Action::retry ? Result<void>() : written;
}

Result<void> SpoolWriter::drop(uint64_t stored, uint64_t settled) {
    if (auto named = check_names_if_due(); !named) return named;
    // now_us is the end of the duplicate window. All records that a sink still lacks were written
    // at this time or later.
    int64_t now_us = clock_.wall_us();
    const size_t after_stored = segments_to(stored);
    if (stored < next_ && after_stored > 0) now_us = segments_[after_stored - 1].begun_us;
    size_t count = 0;
    for (uint64_t left = bytes_; count < dropped_max && count + 1 < segments_.size(); ++count) {
        const SpoolSegment& next = segments_[count + 1];
        if (next.first_record > stored || kept(next, settled, now_us, left)) break;
        if (count > 0 || recycled_bytes_ > 0) left -= segments_[count].bytes;
    }
    if (count == 0) return {};
    // Write the checkpoint's new `begin` before the segments are deleted. So the records of deleted
    // segments do not count as missing after a crash.
    checkpoint_.begin = segments_[count].first_record;
    if (auto written = write_both_checkpoints(); !written) return written;
    for (; count > 0; --count) {
        const std::string oldest = path(segment_name(segments_.front().first_record));
        const bool keep = recycled_bytes_ == 0;
        auto gone = keep ? files_.rename(oldest, path(recycled_name)) : files_.remove(oldest);
        if (!gone) return gone;
        if (keep) {
            recycled_bytes_ = segments_.front().bytes;
        } else {
            grow(-static_cast<int64_t>(segments_.front().bytes));
        }
        segments_.pop_front();
    }
    if (!options_.sync) return {};
    return files_.sync_directory(options_.directory);
}

Result<void> SpoolWriter::drop(uint64_t stored) {
    for (size_t before = 0; before != segments_.size();) {
        before = segments_.size();
        if (auto dropped = drop(stored, stored); !dropped) return dropped;
    }
    return {};
}

// Returns true if the segment before `next` is kept although every sink has stored it. After the
// clock was set back, a segment can have a time in the far future. Such a segment is not kept,
// because no later record can be a duplicate of its records.
bool SpoolWriter::kept(const SpoolSegment& next, uint64_t settled, int64_t now_us,
                       uint64_t bytes) const {
    if (full_ || bytes > options_.size_max / 2) return false;
    return next.first_record > settled ||
           std::chrono::abs(std::chrono::microseconds(now_us - next.begun_us)) < options_.kept_for;
}

// Returns the number of segments whose first record is `record` or an earlier record.
size_t SpoolWriter::segments_to(uint64_t record) const {
    const auto after = std::ranges::upper_bound(segments_, record, {}, &SpoolSegment::first_record);
    return static_cast<size_t>(after - segments_.begin());
}

uint64_t SpoolWriter::bytes_from(uint64_t number) const {
    uint64_t bytes = 0;
    for (size_t i = std::max<size_t>(segments_to(number), 1) - 1; i < segments_.size(); ++i) {
        const uint64_t first = segments_[i].first_record;
        const uint64_t after = i + 1 < segments_.size() ? segments_[i + 1].first_record : next_;
        if (after <= number || after == first) continue;
        const uint64_t wanted = after - std::max(first, number);
        bytes += (segments_[i].bytes - segment_head_bytes) / (after - first) * wanted;
    }
    return bytes;
}

void SpoolWriter::grow(int64_t bytes) {
    bytes_ += static_cast<uint64_t>(bytes);
    shard_.set(Metric::spool_size_bytes, static_cast<int64_t>(bytes_));
}

}  // namespace rollcall
