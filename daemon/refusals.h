// Refusals: whoever is refused is counted, by reason; and for each reason one line of the log in a
// minute of the clock says so, whatever is thrown at the daemon. What was sent is in no line.
//
// Threads: one for each worker; they share the LastSeen.
#pragma once

#include <string_view>

#include "config/metrics.h"
#include "daemon/last_seen.h"
#include "pipeline/clock.h"

namespace rollcall {

class Refusals {
public:
    Refusals(LastSeen& last_seen, const Clock& clock, Slab& slab)
        : last_seen_(last_seen), clock_(clock), slab_(slab) {}

    void count(Transport transport, Code code, std::string_view peer);

private:
    LastSeen& last_seen_;
    const Clock& clock_;
    Slab& slab_;
};

}  // namespace rollcall
