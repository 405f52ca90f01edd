// DeduplicationWindow: the fingerprints of recent reports. It detects reports that a router sent
// again.
//
//     sightings   ring, in order of arrival     [ fingerprint, received_at | ... ]
//     table       open addressing, half full    [ tag, place of the sighting | empty | ... ]
//
// A report is a duplicate if its fingerprint was seen before, and the two values of received_at
// differ by at most the window. Duplicates are not added to the window. So if a router repeats one
// report for ever, one report in each window of time is stored. The window uses no clock other than
// received_at, so it finds the same duplicates when records are read again. received_at can
// decrease a little from one report to the next, because several workers write. After a jump of the
// clock, no earlier sighting is within the window. In that case a duplicate may be stored, but no
// new report is dropped.
//
// If the tag of an entry matches, all bits of the fingerprint are compared as well. When the window
// holds count_max fingerprints, it forgets the oldest one. The memory doubles as fingerprints
// arrive, up to 131 MB for a count_max of 4,000,000. When less than an eighth of the memory is
// used, it shrinks to twice the used size. Under a steady load, nothing is allocated any more after
// one window of time.
//
// Source:  Knuth, The Art of Computer Programming, volume 3, section 6.4.
// Units:   microseconds since 1970, UTC.
// Threads: the thread of a delivery.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rollcall {

class DeduplicationWindow {
public:
    DeduplicationWindow(std::chrono::milliseconds window, size_t count_max);

    // Fetches the memory that seen_before() will read. The table is read in random order, so most
    // of the cost of a look-up is the wait for memory. Call it look_ahead fingerprints in advance.
    void prefetch(uint64_t fingerprint) const {
        __builtin_prefetch(&table_[home_of(tag_of(fingerprint))]);
    }
    static constexpr size_t look_ahead = 8;

    // Returns true if the report is a duplicate. If it is not, remembers its fingerprint.
    [[nodiscard]] bool seen_before(uint64_t fingerprint, int64_t received_us);
    void clear();
    // Returns the number of fingerprints that fit into the allocated memory.
    [[nodiscard]] size_t capacity() const { return sightings_.size(); }

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
    // Returns the place of the sighting that is `number` sightings after the oldest.
    [[nodiscard]] size_t place_of(size_t number) const {
        const size_t place = oldest_ + number;
        return place < sightings_.size() ? place : place - sightings_.size();
    }
    void remember(uint64_t fingerprint, int64_t received_us);
    void forget_oldest();
    void erase(size_t hole);
    void give_back();
    void resize(size_t capacity);

    uint64_t window_us_;
    size_t count_max_;
    uint64_t multiplier_;  // A random odd number, which clients do not know.
    std::vector<Sighting> sightings_;
    size_t oldest_ = 0;
    size_t count_ = 0;
    std::vector<Entry> table_;  // The size is a power of two, at least twice the capacity.
    int shift_ = 0;             // Number of bits by which home_of() shifts a tag.
};

}  // namespace rollcall
