#include "pipeline/spool/lineage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "pipeline/base/checksum.h"
#include "pipeline/base/log.h"
#include "pipeline/spool/lost_records.h"

namespace rollcall {

namespace {

constexpr size_t slot_bytes = 32 << 10;
constexpr uint64_t lineage_magic = 0x454E494C'4C4C4F52;  // "ROLLLINE"
constexpr uint32_t lineage_format = 1;
constexpr size_t lineage_checked_from = sizeof(uint64_t) + sizeof(uint32_t);

struct LineageFields {
    uint64_t magic;
    uint32_t checksum;
    uint32_t format;
    uint64_t sequence;
    SpoolId spool;
    DirectoryPlace place;
    uint32_t incarnations;
    uint32_t runs;
};
static_assert(sizeof(LineageFields) == 152);
constexpr size_t run_bytes = sizeof(RunId) + sizeof(uint64_t);
static_assert(sizeof(LineageFields) + Lineage::incarnations_max * sizeof(IncarnationId) +
                  Lineage::runs_max * run_bytes <=
              slot_bytes);

// Returns the fields of a slot, or nothing if the slot is damaged.
std::optional<LineageFields> whole_slot(std::span<const std::byte> slot) {
    LineageFields fields;
    if (slot.size() < sizeof fields) return {};
    std::memcpy(&fields, slot.data(), sizeof fields);
    if (fields.magic != lineage_magic || fields.format != lineage_format ||
        fields.incarnations > Lineage::incarnations_max || fields.runs > Lineage::runs_max)
        return {};
    const size_t bytes =
        sizeof fields + fields.incarnations * sizeof(IncarnationId) + fields.runs * run_bytes;
    if (bytes > slot.size() ||
        fields.checksum != checksum(slot.first(bytes).subspan(lineage_checked_from)))
        return {};
    return fields;
}

}  // namespace

SpoolId new_spool_id() {
    std::random_device random;
    SpoolId id;
    for (auto& byte : id) byte = static_cast<std::byte>(random());
    id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x40};
    id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
    return id;
}

Lineage::Lineage(Files& files, std::string directory)
    : files_(files),
      path_(directory + "/" + std::string(lineage_name)),
      directory_(std::move(directory)) {}

Result<void> Lineage::open(const SpoolId& spool, std::span<const Segment> segments,
                           uint64_t next_record) {
    const auto place = files_.place(directory_);
    if (!place) return std::unexpected(place.error());
    if (auto known = read(spool, segments); !known) return known;
    if (place_ && !is_same_place(*place_, *place)) {
        begin_incarnation();
        log(LogLevel::warning,
            {.message =
                 "spool: the directory was copied or restored from a backup since the last start",
             .details = {{"directory", directory_}, {"new_id", to_text(incarnations_.front())}},
             .note = "sinks record its progress under the new id. No action needed"});
    }
    place_ = *place;
    begin_run(next_record);
    return save();
}

Result<void> Lineage::read(const SpoolId& spool, std::span<const Segment> segments) {
    spool_ = spool;
    runs_.clear();
    incarnations_.clear();
    place_.reset();
    if (auto loaded = load(); !loaded) return loaded;
    complete(segments);
    return {};
}

// Reads the lineage file. Ignores a slot that is damaged or belongs to another spool. If both slots
// can be used, uses the later slot.
Result<void> Lineage::load() {
    auto file = files_.open(path_, Files::Open::existing_read_only);
    if (!file && file.error().os_errno == ENOENT) return {};
    if (!file) return std::unexpected(file.error());
    std::vector<std::byte> bytes(2 * slot_bytes);
    const auto got = read_around_bad_blocks(**file, 0, bytes);
    if (!got) return std::unexpected(got.error());
    std::span<const std::byte> later;
    for (const size_t at : {size_t{0}, slot_bytes}) {
        const auto slot = std::span<const std::byte>(bytes).first(*got).subspan(std::min(at, *got));
        const auto fields = whole_slot(slot.first(std::min(slot.size(), slot_bytes)));
        if (!fields || fields->spool != spool_ || fields->sequence <= sequence_) continue;
        sequence_ = fields->sequence;
        later = slot;
    }
    if (!later.empty()) decode(later);
    return {};
}

void Lineage::decode(std::span<const std::byte> slot) {
    LineageFields fields;
    std::memcpy(&fields, slot.data(), sizeof fields);
    place_ = fields.place;
    const std::byte* at = slot.data() + sizeof fields;
    incarnations_.resize(fields.incarnations);
    for (IncarnationId& incarnation : incarnations_) {
        std::memcpy(incarnation.data(), at, incarnation.size());
        at += incarnation.size();
    }
    runs_.resize(fields.runs);
    for (Run& run : runs_) {
        std::memcpy(run.id.data(), at, run.id.size());
        std::memcpy(&run.first_record, at + run.id.size(), sizeof run.first_record);
        at += run_bytes;
    }
}

