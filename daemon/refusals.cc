#include "daemon/refusals.h"

#include "pipeline/error.h"
#include "pipeline/log.h"
#include "pipeline/row_id.h"

namespace rollcall {

void Refusals::count(Transport transport, Code code, std::string_view peer) {
    slab_.add(Metric::checkins_rejected_total, 1, label_of(transport, code));
    if (!logs(LogLevel::info)) return;
    // In the table that remembers sites, under a number that is no site's.
    const uint64_t reason = fingerprint(to_text(code), 1 + static_cast<uint64_t>(transport));
    if (!last_seen_.first_in_minute(reason, clock_.wall_us() / 1'000'000)) return;
    log(LogLevel::info, "refused over {}, from {} and perhaps others: {}: {}", to_text(transport),
        peer, to_text(code), info(code).help);
}

}  // namespace rollcall
