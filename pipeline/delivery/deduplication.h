// DeduplicationWindow: the fingerprints seen lately, to tell a report that was sent twice.
//
//     sightings   ring, in order of arrival     [ fingerprint, received_at | ... ]
//     table       open addressing, half full    [ tag, place of the sighting | empty | ... ]
//
// A fingerprint is a duplicate if it was seen with a received_at no more than the window away. The
// sighting that counts is the first, which is the one that is stored: a router that sends one
// report for ever is heard once in a window, not once in its life. Time is received_at alone, so
// reading records again tells the same rows apart. It may run back a little, for workers write side
// by side; after a jump the window is empty, which lets a duplicate pass and takes no report for
// one.
//
// Exact: a fingerprint is found by all of its bits. Bounded: of more than count_max the oldest is
// forgotten. Memory doubles as sightings come, up to 48 bytes for each of count_max, 131 MB for
// 4,000,000; nothing is allocated once it is large enough for a window.
//
// Units:   microseconds since 1970, UTC.
// Threads: a delivery's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rollcall {

class DeduplicationWindow {
public:
    DeduplicationWindow(std::chrono::milliseconds window, size_t count_max);

    // Has the memory fetched that seen_before() will look at: a table of any size is read at
    // random, and waiting for it is most of what a look-up costs. Call it look_ahead fingerprints
    // before.
    void prefetch(uint64_t fingerprint) const {
        __builtin_prefetch(&table_[home_of(tag_of(fingerprint))]);
    }
    static constexpr size_t look_ahead = 8;

    // Whether this is a duplicate. If not, it is remembered as seen.
    [[nodiscard]] bool seen_before(uint64_t fingerprint, int64_t received_us);
    void clear();

private:
    struct Sighting {
        uint64_t fingerprint;
        int64_t received_us;
    };
    struct Entry {
        uint32_t tag = 0;  // The upper half of the hash.
        uint32_t place = empty;
    };
    static constexpr uint32_t empty = UINT32_MAX;

    [[nodiscard]] uint32_t tag_of(uint64_t fingerprint) const {
        return static_cast<uint32_t>(fingerprint * multiplier_ >> 32);
    }
    [[nodiscard]] size_t home_of(uint32_t tag) const { return tag >> shift_; }
    [[nodiscard]] size_t after(size_t at) const { return (at + 1) & (table_.size() - 1); }
    [[nodiscard]] Entry& find(uint64_t fingerprint);
    // The sighting that many after the oldest.
    [[nodiscard]] size_t place_of(size_t number) const {
        const size_t place = oldest_ + number;
        return place < sightings_.size() ? place : place - sightings_.size();
    }
    void remember(uint64_t fingerprint, int64_t received_us);
    void forget_oldest();
    void erase(size_t hole);
    void grow();

    uint64_t window_us_;
    size_t count_max_;
    uint64_t multiplier_;  // Odd.
    std::vector<Sighting> sightings_;
    size_t oldest_ = 0;
    size_t count_ = 0;
    std::vector<Entry> table_;  // A power of two, at least twice the sightings.
    int shift_ = 0;             // From a tag to its place in the table.
};

}  // namespace rollcall