std::vector<std::byte> Lineage::encode() const {
    std::vector<std::byte> slot(sizeof(LineageFields));
    const auto append = [&](const void* bytes, size_t count) {
        const auto* const begin = static_cast<const std::byte*>(bytes);
        slot.insert(slot.end(), begin, begin + count);
    };
    for (const IncarnationId& incarnation : incarnations_)
        append(incarnation.data(), incarnation.size());
    for (const Run& run : runs_) {
        append(run.id.data(), run.id.size());
        append(&run.first_record, sizeof run.first_record);
    }
    LineageFields fields{.magic = lineage_magic,
                         .checksum = 0,
                         .format = lineage_format,
                         .sequence = sequence_,
                         .spool = spool_,
                         .place = place_.value_or(DirectoryPlace{}),
                         .incarnations = static_cast<uint32_t>(incarnations_.size()),
                         .runs = static_cast<uint32_t>(runs_.size())};
    std::memcpy(slot.data(), &fields, sizeof fields);
    fields.checksum = checksum(std::span(slot).subspan(lineage_checked_from));
    std::memcpy(slot.data(), &fields, sizeof fields);
    return slot;
}

// Opens the lineage file, or creates it in its full size. Later writes then succeed even if the
// disk is full.
Result<void> Lineage::open_file() {
    auto file = files_.open(path_, Files::Open::existing);
    if (!file && file.error().os_errno == ENOENT) {
        file = files_.open(path_, Files::Open::create);
        if (!file) return std::unexpected(file.error());
        if (auto sized = (*file)->write(0, std::vector<std::byte>(2 * slot_bytes)); !sized)
            return sized;
        if (auto named = files_.sync_directory(directory_); !named) return named;
    }
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    return {};
}

Result<void> Lineage::save() {
    if (!file_)
        if (auto opened = open_file(); !opened) return opened;
    ++sequence_;
    if (auto written = file_->write(sequence_ % 2 * slot_bytes, encode()); !written) return written;
    return file_->sync();
}

// Adds the runs and incarnations that the lineage file lacks but the segments contain. If the
// segments and the file contradict each other, the segments are correct.
void Lineage::complete(std::span<const Segment> segments) {
    if (!segments.empty())
        std::erase_if(runs_, [&](const Run& run) {
            return run.first_record >= segments.front().first_record;
        });
    std::vector<IncarnationId> named;
    for (const Segment& segment : segments) {
        if (runs_.empty() || runs_.back().id != segment.origin.run)
            runs_.push_back({segment.origin.run, segment.first_record});
        const bool is_known = std::ranges::find(named, segment.origin.incarnation) != named.end();
        if (!is_known) named.insert(named.begin(), segment.origin.incarnation);
    }
    if (incarnations_.empty()) {
        // Without the lineage file, it is unknown whether this spool is a copy, so the spool gets a
        // new incarnation. If a version that wrote no lineage file has written the whole spool, the
        // incarnation remains the spool's id.
        incarnations_ = named;
        if (named.empty())
            incarnations_ = {spool_};
        else if (named.size() > 1 || named.front() != spool_ || runs_.back().id != spool_)
            begin_incarnation();
    }
}

// Begins a run whose first record is `next_record`. Removes earlier runs that have written no
// record.
void Lineage::begin_run(uint64_t next_record) {
    while (!runs_.empty() && runs_.back().first_record >= next_record) runs_.pop_back();
    runs_.push_back({new_spool_id(), next_record});
    if (runs_.size() > runs_max)
        runs_.erase(runs_.begin(), runs_.end() - static_cast<ptrdiff_t>(runs_max));
}

void Lineage::begin_incarnation() {
    incarnations_.insert(incarnations_.begin(), new_spool_id());
    if (incarnations_.size() > incarnations_max) incarnations_.resize(incarnations_max);
}

Origin Lineage::origin() const {
    const std::scoped_lock lock(mutex_);
    return {run(), incarnations_.front()};
}

std::vector<IncarnationId> Lineage::incarnations() const {
    const std::scoped_lock lock(mutex_);
    return incarnations_;
}

Result<void> Lineage::renew(const IncarnationId& seen) {
    const std::scoped_lock lock(mutex_);
    if (incarnations_.front() != seen) return {};
    const auto before = incarnations_;
    begin_incarnation();
    auto saved = save();
    if (!saved) incarnations_ = before;
    return saved;
}

const RunId& Lineage::run_of(uint64_t record) const {
    const auto after = std::ranges::upper_bound(runs_, record, {}, &Run::first_record);
    return after == runs_.begin() ? spool_ : std::prev(after)->id;
}

std::optional<uint64_t> Lineage::end_of(const RunId& run) const {
    for (size_t i = runs_.size(); i-- > 0;)
        if (runs_[i].id == run)
            return i + 1 < runs_.size() ? runs_[i + 1].first_record : UINT64_MAX;
    return {};
}

}  // namespace rollcall
