// Liveness: writes a row for a site whose report was refused, because a router with a broken report
// is not down.
//
// A refused body shows that its sender is alive, if the sender is known without the body: by the
// path, the MQTT topic, or an id in the query. The row has `warnings` = the code, online = 1, and
// no values. Each site gets at most one in a minute of the clock, because a broken script fails at
// every run, on every router that has it.
//
// The row is made durable and delivered like any other, but no response waits for it. If the ring
// is full, the row is dropped and counted, and the next refused report tries again.
//
// Threads: one for each worker; they share the LastSeen.
#pragma once

#include "config/metrics.h"
#include "daemon/overload/last_seen.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

class Liveness {
public:
    Liveness(Intake& intake, LastSeen& last_seen, MetricShard& shard)
        : intake_(intake), last_seen_(last_seen), shard_(shard) {}

    // Writes a row for a sender whose request or packet was refused. Has no effect if the reason
    // was not the body.
    void refused(Code code, const Sender& sender);
    // Does the same for a body of which no report was accepted.
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
