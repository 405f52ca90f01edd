#include "pipeline/spool/recovery.h"

#include <algorithm>
#include <vector>

#include "pipeline/spool/lineage.h"

namespace rollcall {

namespace {

constexpr size_t copy_bytes = 256 * 1024;

std::string path_in(const std::string& directory, std::string_view name) {
    return directory + "/" + std::string(name);
}

struct Place {
    uint64_t number;
    uint64_t offset;
};

// Records that are missing between two records that were found.
struct Gap {
    Place begin;
    uint64_t end;  // Number of the next record that was found.
};

struct Scan {
    std::vector<Place> whole;  // Undamaged records.
    std::vector<Gap> gaps;     // The last gap begins after the last record.
    uint64_t durable;          // The records below this number were durable.
};

Result<Scan> scan(SegmentReader& segment, uint64_t durable) {
    Scan found{{}, {}, std::max(durable, segment.head().first_record)};
    Place at{segment.head().first_record, segment.offset()};
    for (;; at.offset = segment.offset()) {
        const auto record = segment.peek(at.number);
        if (!record) return std::unexpected(record.error());
        if (*record) {
            found.durable = std::max(found.durable, (*record)->synced);
            found.whole.push_back(at);
            segment.advance();
            ++at.number;
            continue;
        }
        const auto skipped = segment.skip(at.number);
        if (!skipped) return std::unexpected(skipped.error());
        if (*skipped) {
            found.gaps.push_back({at, at.number + 1});
            ++at.number;
            continue;
        }
        const auto next = segment.find(at.number, UINT64_MAX);
        if (!next) return std::unexpected(next.error());
        if (!*next) break;
        found.gaps.push_back({at, **next});
        at.number = **next;
    }
    found.gaps.push_back({at, UINT64_MAX});
    return found;
}

}  // namespace

Result<SpoolContents> find_contents(Files& files, const std::string& directory, int64_t now_us) {
    const auto names = files.list(directory);
    if (!names) return std::unexpected(names.error());
    SpoolContents contents;
    for (const auto& name : *names) {
        const auto first = segment_first_record(name);
        if (!first && name != recycled_name) continue;
        auto file = files.open(path_in(directory, name), Files::Open::existing_read_only);
        if (!file) return std::unexpected(file.error());
        const auto bytes = (*file)->size();
        if (!bytes) return std::unexpected(bytes.error());
        if (!first) {
            contents.recycled_bytes = *bytes;
            continue;
        }
        const auto start = read_start(**file, *first);
        if (!start) return std::unexpected(start.error());
        contents.segments.push_back(
            {*first, *bytes, start->begun_us.value_or(now_us), start->origin});
    }
    return contents;
}

Result<Checkpoint> find_checkpoint(Files& files, const std::string& directory,
                                   const std::deque<SpoolSegment>& segments) {
    const auto checkpoint = read_checkpoint(files, directory);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    std::optional<SpoolId> id;
    for (auto it = segments.rbegin(); it != segments.rend() && !id; ++it) {
        const auto reader = SegmentReader::open(files, directory, it->first_record);
        if (reader)
            id = reader->head().spool;
        else if (reader.error().code != Code::spool_damaged)
            return std::unexpected(reader.error());
    }
    if (!id) id = *checkpoint ? (*checkpoint)->spool : new_spool_id();
    const bool is_of_this_spool = *checkpoint && (*checkpoint)->spool == *id;
    const uint64_t begin = segments.empty() ? 0 : segments.front().first_record;
    return is_of_this_spool ? **checkpoint : Checkpoint{*id, begin, 0};
}

Result<SpoolTail> find_tail(SegmentReader& segment, uint64_t durable) {
    const auto found = scan(segment, durable);
    if (!found) return std::unexpected(found.error());
    // Find the first gap that ends beyond the durable records. Such a gap always exists, because
    // the last gap has no end. The records after the beginning of this gap were never acknowledged.
    const auto cut =
        std::ranges::find_if(found->gaps, [&](const Gap& gap) { return gap.end > found->durable; });
    SpoolTail tail{.next = std::max(cut->begin.number, found->durable),
                   .bytes = cut->begin.offset,
                   .unsynced = cut->begin.offset,
                   .appendable = cut->begin.number >= found->durable};
    for (const Place& place : found->whole)
        if (place.number >= found->durable) tail.unsynced = std::min(tail.unsynced, place.offset);
    // If none of the segment's records was durable, perhaps its head was not durable either. So the
    // head must be written again as well.
    if (found->durable == segment.head().first_record) tail.unsynced = 0;
    return tail;
}

Result<uint64_t> find_end_without_head(Files& files, const std::string& directory,
                                       uint64_t first_record, uint64_t next, const SpoolId& spool) {
    auto segment = SegmentReader::open_headless(files, directory, first_record, spool);
    if (!segment) return std::unexpected(segment.error());
    for (;;) {
        const auto found = segment->find(next, UINT64_MAX);
        if (!found) return std::unexpected(found.error());
        if (!*found) return next;
        next = **found + 1;
    }
}

Result<void> write_again(File& segment, uint64_t from, uint64_t to) {
    std::vector<std::byte> bytes(std::min<uint64_t>(copy_bytes, to - from));
    while (from < to) {
        const auto part = std::span(bytes).first(std::min<uint64_t>(bytes.size(), to - from));
        const auto got = segment.read(from, part);
        if (!got) return std::unexpected(got.error());
        if (*got == 0) break;  // The padding of the last record is missing.
        if (auto written = segment.write(from, part.first(*got)); !written) return written;
        from += *got;
    }
    return {};
}

}  // namespace rollcall
