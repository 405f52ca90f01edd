// LastSeen: when a site was last seen to do something.
//
//     for each kind, sites_max entries    [ tag, 32 bits | second, 32 bits ]
//
// The lower half of a site's hash is its place, the upper half its tag. Two sites of one place
// forget each other, and the first is then unknown until it is seen again; nothing is ever looked
// for elsewhere, grown or locked. Memory is the kernel's until a site touches its page.
//
// Threads: any, all workers share one. An entry is one relaxed number: it orders nothing, and no
//          half of it is ever seen without the other.
// Units:   seconds since 1970, UTC; until 2106.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pipeline/base/zeroed.h"

namespace rollcall {

class LastSeen {
public:
    explicit LastSeen(size_t sites_max);

    // site: the fingerprint of its name, never 0.

    // The site reported what its collectors gathered.
    void note_collectors(uint64_t site, int64_t now_s);
    // Seconds since then; nothing if it is not known.
    [[nodiscard]] std::optional<int64_t> collectors_age_s(uint64_t site, int64_t now_s) const;

    // Is this the first time in this minute of the clock that the site is asked for?
    [[nodiscard]] bool first_in_minute(uint64_t site, int64_t now_s);

private:
    using Table = ZeroedArray<uint64_t>;

    [[nodiscard]] std::atomic_ref<uint64_t> entry(const Table& table, uint64_t site) const;

    size_t sites_max_;
    Table collectors_;
    Table minutes_;
};

}  // namespace rollcall
