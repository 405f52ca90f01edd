#include "pipeline/delivery/deduplication.h"

#include <algorithm>
#include <bit>
#include <random>

#include "pipeline/base/error.h"

namespace rollcall {

namespace {

constexpr size_t first_capacity = 1024;

// A client that knew the key of the hash could choose fingerprints that are neighbours in the
// table, so that each look-up becomes a long walk. To prevent this, the position in the table also
// depends on a secret number.
uint64_t random_odd() {
    std::random_device random;
    return uint64_t{random()} << 32 | random() | 1;
}

// Returns the distance between any two times, without overflow.
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
    resize(std::min(first_capacity, count_max));
}

bool DeduplicationWindow::seen_before(uint64_t fingerprint, int64_t received_us) {
    while (count_ > 0 && apart(sightings_[oldest_].received_us, received_us) > window_us_)
        forget_oldest();
    give_back();
    const Entry& entry = find(fingerprint);
    // The loop above stops at the first sighting that is young enough. received_at can decrease, so
    // a later sighting can still be too old. So check the time of the sighting that was found.
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

// Returns the entry of the fingerprint. If there is none, returns the empty entry into which it
// belongs.
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
    if (count_ == sightings_.size()) resize(std::min(2 * count_, count_max_));
    const size_t place = place_of(count_);
    sightings_[place] = {fingerprint, received_us};
    ++count_;
    find(fingerprint) = {tag_of(fingerprint), static_cast<uint32_t>(place)};
}

void DeduplicationWindow::forget_oldest() {
    if (count_ > look_ahead) prefetch(sightings_[place_of(look_ahead)].fingerprint);
    const Entry& entry = find(sightings_[oldest_].fingerprint);
    // Keep the entry if it names a later sighting of the same fingerprint.
    if (entry.place == oldest_) erase(static_cast<size_t>(&entry - table_.data()));
    oldest_ = place_of(1);
    --count_;
}

// Removes the entry at `hole`. Fills the hole with later entries that a look-up could not find
// while the hole is empty (Knuth, algorithm R).
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

// Frees memory after a burst of reports has left the window.
void DeduplicationWindow::give_back() {
    if (count_ >= sightings_.size() / 8 || sightings_.size() <= first_capacity) return;
    resize(std::max(2 * count_, first_capacity));
}

void DeduplicationWindow::resize(size_t capacity) {
    std::vector<Sighting> sightings(capacity);
    for (size_t number = 0; number < count_; ++number)
        sightings[number] = sightings_[place_of(number)];
    sightings_ = std::move(sightings);
    oldest_ = 0;
    const size_t entries = std::bit_ceil(2 * capacity);
    shift_ = 32 - std::countr_zero(entries);
    table_ = std::vector<Entry>(entries);
    for (uint32_t place = 0; place < count_; ++place) {
        const uint64_t fingerprint = sightings_[place].fingerprint;
        find(fingerprint) = {tag_of(fingerprint), place};
    }
}

}  // namespace rollcall
