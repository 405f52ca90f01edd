#include "pipeline/spool_writer.h"

#include <algorithm>
#include <array>
#include <random>

#include "pipeline/checksum.h"
#include "pipeline/log.h"
#include "pipeline/spool_reader.h"

namespace rollcall {

namespace {

constexpr std::string_view spare_name = "spare";
constexpr std::array<std::byte, 8> padding{};

// RFC 9562, section 5.4: version 4, random.
SpoolId new_spool_id() {
    std::random_device random;
    SpoolId id;
    for (auto& byte : id) byte = static_cast<std::byte>(random());
    id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x40};
    id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
    return id;
}

}  // namespace

SpoolWriter::SpoolWriter(Files& files, const Clock& clock, Slab& slab, Options options)
    : files_(files), clock_(clock), slab_(slab), options_(std::move(options)) {
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
    if (!segments_.empty())
        if (auto recovered = recover_last(); !recovered) return recovered;
    if (segments_.empty()) {
        id_ = new_spool_id();
        if (auto begun = begin_segment(); !begun) return begun;
    }
    end_.advance(next_);
    return {};
}

Result<void> SpoolWriter::find_segments() {
    const auto names = files_.list(options_.directory);
    if (!names) return std::unexpected(names.error());
    for (const auto& name : *names) {
        const auto first = segment_first_record(name);
        if (!first && name != spare_name) continue;
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
    const std::string last = path(segment_name(segments_.back().first_record));
    auto reader = SegmentReader::open(files_, last);
    const bool whole_head = reader && reader->head().first_record == segments_.back().first_record;
    if (!whole_head) {
        if (!reader && reader.error().code != Code::spool_damaged)
            return std::unexpected(reader.error());
        // A segment's head is synced before its first record is written: this one has none.
        log(LogLevel::warning, "spool: removing {}, which was not finished", last);
        if (auto removed = files_.remove(last); !removed) return removed;
        next_ = segments_.back().first_record;
        grow(-static_cast<int64_t>(segments_.back().bytes));
        segments_.pop_back();
        if (segments_.empty()) return {};
        auto before =
            SegmentReader::open(files_, path(segment_name(segments_.back().first_record)));
        if (!before) return std::unexpected(before.error());
        id_ = before->head().spool;
        return begin_segment();
    }
    id_ = reader->head().spool;
    next_ = segments_.back().first_record;
    for (;;) {
        const auto record = reader->peek(next_);
        if (!record) return std::unexpected(record.error());
        if (!*record) break;
        reader->advance();
        ++next_;
    }
    auto file = files_.open(last, Files::Open::existing);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    // What lies behind may be the torn last write, or the former life of the file. Cutting it
    // makes sure that it is never taken for a record to come.
    const uint64_t torn =
        segments_.back().bytes - std::min(segments_.back().bytes, reader->offset());
    if (torn > 0) {
        slab_.add(Metric::spool_torn_bytes_total, static_cast<int64_t>(torn));
        if (auto cut = file_->truncate(reader->offset()); !cut) return cut;
        if (auto synced = file_->sync(); !synced) return synced;
    }
    grow(static_cast<int64_t>(reader->offset()) - static_cast<int64_t>(segments_.back().bytes));
    segments_.back().bytes = reader->offset();
    log(LogLevel::info, "spool: {} records from {} on, {} bytes cut behind the last",
        next_ - segments_.front().first_record, segments_.front().first_record, torn);
    return {};
}

Result<void> SpoolWriter::begin_at_least(uint64_t number) {
    if (number <= next_) return {};
    log(LogLevel::warning, "spool: a sink has stored up to record {}, numbering goes on there",
        number);
    next_ = number;
    if (auto begun = begin_segment(); !begun) return begun;
    end_.advance(next_);
    return {};
}

// Head and name are durable before the first record is written: what recover_last() relies on.
Result<void> SpoolWriter::begin_segment() {
    const std::string name = path(segment_name(next_));
    const bool recycled = spare_bytes_ > 0;
    if (recycled) {
        if (auto renamed = files_.rename(path(spare_name), name); !renamed) return renamed;
    }
    auto file = files_.open(name, recycled ? Files::Open::existing : Files::Open::create);
    if (!file) return std::unexpected(file.error());
    SegmentHeadBytes head = encode_segment_head(id_, next_);
    const iovec piece{head.data(), head.size()};
    if (auto written = (*file)->write(0, {&piece, 1}); !written) {
        (void)files_.remove(name);
        grow(-static_cast<int64_t>(spare_bytes_));
        spare_bytes_ = 0;
        return written;
    }
    if (options_.sync) {
        if (auto synced = (*file)->sync(); !synced) return synced;
        if (auto synced = files_.sync_directory(options_.directory); !synced) return synced;
    }
    file_ = std::move(*file);
    segments_.push_back({next_, segment_head_bytes, clock_.wall_us()});
    grow(static_cast<int64_t>(segment_head_bytes) - static_cast<int64_t>(spare_bytes_));
    spare_bytes_ = 0;
    return {};
}

Result<void> SpoolWriter::append(const Columns& rows) {
    std::array<iovec, Columns::pieces_max + 2> pieces;
    std::array<iovec, Columns::pieces_max> payload;
    const size_t payload_pieces = rows.pieces(payload);
    size_t payload_bytes = 0;
    for (size_t i = 0; i < payload_pieces; ++i) payload_bytes += payload[i].iov_len;
    const uint64_t bytes = record_bytes(payload_bytes);

    const Segment& last = segments_.back();
    const bool rolls =
        last.bytes + bytes > options_.segment_size && last.bytes > segment_head_bytes;
    const uint64_t growth = bytes + (rolls ? segment_head_bytes : 0);
    full_ = bytes_ + growth > options_.size_max;
    if (full_) return fail(Code::disk_full);
    if (rolls) {
        // Later syncs reach only the next segment: what this one holds is synced before.
        if (auto synced = sync(); !synced) return synced;
        auto begun = begin_segment();
        full_ = !begun;
        if (!begun) return begun;
    }

    RecordHead head{record_magic,
                    0,
                    next_,
                    clock_.wall_us(),
                    static_cast<uint32_t>(payload_bytes),
                    static_cast<uint32_t>(rows.rows())};
    uint32_t running = checksum_add(
        checksum_start, std::as_bytes(std::span(&head, 1)).subspan(record_checked_from));
    pieces[0] = {&head, sizeof head};
    size_t used = 1;
    for (size_t i = 0; i < payload_pieces; ++i) {
        running = checksum_add(
            running, {static_cast<const std::byte*>(payload[i].iov_base), payload[i].iov_len});
        pieces[used++] = payload[i];
    }
    head.checksum = checksum_end(running);
    const size_t pad = bytes - sizeof head - payload_bytes;
    if (pad > 0) pieces[used++] = {const_cast<std::byte*>(padding.data()), pad};

    auto written = file_->write(segments_.back().bytes, std::span(pieces).first(used));
    full_ = !written;
    if (!written) return written;
    segments_.back().bytes += bytes;
    grow(static_cast<int64_t>(bytes));
    ++next_;
    slab_.add(Metric::spool_records_total);
    slab_.add(Metric::spool_written_bytes_total, static_cast<int64_t>(bytes));
    return {};
}

Result<void> SpoolWriter::sync() {
    if (end_.own() == next_) return {};
    if (options_.sync) {
        const int64_t begun = clock_.steady_us();
        if (auto synced = file_->sync(); !synced) return synced;
        slab_.observe(Metric::spool_sync_seconds, clock_.steady_us() - begun);
        slab_.add(Metric::spool_syncs_total);
    }
    end_.advance(next_);
    return {};
}

Result<void> SpoolWriter::drop(uint64_t number) {
    const size_t before = segments_.size();
    // The time of what the sinks will ask about next: later than this at least.
    int64_t now_us = clock_.wall_us();
    if (number < next_)
        for (const auto& segment : segments_)
            if (segment.first_record <= number) now_us = segment.begun_us;
    while (segments_.size() > 1 && segments_[1].first_record <= number &&
           !kept(segments_[1].begun_us, now_us)) {
        const std::string oldest = path(segment_name(segments_.front().first_record));
        const bool keep = spare_bytes_ == 0;
        auto gone = keep ? files_.rename(oldest, path(spare_name)) : files_.remove(oldest);
        if (!gone) return gone;
        if (keep) {
            spare_bytes_ = segments_.front().bytes;
        } else {
            grow(-static_cast<int64_t>(segments_.front().bytes));
        }
        segments_.pop_front();
    }
    if (segments_.size() == before || !options_.sync) return {};
    return files_.sync_directory(options_.directory);
}

// After a jump of the clock a segment may be from the future, which nothing to come can repeat.
bool SpoolWriter::kept(int64_t written_before_us, int64_t now_us) const {
    if (full_ || bytes_ > options_.size_max / 2) return false;
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
    slab_.set(Metric::spool_size_bytes, static_cast<int64_t>(bytes_));
}

}  // namespace rollcall
