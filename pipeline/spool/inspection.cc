#include "pipeline/spool/inspection.h"

#include <algorithm>
#include <cerrno>

#include "pipeline/spool/reader.h"

namespace rollcall {

namespace {

class SegmentVerifier {
public:
    SegmentVerifier(Files& files, const std::string& directory, SegmentReport& segment)
        : files_(files), directory_(directory), segment_(segment) {}

    Result<void> verify() {
        const uint64_t end = segment_.end_record;
        auto reader = SegmentReader::open(files_, directory_, segment_.first_record);
        if (!reader && reader.error().code != Code::spool_damaged)
            return std::unexpected(reader.error());
        uint64_t number = segment_.first_record;
        if (!reader) {
            add_damage(number, end);
            return {};
        }
        while (number < end) {
            const auto record = reader->peek(number);
            if (!record) return std::unexpected(record.error());
            if (*record) {
                if (!is_sound(**record)) add_damage(number, number + 1);
                reader->advance();
                ++number;
                continue;
            }
            const auto skipped = reader->skip(number);
            if (!skipped) return std::unexpected(skipped.error());
            uint64_t next = number + 1;
            if (!*skipped) {
                const auto found = reader->find(number, end);
                if (!found) return std::unexpected(found.error());
                next = found->value_or(end);
            }
            add_damage(number, next);
            number = next;
        }
        return {};
    }

private:
    bool is_sound(const Record& record) {
        rows_.clear();
        const auto fits = rows_.append_record(record.payload, record.columns_at);
        if (!fits) return false;
        if (!*fits) {
            auto alone = columns_of(record);
            if (!alone) return false;
            rows_ = std::move(*alone);
        }
        segment_.rows += rows_.rows();
        return true;
    }

    void add_damage(uint64_t first, uint64_t end) {
        if (first == end) return;
        auto& all = segment_.damage;
        if (!all.empty() && all.back().end == first)
            all.back().end = end;
        else
            all.push_back({first, end});
    }

    Files& files_;
    const std::string& directory_;
    SegmentReport& segment_;
    Columns rows_{1024, size_t{1} << 20};
};

std::unexpected<Error> read_only() { return fail(Code::disk_failed, EROFS); }

}  // namespace

uint64_t SpoolReport::damaged_records() const {
    uint64_t count = 0;
    for (const auto& segment : segments)
        for (const auto& [first, end_of_range] : segment.damage) count += end_of_range - first;
    return count;
}

Result<std::unique_ptr<File>> ReadOnlyFiles::open(const std::string& path, Open) {
    return Files::open(path, Open::existing_read_only);
}
Result<void> ReadOnlyFiles::make_directories(const std::string&) { return read_only(); }
Result<void> ReadOnlyFiles::rename(const std::string&, const std::string&) { return read_only(); }
Result<void> ReadOnlyFiles::remove(const std::string&) { return read_only(); }

Result<SpoolReport> inspect_spool(Files& files, const std::string& directory, bool deep,
                                  const std::function<void(uint64_t, uint64_t)>& progress) {
    SpoolReport spool;
    const auto checkpoint = read_checkpoint(files, directory);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    const auto names = files.list(directory);
    if (!names) return std::unexpected(names.error());
    uint64_t bytes = 0;
    for (const auto& name : *names) {
        const auto first = segment_first_record(name);
        if (!first) continue;
        const auto file = files.open(directory + "/" + name, Files::Open::existing_read_only);
        if (!file && file.error().os_errno == ENOENT) continue;  // The segment was dropped.
        if (!file) return std::unexpected(file.error());
        const auto size = (*file)->size();
        const auto start = read_start(**file, *first);
        if (!size || !start) return std::unexpected(!size ? size.error() : start.error());
        const auto reader = SegmentReader::open(files, directory, *first);
        if (!reader && reader.error().code == Code::spool_too_new)
            return std::unexpected(reader.error());
        if (reader) spool.id = reader->head().spool;
        spool.segments.push_back({name,
                                  *first,
                                  *first,
                                  *size,
                                  reader ? reader->head().format : 0,
                                  start->begun_us,
                                  0,
                                  {}});
        bytes += *size;
    }
    if (*checkpoint) spool.id = (*checkpoint)->spool;
    spool.begin = *checkpoint ? (*checkpoint)->begin : 0;
    spool.end = *checkpoint ? (*checkpoint)->end : 0;
    if (spool.segments.empty()) return spool;
    if (!*checkpoint) {
        // Without a checkpoint, the segments tell the begin and the end of the spool.
        spool.begin = spool.segments.front().first_record;
        spool.end = spool.segments.back().first_record;
        auto last = SegmentReader::open(files, directory, spool.end);
        while (last && last->skip(spool.end).value_or(false)) ++spool.end;
    }
    uint64_t done = 0;
    for (size_t i = 0; i < spool.segments.size(); ++i) {
        auto& segment = spool.segments[i];
        const bool last = i + 1 == spool.segments.size();
        segment.end_record =
            std::max(segment.first_record,
                     last ? spool.end : std::min(spool.end, spool.segments[i + 1].first_record));
        if (!deep) continue;
        if (auto verified = SegmentVerifier(files, directory, segment).verify(); !verified)
            return std::unexpected(verified.error());
        progress(done += segment.bytes, bytes);
    }
    // The records between the spool's begin and the first segment are missing.
    auto& first = spool.segments.front();
    if (deep && spool.begin < first.first_record)
        first.damage.insert(first.damage.begin(), {spool.begin, first.first_record});
    return spool;
}

}  // namespace rollcall
