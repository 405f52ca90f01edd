// Liveness: a router whose report is broken is not a router that is down.
//
// A body that is refused still tells that its sender is there, if it is known without the body: by
// the path, the MQTT topic, or an id in the query. Such a router gets a row with `warnings` = the
// code, no metrics, and online = 1, at most one in a minute of the clock for each site. A template
// that is broken is broken at every tick, on every router that has it.
//
// The row is made durable and delivered like any other. Nobody waits for it: the refusal is
// answered at once. If the ring is full there is none; that is counted, and the next refused report
// tries again.
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

    // A request or packet of this sender was refused. Does nothing if it was not for its body.
    void refused(Code code, const Sender& sender);
    // A body was taken, and none of its reports was good.
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
