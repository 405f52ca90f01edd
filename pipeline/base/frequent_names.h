// FrequentNames: the most frequent names of a stream, with their counts, in fixed memory.
//
//     names.count("router_os_ver", note)     3,000 times
//     names.count("vendor_1", note)          once, like millions of other names
//
// The class implements the space-saving sketch, which holds at most names_max names and their
// counts. When the sketch is full, a new name replaces the name with the lowest count. The new name
// takes over this count, and also stores it as its `error`. So the true count of each name in the
// sketch lies between `count - error` and `count`. The sketch holds every name that makes up more
// than 1/names_max of the stream.
//
// To find a name with the lowest count, a pointer moves through all names in a circle. It stops at
// the first name whose count equals the lowest count. Each round raises the lowest count, which is
// at most the length of the stream divided by names_max. So counting takes constant time on
// average, for any sequence of names.
//
// count() returns the Place of a name. With this Place, count_at() counts the name again without a
// look-up.
//
// Source:  Metwally, Agrawal, El Abbadi, "Efficient Computation of Frequent and Top-k Elements in
//          Data Streams", 2005. Merging: Cafaro, Pulimeno, Tempesta, "A parallel space saving
//          algorithm for frequent items and the Hurwitz zeta distribution", 2016.
// Threads: one at a time. Only construction and copying allocate memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall {

class FrequentNames {
public:
    // Longer names are cut to this size.
    static constexpr size_t name_bytes_max = 48;

    // The position of a name in the sketch. Each name that takes a position gets a new ticket (a
    // number). So if another name has taken the position, the ticket that the sketch has there
    // differs from `ticket`.
    struct Place {
        uint32_t ticket = 0;
        uint16_t slot = 0;
    };

    struct Entry {
        uint64_t count = 0;
        uint64_t error = 0;
        uint32_t ticket = 0;  // Different for each name that takes this position.
        uint32_t note = 0;    // The value that the caller gave when the name took this position.
        uint32_t bucket = 0;  // Index of the name's bucket in buckets_.
        uint16_t next = 0;    // Slot of the next name in the same bucket.
        uint8_t size = 0;
        std::array<char, name_bytes_max> bytes{};

        [[nodiscard]] std::string_view name() const { return {bytes.data(), size}; }
    };

    // names_max: at least 1 and below 65,535.
    explicit FrequentNames(size_t names_max);

    // Counts the name at this place. Returns false if another name has replaced the name.
    [[nodiscard]] bool count_at(Place place) {
        Entry& entry = entries_[place.slot];
        if (entry.ticket != place.ticket) return false;
        ++entry.count;
        return true;
    }
    // Counts a name, which must be valid UTF-8, and returns its place.
    Place count(std::string_view name, uint32_t note);

    // Returns the names that the sketch holds, in no particular order.
    [[nodiscard]] std::span<const Entry> entries() const {
        return std::span(entries_).first(used_);
    }
    // Returns the maximum number of times that a name outside the sketch may have occurred.
    [[nodiscard]] uint64_t missed_max() const;

private:
    [[nodiscard]] size_t bucket_of(std::string_view name) const;
    [[nodiscard]] uint16_t take_rarest();
    void unlink(uint16_t slot);

    std::vector<Entry> entries_;
    std::vector<uint16_t> buckets_;  // For each bucket, the slot of its first name.
    size_t used_ = 0;
    size_t hand_ = 0;
    uint64_t lowest_ = 0;  // No name in the sketch has a lower count.
    uint32_t tickets_ = 0;
};

// A name, with the sum of its counts in several sketches.
struct FrequentName {
    std::string name;
    uint64_t count = 0;
    uint64_t error = 0;
    uint32_t note = 0;
};
// Adds up the counts of several sketches. Returns at most names_max names, the most frequent name
// first.
[[nodiscard]] std::vector<FrequentName> sum_of(std::span<const FrequentNames> sketches,
                                               size_t names_max);

}  // namespace rollcall
