#include "pipeline/spool/writer.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

#include "pipeline/base/checksum.h"
#include "pipeline/base/log.h"

namespace rollcall {

namespace {

constexpr size_t copy_bytes = 256 * 1024;
constexpr std::array<std::byte, 16 * 1024> zeros{};
// More would hold up the sync that comes next; less would help fewer.
constexpr size_t ahead_bytes_max = 256 * 1024;
constexpr size_t ahead_records_min = 16;

// RFC 9562, section 5.4: version 4, random.
SpoolId new_spool_id() {
    std::random_device random;
    SpoolId id;
    for (auto& byte : id) byte = static_cast<std::byte>(random());
    id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x40};
    id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
    return id;
}

bool is_full(const Result<void>& done) { return !done && done.error().code == Code::disk_full; }

}  // namespace

SpoolWriter::SpoolWriter(Files& files, const Clock& clock, MetricShard& shard, Options options)
    : files_(files), clock_(clock), shard_(shard), options_(std::move(options)) {
    // Else a spool could be full of one segment that is still written and cannot be dropped.
    options_.segment_size = std::min(options_.segment_size, options_.size_max / 4);
}

std::string SpoolWriter::path(std::string_view name) const {
    return options_.directory + "/" + std::string(name);
}

Result<void> SpoolWriter::open() {
    if (auto made = files_.make_directories(options_.directory); !made) return made;
    auto lock = files_.lock(path("lock"));
    if (!lock) return std::unexpected(lock.error());
    lock_ = std::move(*lock);
    if (auto found = find_segments(); !found) return found;
    if (auto found = find_identity(); !found) return found;
    if (segments_.empty()) {
        next_ = checkpoint_.end;
        if (auto begun = begin_segment(); !begun) return begun;
    } else if (auto recovered = recover_last(); !recovered) {
        return recovered;
    }
    end_.advance(next_);
    return open_checkpoint();
}

// The id is in every segment and in the checkpoint; the last that can be read counts.
Result<void> SpoolWriter::find_identity() {
    const auto checkpoint = read_checkpoint(files_, options_.directory);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    bool known = false;
    for (auto it = segments_.rbegin(); it != segments_.rend() && !known; ++it) {
        const auto reader = SegmentReader::open(files_, options_.directory, it->first_record);
        known = reader.has_value();
        if (known)
            id_ = reader->head().spool;
        else if (reader.error().code != Code::spool_damaged)
            return std::unexpected(reader.error());
    }
    if (!known) id_ = *checkpoint ? (*checkpoint)->spool : new_spool_id();
    const bool ours = *checkpoint && (*checkpoint)->spool == id_;
    const uint64_t begin = segments_.empty() ? 0 : segments_.front().first_record;
    checkpoint_ = ours ? **checkpoint : Checkpoint{id_, begin, 0};
    return {};
}

Result<void> SpoolWriter::find_segments() {
    const auto names = files_.list(options_.directory);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names) {
        const auto first = segment_first_record(name);
        if (!first && name != recycled_name) continue;
        auto file = files_.open(path(name), Files::Open::existing_read_only);
        if (!file) return std::unexpected(file.error());
        const auto bytes = (*file)->size();
        if (!bytes) return std::unexpected(bytes.error());
        if (first) {
            const auto begun_us = first_written_us(**file, *first);
            if (!begun_us) return std::unexpected(begun_us.error());
            segments_.push_back({*first, *bytes, begun_us->value_or(clock_.wall_us())});
        } else {
            spare_bytes_ = *bytes;
        }
        grow(static_cast<int64_t>(*bytes));
    }
    return {};
}

