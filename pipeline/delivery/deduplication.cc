#include "pipeline/delivery/deduplication.h"

#include <algorithm>
#include <bit>
#include <random>

#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr size_t first_capacity = 1024;

// Who knows the hash that fingerprints are made by can choose some that lie side by side in a
// table, and make each look-up a long walk; not if the place depends on a number of our own.
uint64_t random_odd() {
    std::random_device random;
    return uint64_t{random()} << 32 | random() | 1;
}

// Any two times, without an overflow.
uint64_t apart(int64_t one, int64_t other) {
    const auto low = static_cast<uint64_t>(std::min(one, other));
    return static_cast<uint64_t>(std::max(one, other)) - low;
}

}  // namespace

DeduplicationWindow::DeduplicationWindow(std::chrono::milliseconds window, size_t count_max)
    : window_us_(static_cast<uint64_t>(window.count()) * 1000),
      count_max_(count_max),
      multiplier_(random_odd()) {
    ensure(count_max > 0 && count_max < uint64_t{1} << 31);
    grow();
}

bool DeduplicationWindow::seen_before(uint64_t fingerprint, int64_t received_us) {
    while (count_ > 0 && apart(sightings_[oldest_].received_us, received_us) > window_us_)
        forget_oldest();
    const Entry& entry = find(fingerprint);
    // One that is too old may be left behind a younger one that came before it.
    if (entry.place != empty &&
        apart(sightings_[entry.place].received_us, received_us) <= window_us_)
        return true;
    remember(fingerprint, received_us);
    return false;
}

void DeduplicationWindow::clear() {
    oldest_ = 0;
    count_ = 0;
    std::ranges::fill(table_, Entry{});
}

// Its entry, or the empty one where it would be.
DeduplicationWindow::Entry& DeduplicationWindow::find(uint64_t fingerprint) {
    const uint32_t tag = tag_of(fingerprint);
    size_t at = home_of(tag);
    while (table_[at].place != empty &&
           (table_[at].tag != tag || sightings_[table_[at].place].fingerprint != fingerprint))
        at = after(at);
    return table_[at];
}

void DeduplicationWindow::remember(uint64_t fingerprint, int64_t received_us) {
    if (count_ == count_max_) forget_oldest();
    if (count_ == sightings_.size()) grow();
    const size_t place = place_of(count_);
    sightings_[place] = {fingerprint, received_us};
    ++count_;
    find(fingerprint) = {tag_of(fingerprint), static_cast<uint32_t>(place)};
}

void DeduplicationWindow::forget_oldest() {
    if (count_ > look_ahead) prefetch(sightings_[place_of(look_ahead)].fingerprint);
    const Entry& entry = find(sightings_[oldest_].fingerprint);
    // Else the fingerprint was seen again since, and the entry tells of that.
    if (entry.place == oldest_) erase(static_cast<size_t>(&entry - table_.data()));
    oldest_ = place_of(1);
    --count_;
}

// Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithm R: what would not be
// found over the hole moves into it.
void DeduplicationWindow::erase(size_t hole) {
    const size_t wrap = table_.size() - 1;
    for (size_t at = after(hole); table_[at].place != empty; at = after(at)) {
        const size_t way = (at - home_of(table_[at].tag)) & wrap;
        if (way < ((at - hole) & wrap)) continue;
        table_[hole] = table_[at];
        hole = at;
    }
    table_[hole] = {};
}

void DeduplicationWindow::grow() {
    const size_t capacity = std::min(std::max(count_ * 2, first_capacity), count_max_);
    std::ranges::rotate(sightings_, sightings_.begin() + static_cast<ptrdiff_t>(oldest_));
    oldest_ = 0;
    sightings_.resize(capacity);
    const size_t entries = std::bit_ceil(2 * capacity);
    shift_ = 32 - std::countr_zero(entries);
    table_.assign(entries, Entry{});
    for (uint32_t place = 0; place < count_; ++place) {
        const uint64_t fingerprint = sightings_[place].fingerprint;
        find(fingerprint) = {tag_of(fingerprint), place};
    }
}

}  // namespace rollcall
