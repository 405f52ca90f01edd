// IngestContext: what a worker needs to take a check-in over any protocol. It groups what the
// services of HTTP and MQTT are constructed with, and owns nothing.
//
// Threads: all of it belongs to one worker, or may be used by any thread.
#pragma once

#include "config/settings.h"
#include "daemon/net/refusals.h"
#include "daemon/overload/liveness.h"
#include "daemon/overload/quotas.h"
#include "daemon/security/credentials.h"
#include "pipeline/base/clock.h"
#include "pipeline/ingest/intake.h"

namespace rollcall {

struct IngestContext {
    const Settings& settings;
    const Clock& clock;
    Intake& intake;
    Liveness& liveness;
    Credentials& credentials;
    Quotas& quotas;
    Refusals& refusals;
};

}  // namespace rollcall
