#include "pipeline/spool/damage_copier.h"

#include <algorithm>
#include <utility>

#include "pipeline/spool/lost_records.h"

namespace rollcall {

namespace {

constexpr size_t read_bytes = 64 * 1024;
constexpr size_t write_bytes = 256 * 1024;

}  // namespace

DamageCopier::DamageCopier(Files& files, std::string spool_directory, File& to, uint64_t to_offset)
    : files_(files),
      spool_directory_(std::move(spool_directory)),
      to_(to),
      written_to_(to_offset) {}

Result<uint64_t> DamageCopier::copy(const std::string& segment, uint64_t offset, uint64_t bytes) {
    if (!written_) return std::unexpected(written_.error());
    if (auto opened = open(segment); !opened) return std::unexpected(opened.error());
    uint64_t copied = 0;
    while (copied < bytes) {
        const auto here = bytes_at(offset + copied);
        if (!here && copied == 0) return std::unexpected(here.error());
        if (!here || here->empty()) break;
        const auto part = here->first(std::min<uint64_t>(here->size(), bytes - copied));
        if (unwritten_.size() + part.size() > write_bytes) (void)flush();
        unwritten_.insert(unwritten_.end(), part.begin(), part.end());
        copied += part.size();
    }
    return copied;
}

Result<void> DamageCopier::flush() {
    if (written_) written_ = to_.write(written_to_, unwritten_);
    if (written_) written_to_ += unwritten_.size();
    unwritten_.clear();
    return written_;
}

Result<void> DamageCopier::open(const std::string& segment) {
    if (segment == segment_) return {};
    segment_.clear();
    window_bytes_ = 0;
    auto file = files_.open(spool_directory_ + "/" + segment, Files::Open::existing_read_only);
    if (!file) return std::unexpected(file.error());
    from_ = std::move(*file);
    segment_ = segment;
    return {};
}

// Returns the bytes of the segment from `offset` on. Returns no bytes if the segment ends before
// `offset`.
Result<std::span<const std::byte>> DamageCopier::bytes_at(uint64_t offset) {
    if (offset < window_at_ || offset >= window_at_ + window_bytes_) {
        window_.resize(read_bytes);
        window_bytes_ = 0;
        const auto got = read_around_bad_blocks(*from_, offset, window_);
        if (!got) return std::unexpected(got.error());
        window_at_ = offset;
        window_bytes_ = *got;
    }
    return std::span(window_).first(window_bytes_).subspan(offset - window_at_);
}

}  // namespace rollcall