Result<void> SpoolWriter::recover_last() {
    const uint64_t first = segments_.back().first_record;
    auto reader = SegmentReader::open(files_, options_.directory, first);
    if (!reader && reader.error().code != Code::spool_damaged)
        return std::unexpected(reader.error());
    if (!reader || reader->head().spool != id_) return replace_last();

    const auto tail = find_tail(*reader);
    if (!tail) return std::unexpected(tail.error());
    auto file = files_.open(path(segment_name(first)), Files::Open::existing);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    next_ = tail->next;
    if (auto written = write_again(tail->unsynced, tail->bytes); !written) return written;
    const uint64_t size = segments_.back().bytes;
    const uint64_t torn = tail->continues ? size - std::min(size, tail->bytes) : 0;
    // That of dead letters is opened again and again.
    log(torn > 0 ? LogLevel::info : LogLevel::debug,
        "{}: records {} to {}, {} bytes cut behind the last", options_.directory,
        segments_.front().first_record, next_, torn);
    if (tail->continues) {
        // What lies behind may be the torn last write, or the former life of the file. Cutting it
        // makes sure that it is never taken for a record to come.
        if (torn > 0) {
            shard_.add(Metric::spool_torn_bytes_total, static_cast<int64_t>(torn));
            if (auto cut = file_->truncate(tail->bytes); !cut) return cut;
        }
        grow(static_cast<int64_t>(tail->bytes) - static_cast<int64_t>(size));
        segments_.back().bytes = tail->bytes;
        written_to_ = tail->bytes;
    }
    if (auto synced = file_->sync(); !synced) return synced;
    if (tail->continues && reader->head().of_today()) return {};
    if (next_ > first) return begin_segment();
    if (auto removed = files_.remove(path(segment_name(first))); !removed) return removed;
    grow(-static_cast<int64_t>(segments_.back().bytes));
    segments_.pop_back();
    return begin_segment();
}

Result<SpoolWriter::Tail> SpoolWriter::find_tail(SegmentReader& reader) const {
    struct Place {
        uint64_t number;
        uint64_t offset;
    };
    struct Gap {
        Place begin;
        uint64_t end;  // The number that was found next.
    };
    std::vector<Place> whole;
    std::vector<Gap> gaps;
    uint64_t known = std::max(checkpoint_.end, reader.head().first_record);
    Place at{reader.head().first_record, reader.offset()};
    for (;; at.offset = reader.offset()) {
        const auto record = reader.peek(at.number);
        if (!record) return std::unexpected(record.error());
        if (*record) {
            known = std::max(known, (*record)->synced);
            whole.push_back(at);
            reader.advance();
            ++at.number;
            continue;
        }
        const auto skipped = reader.skip(at.number);
        if (!skipped) return std::unexpected(skipped.error());
        if (*skipped) {
            gaps.push_back({at, at.number + 1});
            ++at.number;
            continue;
        }
        const auto found = reader.find(at.number, UINT64_MAX);
        if (!found) return std::unexpected(found.error());
        if (!*found) break;
        gaps.push_back({at, **found});
        at.number = **found;
    }
    gaps.push_back({at, UINT64_MAX});
    // There is one that ends behind what is known: it, and all behind it, was not acknowledged.
    const auto cut = std::ranges::find_if(gaps, [&](const Gap& gap) { return gap.end > known; });
    Tail tail{known, std::max(cut->begin.number, known), cut->begin.offset, cut->begin.offset,
              cut->begin.number >= known};
    for (const Place& place : whole)
        if (place.number >= known) tail.unsynced = std::min(tail.unsynced, place.offset);
    // If no record of it was durable, its head may not be either.
    if (known == reader.head().first_record) tail.unsynced = 0;
    return tail;
}

// So that the next sync covers it, whatever became of the last one.
Result<void> SpoolWriter::write_again(uint64_t from, uint64_t to) {
    std::vector<std::byte> bytes(std::min<uint64_t>(copy_bytes, to - from));
    while (from < to) {
        const auto part = std::span(bytes).first(std::min<uint64_t>(bytes.size(), to - from));
        const auto got = file_->read(from, part);
        if (!got) return std::unexpected(got.error());
        if (*got == 0) break;  // The padding of the last record may not be there.
        if (auto written = file_->write(from, part.first(*got)); !written) return written;
        from += *got;
    }
    return {};
}

