#include "daemon/overload/last_seen.h"

#include <algorithm>

namespace rollcall {

namespace {

constexpr int64_t seconds_per_minute = 60;

uint64_t entry_of(uint64_t site, int64_t now_s) {
    return site >> 32 << 32 | static_cast<uint32_t>(now_s);
}

bool is_of(uint64_t entry, uint64_t site) { return entry != 0 && entry >> 32 == site >> 32; }

int64_t second_of(uint64_t entry) { return static_cast<uint32_t>(entry); }

}  // namespace

LastSeen::LastSeen(size_t sites_max)
    : sites_max_(sites_max),
      collectors_(zeroed<uint64_t>(sites_max)),
      minutes_(zeroed<uint64_t>(sites_max)) {}

std::atomic_ref<uint64_t> LastSeen::entry(const Table& table, uint64_t site) const {
    return std::atomic_ref(table[static_cast<uint32_t>(site) % sites_max_]);
}

void LastSeen::note_collectors(uint64_t site, int64_t now_s) {
    // relaxed: an independent number; if two writers race, either value is correct.
    entry(collectors_, site).store(entry_of(site, now_s), std::memory_order_relaxed);
}

std::optional<int64_t> LastSeen::collectors_age_s(uint64_t site, int64_t now_s) const {
    // relaxed: an independent number that orders no other memory access.
    const uint64_t last = entry(collectors_, site).load(std::memory_order_relaxed);
    if (!is_of(last, site)) return std::nullopt;
    return std::max<int64_t>(0, now_s - second_of(last));
}

bool LastSeen::first_in_minute(uint64_t site, int64_t now_s) {
    const auto minute = entry(minutes_, site);
    // relaxed: an independent number that orders no other memory access.
    uint64_t last = minute.load(std::memory_order_relaxed);
    do {
        if (is_of(last, site) && second_of(last) / seconds_per_minute == now_s / seconds_per_minute)
            return false;
        // relaxed: the exchange alone decides which of two workers is the first; no other memory
        // access depends on the order.
    } while (!minute.compare_exchange_weak(last, entry_of(site, now_s), std::memory_order_relaxed));
    return true;
}

}  // namespace rollcall
