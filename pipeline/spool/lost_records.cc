#include "pipeline/spool/lost_records.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/spool/damage_copier.h"
#include "pipeline/spool/format.h"

namespace rollcall {

namespace {

constexpr size_t block_bytes = 4096;
constexpr std::string_view suffix = ".damaged";
// If a flush() has at most this number of losses, each loss gets a file of its own. If it has more,
// they share one file.
constexpr size_t own_files_max = 8;
constexpr size_t counted_places_max = size_t{1} << 18;
constexpr uint64_t noted_bytes_max = uint64_t{16} << 20;

// Describes one of several losses whose bytes are in one file.
struct Entry {
    uint64_t first;
    uint64_t end;
    uint64_t bytes;
};

struct FileName {
    uint64_t first;
    uint64_t end;
    size_t losses = 1;
};

std::optional<FileName> decode_name(std::string_view name) {
    if (!name.ends_with(suffix)) return {};
    const char* const end = name.data() + name.size() - suffix.size();
    FileName decoded{};
    const auto [dash, error] = std::from_chars(name.data(), end, decoded.first);
    if (error != std::errc{} || dash == end || *dash != '-') return {};
    const auto [dot, second] = std::from_chars(dash + 1, end, decoded.end);
    if (second != std::errc{}) return {};
    if (dot == end) return decoded;
    const auto [rest, third] = std::from_chars(dot + 1, end, decoded.losses);
    if (*dot != '.' || third != std::errc{} || rest != end) return {};
    return decoded;
}

std::string encode_name(const FileName& name) {
    const std::string losses = name.losses == 1 ? "" : fmt::format(".{}", name.losses);
    return fmt::format("{:020}-{:020}{}{}", name.first, name.end, losses, suffix);
}

// Logs one line for all losses together.
void log_losses(std::span<const LostRange> losses, uint64_t count) {
    const LostRange& first = losses.front();
    const std::string cause =
        first.segment.empty()
            ? "their segment file is missing"
            : fmt::format("they are damaged, segment={} from_byte={}", first.segment, first.from);
    constexpr std::string_view advice =
        "Sinks that had not stored these records lose them. Delete nothing, and check the disk "
        "(journalctl -k)";
    if (losses.size() == 1)
        log(LogLevel::error,
            {.message = "spool: records lost",
             .details = {{"records", fmt::format("{}-{}", first.first, first.end - 1)}},
             .note = fmt::format("{}. {}", cause, advice)});
    else
        log(LogLevel::error,
            {.message = "spool: records lost",
             .details = {{"count", count},
                         {"ranges", losses.size()},
                         {"first", fmt::format("{}-{}", first.first, first.end - 1)},
                         {"last",
                          fmt::format("{}-{}", losses.back().first, losses.back().end - 1)}},
             .note = fmt::format("first range: {}. {}", cause, advice)});
}

// Sets the size of each entry to 0 whose bytes are not all in the file before this offset.
void forget_bytes_after(uint64_t offset, std::span<Entry> entries) {
    uint64_t end = entries.size() * sizeof(Entry);
    for (Entry& entry : entries) {
        end += entry.bytes;
        if (end > offset) entry.bytes = 0;
    }
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

// --- Quarantine ---

Quarantine::Quarantine(Files& files, std::string spool_directory, uint64_t size_max)
    : files_(files),
      spool_(std::move(spool_directory)),
      directory_(fmt::format("{}/{}", spool_, quarantine_name)),
      size_max_(size_max) {}

uint64_t Quarantine::claim(const LostRange& loss) {
    const std::scoped_lock lock(mutex_);
    if (!was_read_ && files_.make_directories(directory_)) was_read_ = read_directory().has_value();
    return mark(loss.first, loss.end);
}

Result<void> Quarantine::read_directory() {
    const auto names = files_.list(directory_);
    if (!names) return std::unexpected(names.error());
    bytes_ = 0;
    for (const auto& name : *names)
        if (auto read = read_file(name); !read) return read;
    return {};
}

// Marks the records of a quarantine file as counted. Fails only with an error that may be
// temporary. A file that was not completely written can end within its list of entries. The
// complete entries of such a list are used.
Result<void> Quarantine::read_file(const std::string& name) {
    const auto decoded = decode_name(name);
    if (!decoded || decoded->first >= decoded->end) return {};
    if (decoded->losses == 1) (void)mark(decoded->first, decoded->end);
    const auto file = files_.open(directory_ + "/" + name, Files::Open::existing_read_only);
    if (!file && file.error().action() == Action::retry) return std::unexpected(file.error());
    if (!file) return {};
    bytes_ += (*file)->size().value_or(0);
    if (decoded->losses == 1) return {};
    std::vector<Entry> entries(std::min(decoded->losses, LostRecords::noted_max));
    const auto into = std::as_writable_bytes(std::span(entries));
    const auto got = read_around_bad_blocks(**file, 0, into);
    entries.resize(got.value_or(0) / sizeof(Entry));
    for (const Entry& entry : entries)
        if (entry.first >= decoded->first && entry.first < entry.end && entry.end <= decoded->end)
            (void)mark(entry.first, entry.end);
    return {};
}

// Marks records [first, end) as counted. Returns the number of records that were not counted
// before.
uint64_t Quarantine::mark(uint64_t first, uint64_t end) {
    uint64_t added = end - first;
    uint64_t joined_first = first;
    uint64_t joined_end = end;
    auto at = counted_.upper_bound(first);
    if (at != counted_.begin() && std::prev(at)->second >= first) --at;
    while (at != counted_.end() && at->first <= end) {
        added -= std::min(at->second, end) - std::max(at->first, first);
        joined_first = std::min(joined_first, at->first);
        joined_end = std::max(joined_end, at->second);
        at = counted_.erase(at);
    }
    counted_.emplace(joined_first, joined_end);
    if (counted_.size() > counted_places_max) counted_.erase(counted_.begin());
    return added;
}

Result<void> Quarantine::keep(std::span<const LostRange> losses) {
    const std::scoped_lock lock(mutex_);
    Result<void> kept;
    if (losses.size() > own_files_max) {
        kept = keep_together(losses);
    } else {
        for (const LostRange& loss : losses)
            if (auto done = keep_one(loss); !done) kept = done;
    }
    const auto synced = files_.sync_directory(directory_);
    return kept ? synced : kept;
}

Result<void> Quarantine::keep_one(const LostRange& loss) {
    const auto file =
        files_.open(directory_ + "/" + encode_name({loss.first, loss.end}), Files::Open::create);
    if (!file) return std::unexpected(file.error());
    const uint64_t bytes_before = bytes_;
    DamageCopier copier(files_, spool_, **file, 0);
    const auto copied = copy(loss, copier);
    if (!copied) return std::unexpected(copied.error());
    if (auto flushed = copier.flush(); !flushed) {
        bytes_ = bytes_before + copier.written_to();
        return flushed;
    }
    return (*file)->sync();
}

// Writes all losses into one file, the list of entries last. If the process ends before the list is
// written, the next start counts the records of this file again.
Result<void> Quarantine::keep_together(std::span<const LostRange> losses) {
    const FileName name{losses.front().first, losses.back().end, losses.size()};
    const auto file = files_.open(directory_ + "/" + encode_name(name), Files::Open::create);
    if (!file) return std::unexpected(file.error());
    std::vector<Entry> entries;
    const uint64_t list_bytes = losses.size() * sizeof(Entry);
    const uint64_t bytes_before = bytes_;
    bytes_ += list_bytes;
    DamageCopier copier(files_, spool_, **file, list_bytes);
    for (const LostRange& loss : losses)
        entries.push_back({loss.first, loss.end, copy(loss, copier).value_or(0)});
    const auto flushed = copier.flush();
    if (!flushed) {
        bytes_ = bytes_before + copier.written_to();
        forget_bytes_after(copier.written_to(), entries);
    }
    if (auto written = (*file)->write(0, std::as_bytes(std::span(entries))); !written)
        return written;
    const auto synced = (*file)->sync();
    return flushed ? synced : flushed;
}

// Copies the bytes of a loss, as far as the quarantine's size limit allows. Returns the number of
// copied bytes.
Result<uint64_t> Quarantine::copy(const LostRange& loss, DamageCopier& copier) {
    if (loss.segment.empty()) return 0;
    const uint64_t bytes = std::min(loss.to - loss.from, size_max_ - std::min(size_max_, bytes_));
    const auto copied = copier.copy(loss.segment, loss.from, bytes);
    bytes_ += copied.value_or(0);
    return copied;
}

// --- LostRecords ---

LostRecords::LostRecords(std::shared_ptr<Quarantine> quarantine, MetricShard& shard)
    : quarantine_(std::move(quarantine)), shard_(shard) {}

LostRecords::LostRecords(Files& files, const std::string& spool_directory,
                         uint64_t quarantine_size_max, MetricShard& shard)
    : LostRecords(std::make_shared<Quarantine>(files, spool_directory, quarantine_size_max),
                  shard) {}

void LostRecords::note(const LostRange& loss) {
    const bool touches = !noted_.empty() && noted_.back().end == loss.first &&
                         noted_.back().segment == loss.segment && noted_.back().to == loss.from;
    if (touches) {
        noted_.back().end = loss.end;
        noted_.back().to = loss.to;
    } else {
        noted_.push_back(loss);
    }
    if (noted_.size() == noted_max || noted_.back().to - noted_.back().from >= noted_bytes_max)
        flush();
}

void LostRecords::flush() {
    std::vector<LostRange> losses;
    uint64_t count = 0;
    for (const LostRange& loss : std::exchange(noted_, {})) {
        const uint64_t uncounted = quarantine_->claim(loss);
        count += uncounted;
        if (uncounted > 0) losses.push_back(loss);
    }
    if (losses.empty()) return;
    std::ranges::sort(losses, {}, &LostRange::first);
    // Count the records before their quarantine file exists. If the process ends in between, the
    // next start counts these records again. If the file were written first, such an end would
    // leave the records uncounted for ever.
    records_ += count;
    shard_.add(Metric::spool_lost_records_total, static_cast<int64_t>(count));
    log_losses(losses, count);
    const std::string& path = quarantine_->directory();
    if (const auto kept = quarantine_->keep(losses); kept)
        log(LogLevel::notice,
            {.message = "spool: lost records noted for inspection",
             .details = {{"directory", path}},
             .note = "the files in this directory hold the damaged bytes as far as they could be "
                     "read and spool.quarantine_size_max (for dead letters: "
                     "spool.dead_letters_size_max) allows"});
    else
        log(LogLevel::warning,
            {.message = "spool: damaged bytes not kept",
             .details = {{"directory", path}, {"error", describe(kept.error())}}});
}

}  // namespace rollcall