// The head of the last segment is not there. If neither the checkpoint nor a record say that it had
// one, an older version did not finish it.
Result<void> SpoolWriter::replace_last() {
    const uint64_t first = segments_.back().first_record;
    next_ = std::max(first, checkpoint_.end);
    for (const uint32_t format : {1U, segment_format}) {
        auto reader = SegmentReader::open_headless(files_, options_.directory, first, format, id_);
        if (!reader) return std::unexpected(reader.error());
        for (;;) {
            const auto found = reader->find(next_, UINT64_MAX);
            if (!found) return std::unexpected(found.error());
            if (!*found) break;
            next_ = **found + 1;
        }
    }
    if (next_ > first) {
        log(LogLevel::error, "spool: the head of {} is damaged", segment_name(first));
        return begin_segment();
    }
    log(LogLevel::warning, "spool: removing {}, which was not finished", segment_name(first));
    if (auto removed = files_.remove(path(segment_name(first))); !removed) return removed;
    grow(-static_cast<int64_t>(segments_.back().bytes));
    segments_.pop_back();
    return begin_segment();
}

Result<void> SpoolWriter::open_checkpoint() {
    auto file = open_or_create(path(checkpoint_name));
    if (!file) return std::unexpected(file.error());
    checkpoint_file_ = std::move(*file);
    // Both slots: they may be of another spool.
    for (int slot = 0; slot < 2; ++slot) {
        if (auto written = write_checkpoint(); !written) return written;
        if (auto synced = checkpoint_file_->sync(); !synced) return synced;
    }
    return files_.sync_directory(options_.directory);
}

Result<void> SpoolWriter::write_checkpoint() {
    checkpoint_.end = end_.own();
    const CheckpointSlot slot = encode_checkpoint(checkpoint_);
    checkpoint_slot_ = !checkpoint_slot_;
    return checkpoint_file_->write(checkpoint_slot_ ? 0 : checkpoint_slot_bytes, slot);
}

Result<void> SpoolWriter::begin_at_least(uint64_t number) {
    if (number <= next_) return {};
    log(LogLevel::warning, "spool: a sink has stored up to record {}, numbering goes on there",
        number);
    next_ = number;
    if (auto begun = begin_segment(); !begun) return begun;
    end_.advance(next_);
    return write_checkpoint();
}

// Made as `recycled`, so that a segment has its head whenever it has its name, and what fails here
// may be tried again. Both are durable before the first record is written.
Result<void> SpoolWriter::begin_segment() {
    const std::string recycled = path(recycled_name);
    auto file = open_or_create(recycled);
    if (!file) return std::unexpected(file.error());
    if (auto written = (*file)->write(0, encode_segment_head(id_, next_)); !written) return written;
    if (options_.sync)
        if (auto synced = (*file)->sync(); !synced) return synced;
    if (auto renamed = files_.rename(recycled, path(segment_name(next_))); !renamed) return renamed;
    if (options_.sync)
        if (auto synced = files_.sync_directory(options_.directory); !synced) return synced;
    file_ = std::move(*file);
    segments_.push_back({next_, segment_head_bytes, clock_.wall_us()});
    written_to_ = spare_bytes_;
    grow(static_cast<int64_t>(segment_head_bytes) - static_cast<int64_t>(spare_bytes_));
    spare_bytes_ = 0;
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
    const RecordFormat format(segment_format, id_);
    const uint64_t bytes = format.bytes(payload_bytes);

    const Segment& last = segments_.back();
    const bool rolls =
        last.bytes + bytes > options_.segment_size && last.bytes > segment_head_bytes;
    const uint64_t growth = bytes + (rolls ? segment_head_bytes : 0);
    full_ = bytes_ + growth > options_.size_max;
    if (full_) return fail(Code::disk_full);
    if (rolls) {
        auto begun = roll();
        full_ = is_full(begun);
        if (!begun) return begun;
    }

    uint32_t running = checksum_add(format.checksum_start(), before);
    size_t used = 1;
    if (!before.empty()) pieces[used++] = {const_cast<std::byte*>(before.data()), before.size()};
    for (size_t i = 0; i < payload_pieces; ++i) {
        running = checksum_add(
            running, {static_cast<const std::byte*>(payload[i].iov_base), payload[i].iov_len});
        pieces[used++] = payload[i];
    }
    auto head =
        format.encode({next_, end_.own(), clock_.wall_us(), static_cast<uint32_t>(payload_bytes),
                       static_cast<uint32_t>(rows.rows()), checksum_end(running)});
    pieces[0] = {head.data(), head.size()};
    const size_t pad = bytes - head.size() - payload_bytes;
    if (pad > 0) pieces[used++] = {const_cast<std::byte*>(zeros.data()), pad};

    if (auto ahead = write_ahead(bytes); !ahead) return ahead;
    auto written = file_->write(segments_.back().bytes, std::span(pieces).first(used));
    full_ = is_full(written);
    if (!written) return written;
    segments_.back().bytes += bytes;
    grow(static_cast<int64_t>(bytes));
    ++next_;
    shard_.add(Metric::spool_records_total);
    shard_.add(Metric::spool_written_bytes_total, static_cast<int64_t>(bytes));
    return {};
}

