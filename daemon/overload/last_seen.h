// LastSeen: records when each site last caused an event. Each kind of event has a table of fixed
// size.
//
//     for each kind, sites_max entries    [ tag, 32 bits | second, 32 bits ]
//
// The lower half of a site's hash selects the entry; the upper half is the tag. If two sites have
// the same entry, each overwrites the other, and the time of the overwritten site is unknown until
// the site's next event. So the tables need no search, no growth and no lock. The kernel allocates
// a page of a table when an entry in the page is first used.
//
// Threads: any; all workers share one object. An entry is one atomic number with relaxed order: it
// orders no other memory access, and a reader never sees half of it.
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

    // site: the process_hash() of the site's name.

    // Records that the site reported the values of its collectors.
    void note_collectors(uint64_t site, int64_t now_s);
    // Returns the seconds since the last call of note_collectors() for the site; nothing if the
    // time of that call is unknown.
    [[nodiscard]] std::optional<int64_t> collectors_age_s(uint64_t site, int64_t now_s) const;

    // Returns true if this is the first call for the site in the current minute of the clock.
    [[nodiscard]] bool first_in_minute(uint64_t site, int64_t now_s);

private:
    using Table = ZeroedArray<uint64_t>;

    [[nodiscard]] std::atomic_ref<uint64_t> entry(const Table& table, uint64_t site) const;

    size_t sites_max_;
    Table collectors_;
    Table minutes_;
};

}  // namespace rollcall
