#include "pipeline/base/frequent_names.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>

#include "pipeline/base/error.h"
#include "pipeline/base/hash.h"
#include "pipeline/base/utf8.h"

namespace rollcall {

namespace {

constexpr uint16_t nowhere = std::numeric_limits<uint16_t>::max();
constexpr uint32_t no_ticket = std::numeric_limits<uint32_t>::max();

}  // namespace

FrequentNames::FrequentNames(size_t names_max)
    : entries_(names_max), buckets_(2 * names_max, nowhere) {
    ensure(names_max > 0 && names_max < nowhere);
    for (Entry& entry : entries_) entry.ticket = no_ticket;
}

FrequentNames::Place FrequentNames::count(std::string_view name, uint32_t note) {
    name = utf8_prefix(name, name_bytes_max);
    const size_t bucket = bucket_of(name);
    uint16_t& first = buckets_[bucket];
    for (uint16_t slot = first; slot != nowhere; slot = entries_[slot].next) {
        Entry& entry = entries_[slot];
        if (entry.name() != name) continue;
        ++entry.count;
        return {entry.ticket, slot};
    }
    const uint16_t slot = used_ < entries_.size() ? static_cast<uint16_t>(used_++) : take_rarest();
    Entry& entry = entries_[slot];
    entry.error = entry.count;
    ++entry.count;
    if (++tickets_ == no_ticket) tickets_ = 1;
    entry.ticket = tickets_;
    entry.note = note;
    entry.bucket = static_cast<uint32_t>(bucket);
    entry.size = static_cast<uint8_t>(name.size());
    std::memcpy(entry.bytes.data(), name.data(), name.size());
    entry.next = first;
    first = slot;
    return {entry.ticket, slot};
}

// Removes a name with the lowest count from its bucket. Returns the slot of this name.
uint16_t FrequentNames::take_rarest() {
    for (;;) {
        uint64_t lowest = std::numeric_limits<uint64_t>::max();
        for (size_t seen = 0; seen < entries_.size(); ++seen) {
            const auto slot = static_cast<uint16_t>(hand_);
            hand_ = hand_ + 1 < entries_.size() ? hand_ + 1 : 0;
            lowest = std::min(lowest, entries_[slot].count);
            if (entries_[slot].count > lowest_) continue;
            unlink(slot);
            return slot;
        }
        lowest_ = lowest;
    }
}

void FrequentNames::unlink(uint16_t slot) {
    uint16_t* link = &buckets_[entries_[slot].bucket];
    while (*link != slot) link = &entries_[*link].next;
    *link = entries_[slot].next;
}

// The hash has a secret key, because clients choose the names.
size_t FrequentNames::bucket_of(std::string_view name) const {
    return process_hash(name) % buckets_.size();
}

uint64_t FrequentNames::missed_max() const {
    if (used_ < entries_.size()) return 0;
    return std::ranges::min(entries_, {}, &Entry::count).count;
}

std::vector<FrequentName> sum_of(std::span<const FrequentNames> sketches, size_t names_max) {
    std::map<std::string, FrequentName, std::less<>> sums;
    uint64_t missed_by_all = 0;
    for (const FrequentNames& sketch : sketches) {
        const uint64_t missed = sketch.missed_max();
        // A name that this sketch does not hold may have been counted up to `missed` times in it.
        // So add `missed` to all names of the earlier sketches. The loop below subtracts `missed`
        // again from the names that this sketch holds. A name that no earlier sketch holds begins
        // with missed_by_all, the sum of `missed` over the earlier sketches.
        for (auto& [name, sum] : sums) {
            sum.count += missed;
            sum.error += missed;
        }
        for (const auto& entry : sketch.entries()) {
            const auto [at, is_new] = sums.try_emplace(std::string(entry.name()));
            FrequentName& sum = at->second;
            if (is_new) sum = {at->first, missed_by_all, missed_by_all, entry.note};
            const uint64_t added = is_new ? 0 : missed;
            sum.count += entry.count - added;
            sum.error += entry.error - added;
        }
        missed_by_all += missed;
    }
    std::vector<FrequentName> all;
    for (auto& [name, sum] : sums) all.push_back(std::move(sum));
    std::ranges::sort(all, [](const FrequentName& left, const FrequentName& right) {
        return left.count != right.count ? left.count > right.count : left.name < right.name;
    });
    if (all.size() > names_max) all.resize(names_max);
    return all;
}

}  // namespace rollcall