// For a record of so many bytes and those that follow it, if there is room for many: a large one
// pays for the growth of its file itself. A small spool stays small.
Result<void> SpoolWriter::write_ahead(uint64_t bytes) {
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
    if (is_full(written)) return {};  // Is there room for the record? It will be seen.
    if (written) written_to_ = end;
    return written;
}

Result<void> SpoolWriter::roll() {
    if (next_ == segments_.back().first_record) return {};
    // Later syncs reach only the next segment: what this one holds is synced before.
    if (auto synced = sync(); !synced) return synced;
    return begin_segment();
}

Result<void> SpoolWriter::sync() {
    if (end_.own() == next_) return {};
    if (options_.sync) {
        const int64_t begun = clock_.steady_us();
        shard_.set(Metric::spool_sync_start_seconds, begun / 1'000'000);
        if (auto synced = file_->sync(); !synced) return synced;
        shard_.set(Metric::spool_sync_start_seconds, 0);
        shard_.observe(Metric::spool_sync_seconds, clock_.steady_us() - begun);
        shard_.add(Metric::spool_syncs_total);
    }
    end_.advance(next_);
    // Not synced: what is acknowledged does not depend on it.
    const auto written = write_checkpoint();
    return written || written.error().action() == Action::retry ? Result<void>() : written;
}

Result<void> SpoolWriter::drop(uint64_t number) {
    // The time of what the sinks will ask about next: later than this at least.
    int64_t now_us = clock_.wall_us();
    if (number < next_)
        for (const auto& segment : segments_)
            if (segment.first_record <= number) now_us = segment.begun_us;
    size_t stored = 0;
    for (uint64_t left = bytes_; stored + 1 < segments_.size(); ++stored) {
        const Segment& next = segments_[stored + 1];
        if (next.first_record > number || kept(next.begun_us, now_us, left)) break;
        if (stored > 0 || spare_bytes_ > 0) left -= segments_[stored].bytes;
    }
    if (stored == 0) return {};
    // Said before it is done: what is not there is then not missed.
    checkpoint_.begin = segments_[stored].first_record;
    if (auto written = write_checkpoint(); !written) return written;
    if (options_.sync)
        if (auto synced = checkpoint_file_->sync(); !synced) return synced;
    for (; stored > 0; --stored) {
        const std::string oldest = path(segment_name(segments_.front().first_record));
        const bool keep = spare_bytes_ == 0;
        auto gone = keep ? files_.rename(oldest, path(recycled_name)) : files_.remove(oldest);
        if (!gone) return gone;
        if (keep) {
            spare_bytes_ = segments_.front().bytes;
        } else {
            grow(-static_cast<int64_t>(segments_.front().bytes));
        }
        segments_.pop_front();
    }
    if (!options_.sync) return {};
    return files_.sync_directory(options_.directory);
}

// After a jump of the clock a segment may be from the future, which nothing to come can repeat.
bool SpoolWriter::kept(int64_t written_before_us, int64_t now_us, uint64_t bytes) const {
    if (full_ || bytes > options_.size_max / 2) return false;
    return std::chrono::abs(std::chrono::microseconds(now_us - written_before_us)) <
           options_.kept_for;
}

uint64_t SpoolWriter::bytes_from(uint64_t number) const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < segments_.size(); ++i) {
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
