#include "pipeline/spool/lost_records.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <optional>
#include <vector>

#include "pipeline/base/log.h"
#include "pipeline/spool/format.h"

namespace rollcall {

namespace {

constexpr size_t block_bytes = 4096;
constexpr size_t copy_bytes = 256 * 1024;
constexpr std::string_view suffix = ".damaged";

// Deliveries that find the same loss at the same moment count it once.
std::mutex one_at_a_time;

struct Range {
    uint64_t first;
    uint64_t end;
};

std::optional<Range> range_of(std::string_view name) {
    Range range{};
    const char* const end = name.data() + name.size();
    const auto [dash, error] = std::from_chars(name.data(), end, range.first);
    if (error != std::errc{} || dash == end || *dash != '-') return {};
    const auto [rest, second] = std::from_chars(dash + 1, end, range.end);
    if (second != std::errc{} || std::string_view(rest, end) != suffix) return {};
    return range;
}

}  // namespace

Result<size_t> read_around_bad_blocks(File& file, uint64_t offset, std::span<std::byte> into) {
    const auto all = file.read(offset, into);
    if (all || all.error().code != Code::disk_failed) return all;
    const auto size = file.size();
    if (!size) return std::unexpected(size.error());
    if (*size <= offset) return 0;
    into = into.first(std::min<uint64_t>(into.size(), *size - offset));
    for (size_t done = 0; done < into.size();) {
        const size_t rest_of_block = block_bytes - (offset + done) % block_bytes;
        const auto block = into.subspan(done, std::min(rest_of_block, into.size() - done));
        const auto got = file.read(offset + done, block);
        if (!got && got.error().code != Code::disk_failed) return got;
        std::ranges::fill(block.subspan(got.value_or(0)), std::byte{0});
        done += block.size();
    }
    return into.size();
}

LostRecords::LostRecords(Files& files, std::string spool_directory, uint64_t quarantine_size_max,
                         MetricShard& shard)
    : files_(files),
      spool_(std::move(spool_directory)),
      quarantine_(fmt::format("{}/{}", spool_, quarantine_name)),
      size_max_(quarantine_size_max),
      shard_(shard) {}

void LostRecords::add(const LostRange& loss) {
    const std::scoped_lock lock(one_at_a_time);
    Known known{loss.end - loss.first, 0};
    if (files_.make_directories(quarantine_)) known = find_known(loss).value_or(known);
    if (known.uncounted == 0) return;
    // If the process ends before the file exists, the next start counts these records again. In the
    // other order, nobody would ever report them.
    records_ += known.uncounted;
    shard_.add(Metric::spool_lost_records_total, static_cast<int64_t>(known.uncounted));
    log(LogLevel::error, "spool: records lost: records={}-{}; {}", loss.first, loss.end - 1,
        loss.segment.empty()
            ? "their segment is missing"
            : fmt::format("they are damaged: segment={} from_byte={}", loss.segment, loss.from));
    const std::string path =
        fmt::format("{}/{:020}-{:020}{}", quarantine_, loss.first, loss.end, suffix);
    const auto kept = quarantine(loss, path, size_max_ - std::min(size_max_, known.bytes));
    if (kept)
        log(LogLevel::notice, "spool: damaged bytes kept for inspection: file={}", path);
    else
        log(LogLevel::warning, "spool: damaged bytes not kept: file={}: {}", path,
            describe(kept.error()));
}

Result<LostRecords::Known> LostRecords::find_known(const LostRange& loss) const {
    const auto names = files_.list(quarantine_);
    if (!names) return std::unexpected(names.error());
    std::vector<Range> ranges;
    Known known{0, 0};
    for (const auto& name : *names) {
        const auto range = range_of(name);
        if (!range) continue;
        ranges.push_back(*range);
        const auto file = files_.open(quarantine_ + "/" + name, Files::Open::existing_read_only);
        if (file) known.bytes += (*file)->size().value_or(0);
    }
    // Names are sorted, so the ranges are sorted by their first record.
    uint64_t from = loss.first;
    for (const auto& [first, end] : ranges) {
        if (end <= from || first >= loss.end) continue;
        if (first > from) known.uncounted += first - from;
        from = std::min(end, loss.end);
    }
    known.uncounted += loss.end - from;
    return known;
}

Result<void> LostRecords::quarantine(const LostRange& loss, const std::string& path,
                                     uint64_t bytes_max) {
    const auto to = files_.open(path, Files::Open::create);
    if (!to) return std::unexpected(to.error());
    std::unique_ptr<File> from;
    if (!loss.segment.empty()) {
        auto segment = files_.open(spool_ + "/" + loss.segment, Files::Open::existing_read_only);
        if (!segment) return std::unexpected(segment.error());
        from = std::move(*segment);
    }
    std::vector<std::byte> bytes(copy_bytes);
    for (uint64_t at = loss.from; from != nullptr && at < loss.to && bytes_max > 0;) {
        const auto wanted = std::min({loss.to - at, bytes_max, uint64_t{bytes.size()}});
        const auto got = read_around_bad_blocks(*from, at, std::span(bytes).first(wanted));
        if (!got) return std::unexpected(got.error());
        if (*got == 0) break;
        if (auto written = (*to)->write(at - loss.from, std::span(bytes).first(*got)); !written)
            return written;
        at += *got;
        bytes_max -= *got;
    }
    if (auto synced = (*to)->sync(); !synced) return synced;
    return files_.sync_directory(quarantine_);
}

}  // namespace rollcall
