// Liveness: writes a row for a site whose report was refused. Such a row shows that the router is
// up although its report is broken.
//
// The request must name the site outside of the body: in the credential, the path, the MQTT topic,
// the query or the header. The row has the code of the refusal in the column `warnings`, online =
// 1, and no values. Each site gets at most one such row in a minute of the clock, because a broken
// script fails at every run, on every router that runs the script.
//
// The row is made durable and delivered like any other row, but no response waits for it. If the
// worker's ring is full, the row is dropped and counted. The next refused report of the site then
// gets a row.
//
// Threads: one object for each worker; all share one LastSeen.
#pragma once

#include "config/metrics.h"
#include "daemon/overload/last_seen.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class Liveness {
public:
    Liveness(Intake& intake, LastSeen& last_seen, MetricShard& shard)
        : intake_(intake), last_seen_(last_seen), shard_(shard) {}

    // Writes a row for the sender of a refused request or packet. Has no effect if something other
    // than the body was refused.
    void refused(Code code, const Sender& sender);
    // Calls refused() with the code of the last refused report if all reports of a body were
    // refused.
    void taken(const Receipt& receipt, const Sender& sender) {
        if (receipt.accepted == 0 && !receipt.refused.empty())
            refused(receipt.refused.back().code, sender);
    }

private:
    Intake& intake_;
    LastSeen& last_seen_;
    MetricShard& shard_;
};

}  // namespace rollcall
